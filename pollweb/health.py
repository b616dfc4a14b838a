"""What those who operate an installation ask it: is it alive, is it ready, how is it doing."""

import asyncio
import os
import secrets
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from feeds.relay import tally
from pollweb import lifespan
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
    await asyncio.to_thread(_write, settings.MEDIA_FOLDER)


def _write(folder: Path) -> None:
    """A block really written: a full disk still creates empty files."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        path.write_bytes(b"\0" * 4096)
    finally:
        path.unlink(missing_ok=True)


# --- figures ----------------------------------------------------------------------------------------------------------


class Figures:
    """Answers by face and status, with their durations. One addition each: nothing locks, one loop writes."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.handler: LeanHandler | None = None
        self.buckets: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self.seconds: dict[tuple[str, int], float] = defaultdict(float)

    def add(self, face: str, status: int, seconds: float) -> None:
        key = (face, status)
        self.buckets[key][bisect_left(BUCKETS, seconds)] += 1
        self.seconds[key] += seconds

    def collect(self) -> Iterable[Metric]:
        total = CounterMetricFamily("pollweb_requests", "Answers of the API lane", labels=("face", "status"))
        times = HistogramMetricFamily("pollweb_request_seconds", "Until the last byte", labels=("face", "status"))
        for (face, status), counts in list(self.buckets.items()):
            labels = (face, str(status))
            so_far, cumulated = 0, []
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                so_far += count
                cumulated.append((bound, so_far))
            total.add_metric(labels, so_far)
            times.add_metric(labels, cumulated, sum_value=self.seconds[face, status])
        yield total
        yield times
        yield GaugeMetricFamily("pollweb_loop_lag_seconds", "How late the event loop was, lately", value=self.lag)
        if self.handler is not None:
            running = self.handler.in_flight
            yield GaugeMetricFamily("pollweb_requests_in_flight", "Requests of the API lane now", value=running)


figures = Figures()
REGISTRY.register(figures)
_watch: asyncio.Task[None] | None = None


def count(request: LeanRequest, status: int, seconds: float) -> None:
    """Observer of the API lane."""
    figures.add(request.face, status, seconds)


@lifespan.on_start
async def watch_loop() -> None:
    global _watch
    _watch = asyncio.create_task(_measure_lag())


@lifespan.on_stop
async def stop_watching() -> None:
    if _watch is not None:
        _watch.cancel()


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
    """Prometheus' text format: of this process, and of the relay, which answers nobody itself."""
    if not may_read_metrics(request):
        raise PollwebError("The metrics are the operator's.", code="forbidden", status=403)
    text = generate_latest() + await tally.exposition()
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")
