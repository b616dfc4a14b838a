"""Who did what: rows are added, never changed."""

from typing import Any, Never, Self

from django.db import models
from django.utils import timezone

from pollweb.accounts.models.people import Team, User


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def newest_first(self) -> Self:
        return self.order_by("-pk")

    def last_by_operators(self, action: str, target: str) -> "AuditEvent | None":
        """The last time that this was done to it by those who run the site, or by the site itself."""
        return self.filter(team=None, action=action, target=target).newest_first().first()

    def update(self, **values: Any) -> Never:
        raise TypeError("audit events are added, never changed")

    def delete(self) -> Never:
        raise TypeError("audit events leave with their team only")

    def forget(self, user: User) -> int:
        """The one exception: who deletes their account is named nowhere any more. Returns how many rows that were."""
        names = [name for name in (user.get_username(), user.email) if name]
        changed = models.QuerySet.update(self.filter(target__in=names), target=NOBODY, detail={})
        return changed + models.QuerySet.update(self.filter(actor=user), actor=None, actor_name=NOBODY, address="")


NOBODY = "deleted account"


class AuditEvent(models.Model):
    """One change of members, roles, tokens, referrers, tiers, settings or moderation."""

    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="audit")
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True, help_text="as it was then; outlives the membership")
    action = models.CharField(max_length=60, help_text="such as token.created")
    target = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True, help_text="plain words and numbers, never a secret")
    address = models.CharField(max_length=64, blank=True, help_text="the network it came from")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["team", "-id"]), models.Index(fields=["team", "action", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("audit events are added, never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise TypeError("audit events leave with their team only")
