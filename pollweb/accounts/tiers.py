"""What the tiers give, asking for a higher one, and the operator's answers."""

from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from pollweb.accounts import line, mail, remembered, reports
from pollweb.accounts.audit import record
from pollweb.accounts.errors import NotPossible
from pollweb.accounts.membership import owners_mail
from pollweb.accounts.models import Team, TierRequest, User
from pollweb.accounts.models.people import TIERS
from pollweb.accounts.pages import Visit
from pollweb.config import Tier

ORDER = [name for name, _label in TIERS]


@dataclass(frozen=True, slots=True)
class Offer:
    """One tier as the operator designed it. `models` are those that no lower tier opens; `intervals` (image, text,
    audio; seconds) has one entry where all kinds have the same."""

    name: str
    intervals: list[tuple[str, float]]
    concurrency: int
    waiting: int
    models: list[str]
    models_in_all: int

    @property
    def label(self) -> str:
        return self.name.capitalize()


def offers() -> list[Offer]:
    """Every tier, from the lowest to the highest."""
    opened: dict[str, list[str]] = {name: [] for name in ORDER}
    for kind in ("image", "text", "audio", "transcription"):
        for name, card in getattr(settings.DESIGN.models, kind).items():
            if name not in opened[lowest := settings.DESIGN.lowest_tier(card) or "nectar"]:
                opened[lowest].append(name)
    found, so_far = [], 0
    for name in ORDER:
        tier = settings.DESIGN.tiers[name]
        so_far += len(opened[name])
        found.append(
            Offer(name, _intervals(tier), tier.concurrency, line.PLACES * tier.concurrency, opened[name], so_far)
        )
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a team is on its way from the tier that it has to the next one: an operator decides, who sees what the
    team uses. `requests` are those of thirty days, `wish` is the last one that the team filed."""

    present: Offer
    next: Offer
    requests: int
    wish: TierRequest | None

    @property
    def is_asked(self) -> bool:
        return self.wish is not None and self.wish.state == "open"

    @property
    def was_denied(self) -> bool:
        return self.wish is not None and self.wish.state == "denied"


def progress(team: Team, wish: TierRequest | None) -> Progress | None:
    """None in the highest tier."""
    found = {offer.name: offer for offer in offers()}
    higher = higher_than(team.tier)
    return Progress(found[team.tier], found[higher[0]], reports.requests_lately(team), wish) if higher else None


def _intervals(tier: Tier) -> list[tuple[str, float]]:
    found = [(kind, tier.interval_of(kind)) for kind in ("image", "text", "audio")]
    return found if len({seconds for _kind, seconds in found}) > 1 else [("", found[0][1])]


def higher_than(tier: str) -> list[str]:
    return ORDER[ORDER.index(tier) + 1 :]


def ask(visit: Visit, wish: TierRequest, *, request: HttpRequest | None = None) -> TierRequest:
    """File the wish. Raises NotPossible while another one waits."""
    wish.team, wish.asked_by = visit.team, visit.user
    try:
        with transaction.atomic():
            wish.save()
            record("tier.asked", team=visit.team, actor=visit.user, target=wish.wanted, request=request)
    except IntegrityError as exc:
        raise NotPossible(_("A request of this team is waiting for its answer already.")) from exc
    return wish


def withdraw(visit: Visit, *, request: HttpRequest | None = None) -> bool:
    """Take the open wish back; False when there is none."""
    with transaction.atomic():
        taken = TierRequest.objects.open().filter(team=visit.team)
        if not TierRequest.objects.filter(pk__in=taken.values("pk")).update(
            state="withdrawn", decided_at=timezone.now()
        ):
            return False
        record("tier.withdrawn", team=visit.team, actor=visit.user, request=request)
    return True


def decide(wish: TierRequest, operator: User, verdict: str, reason: str, *, request: HttpRequest | None = None) -> None:
    """Grant or deny, and write to those who asked. Raises NotPossible when it was answered or withdrawn before."""
    with transaction.atomic():
        if not TierRequest.objects.filter(pk=wish.pk, state="open").update(
            state=verdict, answer=reason, decided_by=operator, decided_at=timezone.now()
        ):
            raise NotPossible(_("This request was answered or withdrawn meanwhile."))
        if verdict == "granted":
            _change(wish.team, wish.wanted, operator, reason, request)
        else:
            record(
                "tier.denied", team=wish.team, actor=operator, target=wish.wanted, request=request, reason=reason[:300]
            )
    remembered.changed()
    _tell(wish.team, verdict, wish.wanted, reason)


def set_tier(team: Team, tier: str, operator: User, reason: str, *, request: HttpRequest | None = None) -> None:
    """Give any team any tier, with a reason that it can read."""
    with transaction.atomic():
        _change(team, tier, operator, reason, request)
    remembered.changed()
    _tell(team, "changed", tier, reason)


def _change(team: Team, tier: str, operator: User, reason: str, request: HttpRequest | None) -> None:
    before = Team.objects.select_for_update().values_list("tier", flat=True).get(pk=team.pk)
    Team.objects.filter(pk=team.pk).update(tier=tier)
    record(
        "tier.changed",
        team=team,
        actor=operator,
        target=tier,
        request=request,
        before=before,
        after=tier,
        reason=reason[:300],
    )


def _tell(team: Team, verdict: str, tier: str, reason: str) -> None:
    mail.send(
        "tier",
        [owner.email for owner in owners_mail(team)[:20]],
        {
            "team": team.name,
            "verdict": verdict,
            "tier": tier.capitalize(),
            "reason": reason,
            "link": settings.SITE_URL + reverse("team-tier", args=[team.slug]),
        },
    )
