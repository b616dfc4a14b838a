"""C23: hundreds of connections that drip their heads and bodies, beside people who ask as usual."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.hold.pace import FULL, Pace, last_of, statuses
from tests.site import Answer, Site, end

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(240)]
EACH = 250 if FULL else 80  # connections that drip a head, and in the full form as many a body, which takes a minute
BYTE_SECONDS = 5.0
LIMITS = {"head": 30.0, "body": 65.0}  # seconds within which they are closed
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""
PARTS = {
    "head": b"GET /models HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{",
}


async def drip(port: int, kind: str) -> tuple[str, float]:
    """The seconds until the server has closed it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PARTS[kind])
    began = time.monotonic()
    closed = asyncio.ensure_future(reader.read())
    while not closed.done() and time.monotonic() - began < LIMITS[kind] + 20:
        try:
            writer.write(b"x")
            await asyncio.wait({closed}, timeout=BYTE_SECONDS)
        except OSError:
            break
    took = time.monotonic() - began
    closed.cancel()
    await asyncio.gather(closed, return_exceptions=True)
    writer.transport.abort()
    return kind, took


def test_those_who_drip_are_closed_in_time_and_others_do_not_notice(tmp_path: Path, record_property: Any) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.toml").write_text(TOML)
    site, kinds = Site(tmp_path / "home"), list(PARTS) if FULL else ["head"]

    def ask(number: int) -> tuple[str, Answer]:
        return "list", site.ask("/image/models")

    async def all_of_them(port: int) -> list[tuple[str, float]]:
        return await asyncio.gather(*(drip(port, kind) for kind in kinds for _ in range(EACH)))

    try:
        port = site.ready().run["port"]
        with Pace(0.2, ask) as pace:
            closed = asyncio.run(all_of_them(port))
    finally:
        end(site)
    longest = {kind: max(took for each, took in closed if each == kind) for kind in kinds}
    usual = last_of(0.99, [one.seconds for one in pace.asked])
    after = ", ".join(f"{took:.1f} s ({kind})" for kind, took in longest.items())
    record_property(
        "figures",
        f"{len(closed)} connections: closed after {after} at most; {len(pace.asked)} others, p99 {usual * 1000:.0f} ms",
    )
    assert statuses(pace.asked) == {200: len(pace.asked)}
    for kind in kinds:
        assert longest[kind] <= LIMITS[kind]
    assert usual <= 1.0
