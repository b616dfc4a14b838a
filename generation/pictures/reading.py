"""Reading one picture in a process that dies when it takes too much."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import orjson

from generation.errors import UnreadableInput

CHILD = Path(__file__).with_name("child.py")
MOST_SECONDS = 15.0
AT_ONCE = 2  # children of one process: each may fill a core, and hold a gigabyte

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A JPEG or PNG file that holds only its picture. `colour` is #rrggbb, `placeholder` a data: address."""

    data: bytes
    media_type: str
    width: int
    height: int
    colour: str
    placeholder: str


async def read(data: bytes) -> Picture:
    """A PNG, JPEG, WebP or GIF of up to 40 million pixels and 200 frames, written anew: turned as EXIF says, at most
    4096 pixels long, of an animation the first frame. UnreadableInput for everything else."""
    loop = asyncio.get_running_loop()
    async with _turns.setdefault(loop, asyncio.Semaphore(AT_ONCE)):
        line, _, picture = (await _asked(data)).partition(b"\n")
    if not line:
        raise UnreadableInput("The picture cannot be read: it takes too much time or memory.")
    told = orjson.loads(line)
    if "error" in told:
        raise UnreadableInput(f"The picture cannot be read: {told['error']}.")
    return Picture(data=picture, **told)


async def _asked(data: bytes) -> bytes:
    """What the child wrote; nothing when it was ended."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(CHILD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    try:
        async with asyncio.timeout(MOST_SECONDS):
            out, _ = await child.communicate(data)
        return out if child.returncode == 0 else b""
    except TimeoutError:
        return b""
    finally:
        if child.returncode is None:
            child.kill()
            await asyncio.shield(child.wait())
