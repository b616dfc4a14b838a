"""The operator's providers, each with how it is: its breakers, its last failure, what it made in the last hour."""

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

from django.conf import settings
from django.utils import timezone

from generation import catalogue, faults, wellbeing
from generation.catalogue import Source
from generation.errors import ProviderError
from generation.models import Drain, Generation
from generation.providers import registry
from pollweb.lib import redis

MOST_ROWS = 20_000
OPEN, READY, UNKNOWN, NOT_READY = "open", "ready", "unknown", "not-ready"


@dataclass(frozen=True, slots=True)
class Served:
    """A model that it makes, as the `place`-th of `places` in the model's chain, and how its breaker is."""

    model: str
    kind: str
    source: Source
    place: int
    places: int
    state: str
    words: str  # why it is not ready


@dataclass(frozen=True, slots=True)
class Upstream:
    """`calls` and `failures` are of the breakers' last 30 s, in all processes. `typical` and `slow` are p50 and p95,
    in seconds from start to end, of `made` results within the last hour."""

    name: str
    kind: str
    serves: list[Served]
    drain: Drain | None
    calls: int
    failures: int
    made: int
    typical: float | None
    slow: float | None
    fault: dict[str, Any] | None
    probe: dict[str, Any] | None

    @property
    def state(self) -> str:
        """Drained, or the worst of its models'."""
        if self.drain is not None:
            return "drained"
        states = {each.state for each in self.serves}
        return next((state for state in (UNKNOWN, OPEN, NOT_READY) if state in states), READY)

    @property
    def share(self) -> int | None:
        """Of its last calls that failed, in hundredths."""
        return round(100 * self.failures / self.calls) if self.calls else None


def look() -> list[Upstream]:
    """All of them, in the order of the operator's file."""
    drained = Drain.objects.select_related("by").in_bulk(field_name="provider")
    taken = _taken()
    chains: dict[str, list[tuple[str, str, Source, int, int]]] = defaultdict(list)
    for kind in wellbeing.KINDS:
        for card in catalogue.cards(kind).values():
            for place, source in enumerate(card.sources, 1):
                chains[source.provider].append((card.name, kind, source, place, len(card.sources)))
    return [
        _upstream(name, table.kind, chains[name], drained.get(name), sorted(taken[name]))
        for name, table in settings.DESIGN.providers.items()
    ]


def _upstream(
    name: str, kind: str, chain: list[tuple[str, str, Source, int, int]], drain: Drain | None, taken: list[float]
) -> Upstream:
    now = time.time()
    serves, calls, failures = [], 0, 0
    counted = set()
    for model, made, source, place, places in chain:
        state, words = READY, ""
        try:
            registry.provider(name).check_ready(source.model)
        except ProviderError as error:
            state, words = NOT_READY, str(error)
        try:
            circuit = wellbeing.circuit(source)
        except (redis.RedisError, OSError):
            state = UNKNOWN
        else:
            state = OPEN if circuit.level else state
            if source not in counted:
                counted.add(source)
                steps = circuit.recent(now)
                calls += sum(one[1] for one in steps)
                failures += sum(one[2] for one in steps)
        serves.append(Served(model, made, source, place, places, state, words))
    try:
        fault, probe = faults.last(name)
    except (redis.RedisError, OSError):
        fault = probe = None
    cuts = quantiles(taken, n=20, method="inclusive") if len(taken) > 1 else taken * 19
    return Upstream(
        name=name,
        kind=kind,
        serves=serves,
        drain=drain,
        calls=calls,
        failures=failures,
        made=len(taken),
        typical=cuts[9] if cuts else None,
        slow=cuts[18] if cuts else None,
        fault=_dated(fault),
        probe=_dated(probe),
    )


def _dated(told: dict[str, Any] | None) -> dict[str, Any] | None:
    return {**told, "at": datetime.fromtimestamp(told["at"], UTC)} if told else None


def _taken() -> dict[str, list[float]]:
    """Seconds of what each provider made within the last hour."""
    now = timezone.now()
    rows = Generation.objects.finished().made_between(now - wellbeing.SPEED_OVER, now).newest_first()
    taken: dict[str, list[float]] = defaultdict(list)
    for made_by, begun, ended in rows.values_list("made_by", "started_at", "finished_at")[:MOST_ROWS]:
        if begun and ended:
            taken[made_by.partition("/")[0]].append((ended - begun).total_seconds())
    return taken
