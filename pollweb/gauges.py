"""What the leading worker saw when it last looked (generation.wellbeing), as Prometheus' gauges.

It is the same on every machine, and as old as `pollweb_seen_age_seconds` says: about a minute at most while any worker
lives.
"""

import time
from typing import Any

from django.conf import settings
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from generation import wellbeing

WORDS = {wellbeing.OK: 2, wellbeing.TROUBLED: 1, wellbeing.AWAY: 0}


def exposition() -> bytes:
    """Only what has nothing to do with this process; without a word from a worker little is known."""
    registry = CollectorRegistry()
    registry.register(_Ready([*_pool(), *_seen(wellbeing.seen())]))
    return generate_latest(registry)


def _seen(told: dict[str, Any]) -> list[Metric]:
    if "at" not in told:
        return []
    age = time.time() - told["at"]
    found: list[Metric] = [
        GaugeMetricFamily("pollweb_seen_age_seconds", "Since a worker last looked at everything", value=age)
    ]
    if not told["known"]:
        return found
    queue = told["queue"]
    found += [
        GaugeMetricFamily("pollweb_queue_length", "Jobs that wait", value=queue["length"]),
        GaugeMetricFamily("pollweb_queue_oldest_seconds", "How long the oldest of them waits", value=queue["oldest"]),
        GaugeMetricFamily("pollweb_workers", "Workers that were heard of lately", value=told["workers"]),
        _states("pollweb_part_state", "2 works, 1 in trouble, 0 away", "part", told["parts"]),
        _states("pollweb_model_state", "2 works, 1 by a stand-in, 0 by nothing", "model", told["models"]),
    ]
    if (free := told["storage"]["free"]) is not None:
        found.append(GaugeMetricFamily("pollweb_storage_free_bytes", "Room for results", value=free))
    speeds = GaugeMetricFamily("pollweb_model_seconds", "Median of the last hour, start to end", labels=["model"])
    for model, seconds in told["speeds"].items():
        speeds.add_metric([model], seconds)
    return [*found, speeds]


def _states(name: str, about: str, label: str, states: dict[str, str]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, state in sorted(states.items()):
        family.add_metric([key], WORDS.get(state, 0))
    return family


def _pool() -> list[Metric]:
    """The pool of PostgreSQL connections of the process that is asked."""
    if connection.vendor != "postgresql" or not settings.DATABASES["default"]["OPTIONS"].get("pool"):
        return []
    pool: Any = connection.pool  # type: ignore[attr-defined]
    stats = pool.get_stats()
    return [
        GaugeMetricFamily("pollweb_database_connections", "Open, of this process", value=stats.get("pool_size", 0)),
        GaugeMetricFamily("pollweb_database_waiting", "Who waits for one", value=stats.get("requests_waiting", 0)),
    ]


class _Ready(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics
