"""Equal requests to two web processes: one upstream call, whoever leaves, and also when its process is killed (C09)."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tests.site import Site, end, eventually
from tests.upstream import Call, ScriptedUpstream

DESIGN = """
[tiers.anonymous]
interval = 0
concurrency = 100

[providers.first]
kind = "openai"
base_url = "{first}/v1"

[providers.second]
kind = "openai"
base_url = "{second}/v1"

[models.text.first]
from = [{{ provider = "first", model = "m" }}]

[models.text.second]
from = [{{ provider = "second", model = "m" }}]
"""


class Slow(ScriptedUpstream):
    """Answers each call after `hold` seconds."""

    hold = 4.0

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(self.hold)
        return await super()._answer(call, writer)


async def ask(port: int, model: str, prompt: str = "hello") -> tuple[int, bytes]:
    """One GET on a connection of its own: status and body; status 0 when the connection broke."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"GET /text/{prompt}?model={model} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.read()
    except ConnectionError:
        return 0, b""
    finally:
        writer.close()
    status, _, body = answer.partition(b"\r\n\r\n")
    return int(status.split()[1]) if status else 0, body


async def called(upstream: Slow, before: int = 0) -> None:
    async with asyncio.timeout(30):
        while len(upstream.calls) <= before:
            await asyncio.sleep(0.02)


async def fifty(port: int, upstream: Slow) -> list[tuple[int, bytes]]:
    first = asyncio.create_task(ask(port, "first"))
    await called(upstream)
    others = [asyncio.create_task(ask(port, "first")) for _ in range(49)]
    await asyncio.sleep(1.5)
    first.cancel()
    return await asyncio.gather(*others)


async def killed(site: Site, upstream: Slow, prompt: str) -> list[tuple[int, bytes]]:
    """Thirty equal requests; the process that asks the upstream is killed, and another comes in its place."""
    port = site.run["port"]
    before = len(upstream.calls)
    asking = [asyncio.create_task(ask(port, "second", prompt))]
    await called(upstream, before)
    for _ in range(29):  # one after another: of many at once an idle process takes them all
        asking.append(asyncio.create_task(ask(port, "second", prompt)))
        await asyncio.sleep(0.025)
    web = [pid for name, pid in site.run["pids"].items() if name.startswith("web")]
    (maker,) = [pid for pid in web if _speaks_to(pid, upstream.port)]
    os.kill(maker, signal.SIGKILL)
    answers = await asyncio.gather(*asking)
    assert await asyncio.to_thread(eventually, lambda: maker not in site.run["pids"].values(), 30)
    return answers


def _speaks_to(pid: int, port: int) -> bool:
    """Whether a process has a connection to this port of this machine."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"}
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return any(f"socket:[{inode}]" in links for inode in inodes)


@pytest.mark.slow
def test_fifty_share_one_call_and_the_first_may_leave_and_the_maker_may_be_killed(tmp_path: Path) -> None:
    with Slow() as first, Slow() as second:
        (tmp_path / "pollweb.toml").write_text(DESIGN.format(first=first.url, second=second.url))
        site = Site(tmp_path, POLLWEB_WEB="2")
        try:
            answers = asyncio.run(fifty(site.ready().run["port"], first))
            assert [status for status, _ in answers] == [200] * 49
            assert len({body for _, body in answers}) == len(first.calls) == 1

            for attempt in range(6):
                began, before = time.monotonic(), len(second.calls)
                answers = asyncio.run(killed(site, second, f"hello-{attempt}"))
                lived = [body for status, body in answers if status == 200]
                assert {status for status, _ in answers} <= {0, 200}
                if lived:
                    break  # otherwise all of them had come to the process that was killed
                assert eventually(lambda: site.ask("/readyz").status == 200, 30)
            assert set(lived) == {b"Hello there"}
            assert len(second.calls) - before == 2
            assert time.monotonic() - began < 40
        finally:
            site.stop()
            end(site)
