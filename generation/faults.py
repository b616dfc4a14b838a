"""The last failure of each provider, and how it did when it was last probed: in Redis, for operators to read."""

import time
from typing import Any

import orjson

from generation.catalogue import Source
from generation.errors import ProviderError
from pollweb.lib import redis

KEPT_SECONDS = 7 * 24 * 3600
MOST_CHARS = 500


def _key(name: str, provider: str) -> str:
    return redis.key("upstream", name, provider)


async def keep(source: Source, error: ProviderError) -> None:
    """One request that it was asked failed so."""
    told = {"at": time.time(), "model": source.model, "code": error.code, "words": str(error)[:MOST_CHARS]}
    try:
        await redis.client().set(_key("fault", source.provider), orjson.dumps(told), ex=KEPT_SECONDS)
    except (redis.RedisError, OSError):
        return


def keep_probes(provider: str, probes: list[dict[str, Any]]) -> None:
    """How it did: for each of its models `model`, `kind`, `seconds`, and `words` of the failure or nothing."""
    told = {"at": time.time(), "probes": probes}
    try:
        redis.sync_client().set(_key("probe", provider), orjson.dumps(told), ex=KEPT_SECONDS)
    except (redis.RedisError, OSError):
        return


def last(provider: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The last failure and the last probe, None where nobody knows. May raise RedisError."""
    fault, probe = (redis.sync_client().get(_key(name, provider)) for name in ("fault", "probe"))
    return orjson.loads(fault) if fault else None, orjson.loads(probe) if probe else None
