"""What roles, states and audit events are called on pages."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pollweb.lib.punctuation import named

ROLE_NAMES: dict[str, Promise] = {
    "owner": _("Owner"),
    "admin": _("Admin"),
    "member": _("Member"),
    "viewer": _("Viewer"),
}
ROLE_HELP: dict[str, Promise] = {
    "owner": _("everything, the team's end included"),
    "admin": _("members, settings and everybody's tokens"),
    "member": _("makes things, with tokens of their own"),
    "viewer": _("looks at results and usage"),
}

# What the details of audit events are called; others keep the name that they have in the export.
DETAIL_NAMES: dict[str, Promise] = {
    "after": _("after"),
    "before": _("before"),
    "days": _("days"),
    "end": _("end"),
    "hours": _("hours"),
    "of": _("of"),
    "percent": _("percent"),
    "reason": _("reason"),
    "scopes": _("scopes"),
    "token": _("token number"),
    "what": _("what"),
}

# Events of other parts are shown by their name where they are not listed here.
ACTION_NAMES: dict[str, Promise] = {
    "team.created": _("Team made"),
    "team.deleted": _("Team deleted"),
    "team.restored": _("Team restored"),
    "team.exported": _("Export asked for"),
    "settings.changed": _("Settings changed"),
    "member.invited": _("Member invited"),
    "member.invited_again": _("Invitation sent again"),
    "member.invitation_withdrawn": _("Invitation withdrawn"),
    "member.joined": _("Member joined"),
    "member.left": _("Member left"),
    "member.removed": _("Member removed"),
    "member.role_changed": _("Role changed"),
    "library.made_private": _("Results made private"),
    "library.made_public": _("Results made public"),
    "library.hidden_from_feed": _("Results hidden from the feed"),
    "library.deleted": _("Results deleted"),
    "library.restored": _("Results restored"),
    "tier.asked": _("Higher tier asked for"),
    "tier.withdrawn": _("Request for a tier withdrawn"),
    "tier.denied": _("Request for a tier denied"),
    "tier.changed": _("Tier changed"),
    "token.created": _("Token made"),
    "token.changed": _("Token changed"),
    "token.rotated": _("Token rotated"),
    "token.revoked": _("Token revoked"),
    "token.restored": _("Token restored"),
    "token.expiring": _("Token expires soon"),
    "limit.reached": _("A monthly limit is near its end, or reached"),
    "referrer.created": _("Referrer registered"),
    "referrer.verified": _("Referrer verified"),
    "referrer.deleted": _("Referrer removed"),
    "webhook.created": _("Webhook added"),
    "webhook.changed": _("Webhook changed"),
    "webhook.rotated": _("New secret for a webhook"),
    "webhook.stopped": _("Webhook stopped"),
    "webhook.started": _("Webhook started again"),
    "webhook.removed": _("Webhook removed"),
    "wall.created": _("Wall made"),
    "wall.changed": _("Wall changed"),
    "wall.removed": _("Wall removed"),
    "screen.created": _("Screen added"),
    "screen.changed": _("Screen changed"),
    "screen.rotated": _("New display key for a screen"),
    "screen.removed": _("Screen removed"),
}

REQUEST_STATES: dict[str, tuple[str, Promise]] = {
    "open": ("waiting", _("Waiting for an answer")),
    "granted": ("ok", _("Granted")),
    "denied": ("failed", _("Denied")),
    "withdrawn": ("none", _("Withdrawn")),
}


def role_choices(roles: list[str]) -> list[tuple[str, str]]:
    """For forms: each role with what it may do."""
    return [(role, named(ROLE_NAMES[role], ROLE_HELP[role])) for role in roles]
