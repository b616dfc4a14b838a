"""The mails about tokens that are at their end: 14 days before, 3 days, and on the day."""

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from pollweb.accounts import audit, mail, webhooks
from pollweb.accounts.models import AuditEvent, Token

# Days before the end at which its owner is written to; 0 is the last day.
REMINDERS = (0, 3, 14)
MOST_AT_ONCE = 200


def _readers(token: Token) -> list[str]:
    """Whoever made it, or the team's owners."""
    if token.created_by is not None and token.created_by.email:
        return [token.created_by.email]
    owners = token.team.memberships.owners().select_related("user").order_by("pk")[:5]
    return [each.user.email for each in owners if each.user.email]


def remind(token: Token) -> None:
    address = settings.SITE_URL + reverse("team-tokens-one", args=[token.team.slug, token.pk])
    mail.send("token_expiring", _readers(token), {"token": token, "address": address})


def remind_of_expiry() -> int:
    """Write to those whose tokens end in 14 days, in 3 and today: once for each. How many were written to."""
    now, told = timezone.now(), 0
    for token in Token.objects.expiring().select_related("team", "created_by").order_by("expires_at")[:MOST_AT_ONCE]:
        assert token.expires_at is not None
        days = next(days for days in REMINDERS if token.expires_at - now < timedelta(days=max(days, 1)))
        mark = {"action": "token.expiring", "team": token.team, "detail__token": token.pk, "detail__days": days}
        end = token.expires_at.date().isoformat()
        if not AuditEvent.objects.filter(**mark, detail__end=end).exists():
            audit.record(
                "token.expiring", team=token.team, actor=None, target=token, token=token.pk, days=days, end=end
            )
            webhooks.tell(
                token.team_id,
                "token.expiring",
                {"token": token.pk, "name": token.name, "expires_at": token.expires_at.isoformat(), "days": days},
            )
            remind(token)
            told += 1
    return told
