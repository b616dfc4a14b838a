"""What begins and ends with a server process: feed hub, clients, probes.

    @on_start
    async def start() -> None: ...

Hooks run in the order of their registration, those of `on_stop` in the opposite one. Between the two stands `on_drain`:
no new connections are taken any more, running requests may finish, and what would never finish by itself is to end. A
server without ASGI lifespan (daphne) gets its start at the first request.
"""

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Hook = Callable[[], Awaitable[None]]

logger = logging.getLogger("pollweb.lifespan")
_starts: list[Hook] = []
_drains: list[Hook] = []
_stops: list[Hook] = []
_started: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = weakref.WeakKeyDictionary()


def on_start(hook: Hook) -> Hook:
    _starts.append(hook)
    return hook


def on_drain(hook: Hook) -> Hook:
    _drains.append(hook)
    return hook


def on_stop(hook: Hook) -> Hook:
    _stops.append(hook)
    return hook


async def _run_starts() -> None:
    for hook in _starts:
        await hook()


async def start() -> None:
    """Run the start hooks, once for each event loop; who comes while they run waits with them."""
    loop = asyncio.get_running_loop()
    if (task := _started.get(loop)) is None:
        task = _started[loop] = loop.create_task(_run_starts())
    if task.done():
        return
    try:
        await asyncio.shield(task)
    except Exception:
        if _started.get(loop) is task:
            del _started[loop]  # whoever comes next tries again
        raise


async def drain() -> None:
    """Run the drain hooks; a server calls this when it is asked to end."""
    await _run_all(_drains)


async def stop() -> None:
    """Run the stop hooks of a loop that was started."""
    if _started.pop(asyncio.get_running_loop(), None) is not None:
        await _run_all(_stops[::-1])


async def _run_all(hooks: Sequence[Hook]) -> None:
    """One that fails does not keep the others from running."""
    for hook in hooks:
        try:
            await hook()
        except Exception:
            logger.exception("The hook %s failed.", getattr(hook, "__qualname__", hook))


async def serve(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """The ASGI lifespan protocol."""
    await receive()
    try:
        await start()
    except Exception as exc:
        logger.exception("A start hook failed.")
        await send({"type": "lifespan.startup.failed", "message": str(exc)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await stop()
    await send({"type": "lifespan.shutdown.complete"})
