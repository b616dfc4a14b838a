"""The figures of all web processes of this machine, whichever of them is asked.

They share one address, so a scraper reaches any of them. Each writes its own counts into POLLWEB_HOME/run/figures every
few seconds; who is asked adds up the files of the others and its own present counts. What a process counted before it
ended is added to one file for all that ended: a sum of counters never falls.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

WRITTEN_EVERY = 5.0
SILENCE = 60.0  # seconds after which whoever wrote a file is gone, whatever has its number
ENDED = "ended"

# Counts by name, several where they belong together. What is told beside `counts` is of living processes only.
Counts = dict[str, list[float]]
Told = dict[str, Any]


def folder() -> Path:
    return settings.POLLWEB_HOME / "run" / "figures"


def add(one: Counts, other: Counts) -> Counts:
    """Place by place; what only one of them has is taken as it is."""
    found = {name: list(values) for name, values in one.items()}
    for name, values in other.items():
        mine = found.get(name)
        found[name] = [a + b for a, b in zip(mine, values, strict=True)] if mine else list(values)
    return found


def write(told: Told) -> None:
    path = folder() / str(os.getpid())
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, told)


def _replace(path: Path, told: Told) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(orjson.dumps(told))
    part.replace(path)


def others() -> list[Told]:
    """What the other living processes have written, and one of those that ended."""
    try:
        with _held():
            return list(_read())
    except OSError:
        return []


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """One process at a time moves the counts of those that ended."""
    descriptor = os.open(folder(), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read() -> Iterable[Told]:
    ended = _load(folder() / ENDED).get("counts", {})
    dead = []
    for path in folder().iterdir():
        if not path.name.isdigit() or int(path.name) == os.getpid():
            continue
        told = _load(path)
        if _is_written(path) and _lives(int(path.name)):
            yield told
        else:
            ended = add(ended, told.get("counts", {}))
            dead.append(path)
    if dead:
        _replace(folder() / ENDED, {"counts": ended})
        for path in dead:
            path.unlink(missing_ok=True)
    yield {"counts": ended}


def _load(path: Path) -> Told:
    try:
        told: Told = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told


def _is_written(path: Path) -> bool:
    """Lately: a number may belong to another process by now, as after a restart of the machine."""
    try:
        return time.time() - path.stat().st_mtime < SILENCE
    except OSError:
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


async def keep_writing(tell: Any) -> None:
    """Until cancelled; then once more, so that nothing that was counted is lost."""
    try:
        while True:
            await asyncio.to_thread(lambda: write(tell()))
            await asyncio.sleep(WRITTEN_EVERY)
    finally:
        write(tell())
