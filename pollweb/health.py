"""What those who operate an installation ask it: is it alive, is it ready, how is it doing."""

import asyncio
import os
import secrets
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from feeds import seat
from feeds.relay import tally
from generation import store
from pollweb import gauges, lifespan, together
from pollweb.handler import LeanHandler, LeanRequest
from pollweb.lib import db, redis
from pollweb.lib.errors import PollwebError

PROBE_SECONDS = 2.0
LAG_EVERY = 0.5
FORWARDING = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA", "HTTP_CF_CONNECTING_IP")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

draining = False


@lifespan.on_drain
async def drain() -> None:
    """From now on `/readyz` says no; the load balancer sends its requests elsewhere."""
    global draining
    draining = True


@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """The event loop runs: it answered."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """Whether requests can be served, and each part that they need: 200 or 503."""
    names = ("database", "redis", "media")
    found = await asyncio.gather(*(_probe(check) for check in (_database, _redis, _media)))
    parts = dict(zip(names, found, strict=True))
    parts["serving"] = "draining" if draining else "ok"
    ready = all(state == "ok" for state in parts.values())
    return HttpResponse(
        orjson.dumps({"status": "ready" if ready else "not ready", "parts": parts}),
        content_type="application/json",
        status=200 if ready else 503,
    )


async def _probe(check: Any) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await check()
    except Exception as exc:  # any failure is the answer; its text may hold addresses, its kind does not
        return f"failed: {type(exc).__name__}"
    return "ok"


async def _database() -> None:
    await db.run(_select)


def _select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _redis() -> None:
    await redis.client().ping()


async def _media() -> None:
    await asyncio.to_thread(store.probe)


# --- figures ----------------------------------------------------------------------------------------------------------


class Figures:
    """Answers by face and status, with their durations. One addition each: nothing locks, one loop writes."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.handler: LeanHandler | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.buckets: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self.seconds: dict[tuple[str, int], float] = defaultdict(float)

    def add(self, face: str, status: int, seconds: float) -> None:
        key = (face, status)
        self.buckets[key][bisect_left(BUCKETS, seconds)] += 1
        self.seconds[key] += seconds

    def told(self) -> together.Told:
        """Counts as other processes of this machine add them up, and gauges by how that is done."""
        counts = {
            f"{face} {status}": [*map(float, counts), self.seconds[face, status]]
            for (face, status), counts in list(self.buckets.items())
        }
        counts["gaps"] = [float(seat.missed_in_all())]
        running = float(self.handler.in_flight) if self.handler is not None else 0.0
        tasks = float(len(asyncio.all_tasks(self.loop))) if self.loop is not None else 0.0
        summed = {"running": running, "processes": 1.0, "tasks": tasks, "files": _open_files()}
        return {"counts": counts, "largest": {"lag": self.lag}, "summed": summed}

    def collect(self) -> Iterable[Metric]:
        everyone = [self.told(), *together.others()]
        counts: together.Counts = {}
        for told in everyone:
            counts = together.add(counts, told.get("counts", {}))
        lag = max(told.get("largest", {}).get("lag", 0.0) for told in everyone)
        summed = {
            name: sum(told.get("summed", {}).get(name, 0.0) for told in everyone)
            for name in ("running", "processes", "tasks", "files")
        }
        (gaps,) = counts.pop("gaps")
        total = CounterMetricFamily("pollweb_requests", "Answers of the API lane", labels=("face", "status"))
        times = HistogramMetricFamily("pollweb_request_seconds", "Until the last byte", labels=("face", "status"))
        for name, (*numbers, seconds) in sorted(counts.items()):
            labels = name.split(" ")
            so_far, cumulated = 0.0, []
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), numbers, strict=True):
                so_far += count
                cumulated.append((bound, so_far))
            total.add_metric(labels, so_far)
            times.add_metric(labels, cumulated, sum_value=seconds)
        yield total
        yield times
        yield GaugeMetricFamily("pollweb_loop_lag_seconds", "How late the latest event loop was, lately", value=lag)
        yield GaugeMetricFamily("pollweb_requests_in_flight", "Requests of the API lane now", value=summed["running"])
        yield GaugeMetricFamily("pollweb_web_processes", "Web processes of this machine", value=summed["processes"])
        yield GaugeMetricFamily("pollweb_loop_tasks", "Tasks of their event loops", value=summed["tasks"])
        yield GaugeMetricFamily("pollweb_open_files", "Files and sockets that they hold open", value=summed["files"])
        yield CounterMetricFamily(
            "pollweb_feed_missed", "Items that slow listeners missed, as they were told", value=gaps
        )


def _open_files() -> float:
    """Of this process; 0 where the system does not tell."""
    try:
        return float(len(os.listdir("/dev/fd")))
    except OSError:
        return 0.0


figures = Figures()
REGISTRY.register(figures)
_watch: asyncio.Task[None] | None = None
_writing: asyncio.Task[None] | None = None


def count(request: LeanRequest, status: int, seconds: float) -> None:
    """Observer of the API lane."""
    figures.add(request.face, status, seconds)


@lifespan.on_start
async def watch_loop() -> None:
    global _watch, _writing
    figures.loop = asyncio.get_running_loop()
    _watch = asyncio.create_task(_measure_lag())
    _writing = asyncio.create_task(together.keep_writing(figures.told))


@lifespan.on_stop
async def stop_watching() -> None:
    for task in (_watch, _writing):
        if task is not None:
            task.cancel()
    await asyncio.gather(*(task for task in (_watch, _writing) if task is not None), return_exceptions=True)


async def _measure_lag() -> None:
    """Peaks fade by half each second, so that a scrape every few seconds still sees them."""
    while True:
        due = time.perf_counter() + LAG_EVERY
        await asyncio.sleep(LAG_EVERY)
        figures.lag = max(time.perf_counter() - due, figures.lag * 0.7)


def may_read_metrics(request: HttpRequest) -> bool:
    """With the operator's token; where none is set, from this machine itself and not through a proxy on it."""
    if settings.METRICS_TOKEN:
        given = request.META.get("HTTP_AUTHORIZATION", "")
        return secrets.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    peer = request.META.get("REMOTE_ADDR", "")
    return peer in ("127.0.0.1", "::1") and not any(name in request.META for name in FORWARDING)


@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format: of this machine's web processes, and of queue, models and relay."""
    if not may_read_metrics(request):
        raise PollwebError("The metrics are the operator's.", code="forbidden", status=403)
    own, shared, relay = await asyncio.gather(
        asyncio.to_thread(generate_latest), asyncio.to_thread(gauges.exposition), tally.exposition()
    )
    text = own + shared + relay
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")
