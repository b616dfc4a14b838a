"""A worked job: how long it waits until a worker begins with it, when a hundred come every second.

By the rows of the installation: from when a request was taken in until its work began. The upstream answers at once.
"""

import asyncio
import secrets
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import httpx

from bench import measure, relay
from bench.installation import Installation, installation

RATE = 100  # a second
TARGET = 10.0  # ms


def compare(seconds: int, repeat: int) -> None:
    waits: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="pollweb-bench-") as name, relay.mockup(Path(name)) as upstream:
        design = relay.design({"burst": upstream}, worked="burst")
        with installation(Path(name) / "home", design, POLLWEB_MODELS="none") as site:
            token = site.token()
            asyncio.run(_ask(site, token, 2))  # warm
            for _ in range(repeat):
                last = _last(site)
                failed, took = asyncio.run(_ask(site, token, seconds))
                waits.append(_waits(site, last))
    rows = [
        ["from taken in to begun, median ms", measure.spread([statistics.median(each) for each in waits], 1), ""],
        ["the same, 99th percentile", measure.spread([_p99(each) for each in waits], 1), f"≤ {TARGET:.0f}"],
    ]
    measure.table(
        f"Worked jobs: {RATE} a second for {seconds} s, {repeat} runs; in the last one {len(waits[-1])} were begun, "
        f"{failed} failed, answered after {statistics.median(took) * 1000:.0f} ms at the median",
        ["what", "ms", "target"],
        rows,
    )


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


async def _ask(site: Installation, token: str, seconds: int) -> tuple[int, list[float]]:
    """At the same pace however long answers take: how many failed, and how long each of the others took."""
    failed, took, run = 0, [], secrets.token_hex(8)
    async with httpx.AsyncClient(
        base_url=site.address,
        headers={"Authorization": f"Bearer {token}"},
        limits=httpx.Limits(max_connections=1000),
        timeout=60,
    ) as client:

        async def one(number: int) -> None:
            nonlocal failed
            asked = [{"role": "user", "content": f"Tell me something about foxes. {run} {number}"}]
            began = time.monotonic()
            answer = await client.post("/openai", json={"model": "worked", "messages": asked})
            if answer.status_code == 200:
                took.append(time.monotonic() - began)
            else:
                failed += 1

        began = time.monotonic()
        async with asyncio.TaskGroup() as all_of_them:
            for number in range(RATE * seconds):
                await asyncio.sleep(max(0, began + number / RATE - time.monotonic()))
                all_of_them.create_task(one(number))
    return failed, took


def _asked(site: Installation, question: str, *values: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(site.home / "pollweb.sqlite3", timeout=30)) as database:
        return database.execute(question, values).fetchall()


def _last(site: Installation) -> str:
    """The newest row; keys grow with time."""
    return _asked(site, "SELECT max(id) FROM generation_generation")[0][0]


def _waits(site: Installation, after: str) -> list[float]:
    """Milliseconds from taken in to begun."""
    rows = _asked(
        site,
        "SELECT created_at, started_at FROM generation_generation WHERE id > ? AND started_at IS NOT NULL",
        after,
    )
    return [
        (datetime.fromisoformat(begun) - datetime.fromisoformat(made)).total_seconds() * 1000 for made, begun in rows
    ]
