"""What begins and ends with a server process."""

import asyncio
from collections.abc import Callable

import pytest

from pollweb import lifespan


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the hooks of this test did, in order; no other hook is known meanwhile."""
    for name in ("_starts", "_stops", "_drains"):
        monkeypatch.setattr(lifespan, name, [])
    return []


def telling(told: list[str], word: str) -> Callable:
    async def hook() -> None:
        await asyncio.sleep(0)
        told.append(word)

    return hook


async def test_it_starts_in_order_and_stops_in_the_opposite_one(told: list[str]) -> None:
    for word in ("first", "second"):
        lifespan.on_start(telling(told, f"{word} started"))
        lifespan.on_stop(telling(told, f"{word} stopped"))
    incoming: asyncio.Queue = asyncio.Queue()
    sent: asyncio.Queue = asyncio.Queue()
    task = asyncio.ensure_future(lifespan.serve({}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    assert (await sent.get())["type"] == "lifespan.startup.complete"
    assert told == ["first started", "second started"]
    await incoming.put({"type": "lifespan.shutdown"})
    assert (await sent.get())["type"] == "lifespan.shutdown.complete"
    assert told[2:] == ["second stopped", "first stopped"]
    await task


async def test_it_starts_once_however_many_ask_at_once(told: list[str]) -> None:
    lifespan.on_start(telling(told, "started"))
    await asyncio.gather(*(lifespan.start() for _ in range(5)))
    await lifespan.start()
    assert told == ["started"]
    await lifespan.stop()


async def test_it_tells_the_server_when_it_cannot_start_and_tries_again_when_asked(told: list[str]) -> None:
    faults = [RuntimeError("no luck"), RuntimeError("no luck")]

    @lifespan.on_start
    async def start() -> None:
        if faults:
            raise faults.pop()

    incoming: asyncio.Queue = asyncio.Queue()
    sent: asyncio.Queue = asyncio.Queue()
    await incoming.put({"type": "lifespan.startup"})
    await lifespan.serve({}, incoming.get, sent.put)
    assert await sent.get() == {"type": "lifespan.startup.failed", "message": "no luck"}
    with pytest.raises(RuntimeError):
        await lifespan.start()
    await lifespan.start()
    await lifespan.stop()


async def test_it_stops_everything_even_if_one_stop_fails(told: list[str]) -> None:
    @lifespan.on_stop
    async def fails() -> None:
        raise RuntimeError

    lifespan.on_stop(telling(told, "stopped"))
    await lifespan.start()
    await lifespan.stop()
    assert told == ["stopped"]


async def test_it_drains_before_it_stops_even_if_one_hook_fails(told: list[str]) -> None:
    @lifespan.on_drain
    async def fails() -> None:
        raise RuntimeError

    lifespan.on_drain(telling(told, "drained"))
    lifespan.on_stop(telling(told, "stopped"))
    await lifespan.start()
    await lifespan.drain()
    await lifespan.stop()
    assert told == ["drained", "stopped"]
