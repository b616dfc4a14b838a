"""What a team and its tokens may use in a month, how much of it is gone, and the mails about it: at 80 and at 100 %.

An allowance is used up when the ledger says so, and also when a request was refused because too little of it was left.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from pollweb.accounts import audit, mail, money, quota, webhooks
from pollweb.accounts.models import AuditEvent, Team, Token, UsageDay
from pollweb.lib import redis
from pollweb.lib.numbers import grouped

NEAR, WHOLE = 80, 100  # per cent
BATCH = 200  # teams
MOST_READERS = 20
LEASE_SECONDS = 50
LIMITED = Q(monthly_quota__isnull=False) | Q(monthly_budget__isnull=False)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Requests, or money in millionths, of a month: of the whole team or of one of its tokens."""

    holder: Team | Token
    what: str  # requests or cost
    used: int
    of: int

    @property
    def token(self) -> Token | None:
        return self.holder if isinstance(self.holder, Token) else None

    @property
    def team(self) -> Team:
        return self.holder.team if isinstance(self.holder, Token) else self.holder

    @property
    def mark(self) -> str:
        """As `quota.refused` names it."""
        return f"{self.token.pk if self.token else 'team'}:{self.what}:{self.of}"

    @property
    def label(self) -> str:
        return _("Budget of this month") if self.what == "cost" else _("Quota of this month")

    @property
    def words(self) -> str:
        say = money.said if self.what == "cost" else grouped
        return _("%(used)s of %(of)s") % {"used": say(self.used), "of": say(self.of)}

    @property
    def forecast(self) -> str:
        """When it will be used up if the month goes on like this."""
        now, left = timezone.now(), self.of - self.used
        if left <= 0:
            return _("It is used up until the month ends.")
        if self.used:
            days = (now - quota.month(now)) / timedelta(days=1) + 1 / 1440
            gone = now + timedelta(days=min(left / (self.used / days), 366))
            if (gone.year, gone.month) == (now.year, now.month):
                return _("At this rate it is used up on %(day)s.") % {"day": date_format(gone, "MONTH_DAY_FORMAT")}
        return ""

    def level(self, refused: Iterable[str] = ()) -> int:
        """0, 80 or 100 per cent."""
        if self.used >= self.of or self.mark in refused:
            return WHOLE
        return NEAR if self.used * 100 >= self.of * NEAR else 0


def of(holder: Team | Token) -> list[Allowance]:
    """The allowances that it has: none, one or two. One query where there is any."""
    if holder.monthly_quota is None and holder.monthly_budget is None:
        return []
    if isinstance(holder, Token):
        return _with(holder, quota.used(holder.team_id, holder.pk))
    return _with(holder, quota.used(holder.pk))


def _with(holder: Team | Token, used: quota.Used) -> list[Allowance]:
    found = (("cost", used.cost, holder.monthly_budget), ("requests", used.requests, holder.monthly_quota))
    return [Allowance(holder, what, spent, limit) for what, spent, limit in found if limit]


def watch() -> int:
    """Tell the owners and admins of teams whose allowances are near their end or at it: once for each. How many."""
    if not redis.sync_client().set(redis.key("allowances", "lease"), b"1", nx=True, ex=LEASE_SECONDS):
        return 0
    limited = Q(Exists(Token.objects.usable().filter(LIMITED, team=OuterRef("pk"))))
    told, last = 0, 0
    while teams := list(Team.objects.living().filter(LIMITED | limited, pk__gt=last).order_by("pk")[:BATCH]):
        told += sum(map(_tell, *_news(teams)))
        last = teams[-1].pk
    return told


def _news(teams: list[Team]) -> tuple[list[Allowance], list[int]]:
    """Those that have reached a level of which nobody was told yet, and that level."""
    ids, began = [team.pk for team in teams], quota.month()
    known = _told(ids, began)
    refused = quota.refused(ids)
    news = [
        (each, level)
        for each in _all(teams, began)
        if (level := each.level(refused[each.team.pk])) and not known & {_key(each, level), _key(each, WHOLE)}
    ]
    return [each for each, _level in news], [level for _each, level in news]


def _all(teams: list[Team], began: datetime) -> list[Allowance]:
    """Every allowance of these teams and their tokens: two queries, however many they are."""
    spent: dict[tuple[int, int | None], list[int]] = defaultdict(lambda: [0, 0])
    rows = UsageDay.objects.filter(team__in=teams, referrer="", day__gte=began.date()).exclude(kind="moderation")
    for team_id, token_id, requests, cost in (
        rows.values_list("team_id", "token_id").annotate(requests=Sum("succeeded"), sum_cost=Sum("cost")).order_by()
    ):
        for holder in {(team_id, None), (team_id, token_id)}:
            spent[holder][0] += requests
            spent[holder][1] += cost
    tokens = Token.objects.usable().filter(LIMITED, team__in=teams).select_related("team").order_by("pk")
    holders = [((team.pk, None), team) for team in teams] + [((each.team_id, each.pk), each) for each in tokens]
    return [each for key, holder in holders for each in _with(holder, quota.Used(*spent[key]))]


def _key(each: Allowance, level: int) -> tuple[Any, ...]:
    return each.team.pk, each.token.pk if each.token else 0, each.what, each.of, level


def _told(team_ids: list[int], began: datetime) -> set[tuple[Any, ...]]:
    """The keys of what the audit logs of this month have."""
    events = AuditEvent.objects.filter(team__in=team_ids, action="limit.reached", created_at__gte=began)
    return {
        (team_id, said["token"], said["what"], said["of"], said["percent"])
        for team_id, said in events.values_list("team_id", "detail")
    }


def _tell(each: Allowance, level: int) -> int:
    team, token, resets = each.team, each.token, quota.renewal()
    audit.record(
        "limit.reached",
        team=team,
        actor=None,
        target=token or team,
        token=token.pk if token else 0,
        what=each.what,
        of=each.of,
        percent=level,
    )
    is_money = each.what == "cost"
    webhooks.tell(
        team.pk,
        "limit.reached",
        {
            "of": "token" if token else "team",
            "token": token.pk if token else None,
            "limit": "monthly_budget" if is_money else "monthly_quota",
            "used": money.amount(each.used) if is_money else each.used,
            "allowed": money.amount(each.of) if is_money else each.of,
            "percent": level,
            "resets_at": resets.isoformat(),
        },
    )
    place = reverse("team-tokens-one", args=[team.slug, token.pk]) if token else reverse("team-usage", args=[team.slug])
    mail.send(
        "limit",
        _readers(team),
        {
            "team": team,
            "token": token,
            "is_money": is_money,
            "is_gone": level == WHOLE,
            "allowance": each,
            "resets": resets,
            "address": settings.SITE_URL + place,
        },
    )
    return 1


def _readers(team: Team) -> list[str]:
    """Its owners and admins."""
    found = team.memberships.filter(role__in=["owner", "admin"]).exclude(user__email="").order_by("pk")
    return list(found.values_list("user__email", flat=True)[:MOST_READERS])
