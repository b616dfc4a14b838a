"""Models that upstreams say they have, offered here beside those that the operator designed.

A provider with `list_models` is asked for its list every five minutes, by one worker at a time; what it said last is
kept in Redis, where every process looks for news. A list that cannot be had leaves the last one in force.
"""

import asyncio
import dataclasses
import logging
import re
import time
from typing import Any, cast

import orjson
from django.conf import settings

from generation import catalogue
from generation.catalogue import ModelCard, Source
from generation.providers import registry
from generation.providers.base import Offer
from pollweb.lib import redis
from pollweb.lib.errors import PollwebError

log = logging.getLogger(__name__)

REFRESH_SECONDS = 300
ASKING_SECONDS = 30
LOOK_SECONDS = 15.0
MOST_MODELS = 500  # of one provider
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")

_seen: bytes | None = None
_look_at = 0.0


def providers() -> list[str]:
    """The operator's providers whose lists are followed, in the order of the file."""
    return [name for name, table in settings.DESIGN.providers.items() if (table.model_extra or {}).get("list_models")]


def _key(part: str) -> str:
    return redis.key("offers", part)


# --- asking -----------------------------------------------------------------------------------------------------------


def claim() -> bool:
    """Whether it is time to ask, and ours to do: for one process in five minutes."""
    try:
        return bool(providers()) and bool(
            redis.sync_client().set(_key("asked"), b"1", nx=True, ex=REFRESH_SECONDS - ASKING_SECONDS)
        )
    except (redis.RedisError, OSError):
        return False


async def refresh() -> None:
    """Ask every provider for its list, and tell all processes what is new."""
    lists = await asyncio.gather(*(_ask(name) for name in providers()))
    client = redis.client()
    kept = await client.hgetall(_key("lists"))
    said = {name: _packed(offers) for name, offers in zip(providers(), lists, strict=True) if offers is not None}
    news = {name: data for name, data in said.items() if kept.get(name.encode()) != data}
    if news:
        await client.hset(_key("lists"), mapping=cast(Any, news))
        await client.set(_key("version"), str(time.time_ns()))


async def _ask(name: str) -> list[Offer] | None:
    try:
        offers = await registry.provider(name).offers(deadline=time.monotonic() + ASKING_SECONDS)
    except PollwebError as exc:
        log.warning("%s does not say which models it has: %s", name, exc)
        return None
    return [offer for offer in offers if NAME.fullmatch(offer.name)][:MOST_MODELS]


def _packed(offers: list[Offer]) -> bytes:
    return orjson.dumps([dataclasses.asdict(offer) for offer in sorted(offers, key=lambda offer: offer.name)])


# --- hearing ----------------------------------------------------------------------------------------------------------


def forget() -> None:
    global _seen, _look_at
    _seen, _look_at = None, 0.0
    catalogue.offer({})


def look() -> None:
    """Take the lists over, if there are new ones. Raises RedisError."""
    global _seen
    if not providers():
        return
    client = redis.sync_client()
    version = cast(bytes | None, client.get(_key("version")))
    if version is None or version == _seen:
        return  # an emptied Redis takes nothing away: the next answer fills it again
    lists = cast(dict[bytes, bytes], client.hgetall(_key("lists")))
    catalogue.offer(
        {name: [_card(name, told) for told in orjson.loads(lists.get(name.encode(), b"[]"))] for name in providers()}
    )
    _seen = version


def hear() -> None:
    """The same, at most every 15 s, for a process that goes on without news when Redis is away."""
    global _look_at
    if time.monotonic() < _look_at:
        return
    _look_at = time.monotonic() + LOOK_SECONDS
    try:
        look()
    except (redis.RedisError, OSError):
        log.debug("the lists of models cannot be looked at", exc_info=True)


async def _follow() -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(hear)


_following: asyncio.Task[None] | None = None


async def start() -> None:
    """Begin to look for news; a web process calls this when it starts to serve."""
    global _following
    if providers() and _following is None:
        await asyncio.to_thread(hear)
        _following = asyncio.get_running_loop().create_task(_follow())


async def stop() -> None:
    global _following
    if _following is not None:
        _following.cancel()
        _following = None


def _card(provider: str, told: dict[str, Any]) -> ModelCard:
    table = settings.DESIGN.providers[provider].model_extra or {}
    name, ability = told["name"], told["ability"]
    return ModelCard(
        name=name,
        kind=ability,
        sources=(Source(provider, name),),
        description=told["description"][:300] or f"{name}, of {provider}",
        tier=settings.DESIGN.tier_of_pack(table.get("list_pack", "basic")) or "nectar",
        aliases=tuple(alias for alias in told["aliases"] if NAME.fullmatch(alias)),
        voices=tuple(told["voices"]),
        tools=told["tools"],
        vision=told["vision"],
        edits=told["edits"],
        reasoning=told["reasoning"],
        largest_side=2048,
        max_input_chars=told["max_input_chars"],
    )
