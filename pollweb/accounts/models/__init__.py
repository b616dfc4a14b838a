"""Who there is: people and their teams, what stands in for a team at the API's door, and what was used and done."""

from pollweb.accounts.models.audit import AuditEvent
from pollweb.accounts.models.credentials import App, Referrer, SeenHost, Token
from pollweb.accounts.models.exports import DataExport
from pollweb.accounts.models.people import ROLES, TIERS, Invitation, Membership, Team, User
from pollweb.accounts.models.tiers import TierRequest
from pollweb.accounts.models.usage import UsageDay, UsageHour
from pollweb.accounts.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "ROLES",
    "TIERS",
    "App",
    "AuditEvent",
    "DataExport",
    "Invitation",
    "Membership",
    "Referrer",
    "SeenHost",
    "Team",
    "TierRequest",
    "Token",
    "UsageDay",
    "UsageHour",
    "User",
    "Webhook",
    "WebhookDelivery",
]
