"""How much came of what, counted by the leader, shown by every web process at /metrics."""

from collections import Counter
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from feeds.relay.sources import Source
from pollweb.lib import redis

ITEMS = ("told", "duplicate", "ours", "private", "junk", "too_big", "full", "held")
CONNECTIONS = ("opened", "failed")


def _key() -> str:
    return redis.key("feed", "relay", "tally")


class Tally:
    """Counts that have not reached Redis yet."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, source: Source, outcome: str) -> None:
        self.add_for(source.kind, source.host, outcome)

    def add_for(self, kind: str, host: str, outcome: str) -> None:
        self._counts[f"{outcome} {kind} {host}"] += 1

    async def flush(self) -> None:
        counts, self._counts = self._counts, Counter()
        if counts:
            pipe: Any = redis.client().pipeline(transaction=False)
            for name, count in counts.items():
                pipe.hincrby(_key(), name, count)
            await pipe.execute()


async def exposition() -> bytes:
    """The counters of all leaders so far in Prometheus' text format; nothing while Redis is away."""
    try:
        client: Any = redis.client()
        found: dict[bytes, bytes] = await client.hgetall(_key())
    except redis.RedisError:
        return b""
    if not found:
        return b""
    labels = ("outcome", "kind", "feed")
    items = CounterMetricFamily("pollweb_relay_items", "What came from other installations' feeds", labels=labels)
    connections = CounterMetricFamily("pollweb_relay_connections", "Connections to these feeds", labels=labels)
    for name, count in sorted(found.items()):
        values = name.decode().split(" ", 2)
        (connections if values[0] in CONNECTIONS else items).add_metric(values, float(count))
    registry = CollectorRegistry()
    registry.register(_Ready([items, connections]))
    return generate_latest(registry)


class _Ready(Collector):
    def __init__(self, metrics: list[Any]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Any]:
        return self._metrics
