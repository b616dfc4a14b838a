"""Pictures that followed feeds tell of, as small ones of our own: fetched when somebody looks, decoded apart from us,
written anew, and kept for a while in this machine's folder.

Bounded: 8 MiB and 15 s for a picture, so many at once, so many kept, each for a day. What failed is not tried again for
ten minutes, and whoever comes while too many wait is told that there is none.
"""

import asyncio
import hashlib
import io
import time
from collections import OrderedDict
from pathlib import Path
from weakref import WeakKeyDictionary

from django.conf import settings
from PIL import Image

from generation import label, pictures
from pollweb.lib.errors import PollwebError
from pollweb.lib.fetch import fetch

SIDE = 640
MOST_BYTES = 8 * 2**20
SECONDS = 15.0
AT_ONCE = 4
MOST_WAITING = 60
MOST_KEPT = 2000
KEPT_SECONDS = 86_400.0
TRIM_EVERY = 50
FAILED_SECONDS = 600.0
MOST_FAILED = 5000
MEDIA_TYPE = "image/webp"


class Desk:
    """What one event loop does at this moment."""

    def __init__(self) -> None:
        self.fetching = asyncio.Semaphore(AT_ONCE)
        self.decoding = asyncio.Semaphore(1)  # the other children are for what callers send
        self.making: dict[str, asyncio.Task[bytes | None]] = {}


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, Desk] = WeakKeyDictionary()
_failed: OrderedDict[str, float] = OrderedDict()
_written = 0


def folder() -> Path:
    return Path(settings.POLLWEB_HOME) / "relayed"


def _path(name: str) -> Path:
    """Another label is another file, so that it is on every picture from the first day on."""
    words = label.current()
    return folder() / (f"{name}.{hashlib.sha256(words.encode()).hexdigest()[:8]}" if words else name)


async def thumbnail(name: str, address: str) -> bytes | None:
    """The small picture of the item called `name`; None where there is none. `name` is a public id."""
    found = await asyncio.to_thread(_load, name)
    if found is not None:
        return found
    desk = _desks.setdefault(asyncio.get_running_loop(), Desk())
    task = desk.making.get(name)
    if task is None:
        if _failed.get(name, 0.0) > time.monotonic() or len(desk.making) >= MOST_WAITING:
            return None
        task = desk.making[name] = asyncio.create_task(_make(desk, name, address))
        task.add_done_callback(lambda _: desk.making.pop(name, None))
    return await asyncio.shield(task)  # whoever leaves does not take it from the others


def _load(name: str) -> bytes | None:
    path = _path(name)
    try:
        return path.read_bytes() if time.time() - path.stat().st_mtime < KEPT_SECONDS else None
    except OSError:
        return None


async def _make(desk: Desk, name: str, address: str) -> bytes | None:
    try:
        async with desk.fetching:
            fetched = await fetch(address, allow=("image/",), most_bytes=MOST_BYTES, seconds=SECONDS)
        async with desk.decoding:
            picture = await pictures.read(fetched.bytes)
        return await asyncio.to_thread(_keep, name, picture.data)
    except (PollwebError, OSError):
        _failed[name] = time.monotonic() + FAILED_SECONDS
        while len(_failed) > MOST_FAILED:
            _failed.popitem(last=False)
        return None


def _keep(name: str, data: bytes) -> bytes:
    global _written
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as opened:
        opened.thumbnail((SIDE, SIDE))
        picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    if words := label.current():
        picture, _ = label.draw(picture, words)
    picture.save(file, "WEBP", quality=75, method=4)
    folder().mkdir(mode=0o700, exist_ok=True)
    part = folder() / f"{name}.part"
    part.write_bytes(file.getvalue())
    part.replace(_path(name))
    _written += 1
    if _written % TRIM_EVERY == 1:
        trim()
    return file.getvalue()


def trim() -> None:
    """Remove what is too old, and the oldest of what is too much."""
    found = []
    for path in folder().iterdir():
        try:
            found.append((path.stat().st_mtime, path))
        except OSError:
            continue  # another process was quicker
    found.sort(reverse=True)
    until = time.time() - KEPT_SECONDS
    for number, (at, path) in enumerate(found):
        if number >= MOST_KEPT or at < until:
            path.unlink(missing_ok=True)
