"""How this installation is: looked at once a minute by the leading worker, kept in Redis for pages and history by hour.

A page that says how things are must not depend on them: it reads one value of Redis and asks neither the database nor
an upstream. What is missing or old is told as that.
"""

import time
from collections import defaultdict
from datetime import timedelta
from statistics import median
from typing import Any, cast

import orjson
from django.db.models import F, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from feeds import recent
from generation import catalogue, drains, store
from generation.breaker import Circuit
from generation.catalogue import ModelCard, Source
from generation.errors import ProviderError
from generation.models import Generation, State, WellbeingHour
from generation.providers import registry
from pollweb.lib import redis

OK, TROUBLED, AWAY = "ok", "troubled", "away"
WORST = {OK: 0, TROUBLED: 1, AWAY: 2}
KINDS = ("image", "text", "audio", "transcription", "embedding")
LOOK_SECONDS = 60.0
OLD_SECONDS = 300.0  # after which nobody knows
HERE_SECONDS = 30.0  # a worker that was heard of within these is here
SPEED_OVER = timedelta(hours=1)
MOST_ROWS = 20_000
KEPT_DAYS = 90
LEAST_FREE = 512 * 2**20  # bytes; the store refuses to write a while before the disk is full
LONG_WAIT = 60.0  # seconds of the oldest waiting job


def _key(name: str) -> str:
    return redis.key("wellbeing", name)


# --- looking ----------------------------------------------------------------------------------------------------------


def here(worker: str) -> None:
    """A worker says that it lives."""
    try:
        now = time.time()
        with redis.sync_client().pipeline() as pipe:
            pipe.zadd(_key("workers"), {worker: now})
            pipe.zremrangebyscore(_key("workers"), 0, now - 10 * HERE_SECONDS)
            pipe.execute()
    except (redis.RedisError, OSError):
        return


def look() -> dict[str, Any]:
    """Look at everything, count it into the hour, and keep what was seen. Redis and the database may fail it."""
    client = redis.sync_client()
    drained = drains.names()
    models = {card.name: state_of(card, drained) for kind in KINDS for card in catalogue.cards(kind).values()}
    told: dict[str, Any] = {
        "at": time.time(),
        "models": models,
        "speeds": speeds(),
        "queue": _queue(),
        "feed": {"per_minute": recent.rate()},
        "storage": {"free": store.free()},
        "workers": int(client.zcount(_key("workers"), time.time() - HERE_SECONDS, "+inf")),
    }
    told["parts"] = parts_of(told)
    _count(told["parts"])
    told["history"] = history()
    client.set(_key("seen"), orjson.dumps(told), ex=int(KEPT_DAYS * 24 * 3600))
    return told


def state_of(card: ModelCard, drained: frozenset[str] = frozenset()) -> str:
    """By its sources: the first one works, another one does, or none does. A drained provider makes nothing."""
    works = [source.provider not in drained and _works(source) for source in card.sources]
    return OK if works[0] else TROUBLED if any(works) else AWAY


def _works(source: Source) -> bool:
    try:
        registry.provider(source.provider).check_ready(source.model)
    except ProviderError:
        return False
    return not circuit(source).level


def circuit(source: Source) -> Circuit:
    """Its breaker as all processes share it."""
    kept = cast(bytes | None, redis.sync_client().get(redis.key("breaker", source)))
    return Circuit(**orjson.loads(kept)) if kept else Circuit()


def speeds() -> dict[str, float]:
    """Seconds from start to end, for each model: the median of what was made within the last hour."""
    now = timezone.now()
    rows = Generation.objects.finished().made_between(now - SPEED_OVER, now).newest_first()
    taken: dict[str, list[float]] = defaultdict(list)
    for model, begun, ended in rows.values_list("model", "started_at", "finished_at")[:MOST_ROWS]:
        if begun and ended:
            taken[model].append((ended - begun).total_seconds())
    return {model: round(median(seconds), 2) for model, seconds in taken.items()}


def _queue() -> dict[str, Any]:
    waiting = Generation.objects.filter(state=State.QUEUED, start_after=None)
    oldest = waiting.order_by("created_at").values_list("created_at", flat=True).first()
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    return {"length": waiting[:MOST_ROWS].count(), "oldest": round(max(0.0, age), 1)}


def _is_full(free: int | None) -> bool:
    """Nobody knows how much room a bucket has."""
    return free is not None and free <= LEAST_FREE


def parts_of(told: dict[str, Any]) -> dict[str, str]:
    """The state of each part that the status page has a row for."""
    found: dict[str, str] = {}
    for kind in KINDS[:4]:
        states = [told["models"][name] for name in catalogue.cards(kind)]
        if states:
            works = any(state != AWAY for state in states)
            found[kind] = OK if all(state == OK for state in states) else TROUBLED if works else AWAY
    found["queue"] = TROUBLED if told["queue"]["oldest"] > LONG_WAIT else OK
    found["feed"] = OK if told["feed"]["per_minute"] is not None else AWAY
    found["storage"] = TROUBLED if _is_full(told["storage"]["free"]) else OK
    found["workers"] = OK if told["workers"] else AWAY
    return found


# --- history ----------------------------------------------------------------------------------------------------------


def _count(parts: dict[str, str]) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for part, state in parts.items():
        row, _made = WellbeingHour.objects.get_or_create(hour=hour, part=part)
        WellbeingHour.objects.filter(pk=row.pk).update(
            looks=F("looks") + 1, troubled=F("troubled") + int(state == TROUBLED), away=F("away") + int(state == AWAY)
        )
    WellbeingHour.objects.filter(hour__lt=hour - timedelta(days=KEPT_DAYS)).delete()


def history() -> dict[str, list[dict[str, Any]]]:
    """For each part its days, oldest first: how often was looked, and how often something was wrong."""
    days = (
        WellbeingHour.objects.annotate(day=TruncDate("hour"))
        .values("part", "day")
        .annotate(seen=Sum("looks"), bad=Sum("troubled"), gone=Sum("away"))
        .order_by("part", "day")
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in days:
        found[row["part"]].append(
            {"day": row["day"].isoformat(), "looks": row["seen"], "troubled": row["bad"], "away": row["gone"]}
        )
    return dict(found)


# --- for pages --------------------------------------------------------------------------------------------------------


def seen() -> dict[str, Any]:
    """What was seen last, with `known` false when that is too long ago; `{"known": False}` when nothing is there."""
    try:
        kept = redis.sync_client().get(_key("seen"))
    except (redis.RedisError, OSError):
        kept = None
    if not kept:
        return {"known": False}
    told: dict[str, Any] = orjson.loads(kept)
    return {**told, "known": time.time() - told["at"] < OLD_SECONDS}


def overall(told: dict[str, Any]) -> str:
    """The worst that matters: "ok", "troubled", "away", or "unknown"."""
    if not told["known"]:
        return "unknown"
    worst = max(told["parts"].values(), key=WORST.__getitem__)
    return TROUBLED if worst == AWAY and told["parts"].get("workers") == OK else worst
