"""What callers bring along: pictures by address, as data: address or as bytes become artifacts, named by their digest.

A request that has been through `take` holds no media and no foreign address, so its row stays small, its fingerprint
goes by what is really in a picture, and what was fetched once stays what it was. `give` puts the bytes back for whoever
makes the result.
"""

import asyncio
import base64
import binascii
import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from generation import artifacts, lending, pictures, store
from generation.errors import InvalidRequest, UnreadableInput
from generation.requests import ChatRequest, ImageRequest, Request, TranscriptionRequest
from pollweb.lib import db
from pollweb.lib.fetch import MOST_BYTES, fetch

MOST_PICTURES = 8
AT_ONCE = 16  # fetches of one process: each may hold 16 MiB
KEPT = "sha256:"
PICTURE_PARTS = ("image_url", "input_image")
DATA_ADDRESS = re.compile(r"data:(image/[a-z0-9.+-]+)?((?:;[^;,]*)*?);base64,", re.IGNORECASE)

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

Source = str | bytes


async def take(request: Request) -> Request:
    """The request with its pictures stored and named by digest.

    UnreadableInput (400) for what is no picture, FetchRefused and FetchFailed for an address that does not give one,
    InvalidRequest for more than eight.
    """
    if isinstance(request, ImageRequest) and request.images:
        _count(len(request.images))
        digests = [await keep(source) for source in request.images]
        return dataclasses.replace(request, images=tuple(digests))
    if isinstance(request, ChatRequest) and request.has_pictures:
        _count(sum(len(_pictures_in(message)) for message in request.messages))

        async def kept(address: str) -> str:
            return KEPT + await keep(address)

        return dataclasses.replace(request, messages=tuple([await _replaced(m, kept) for m in request.messages]))
    return request


async def keep(source: Source) -> str:
    """Store one picture, given as bytes, http(s) address or data: address, and return its digest."""
    return await db.run(put, await look(source))


async def look(source: Source) -> pictures.Picture:
    """Read one picture without storing it. Raises what `take` does."""
    return await pictures.read(source if isinstance(source, bytes) else await _bytes_of(source))


async def recording(address: str) -> bytes:
    """The recording at an address that a caller gave. FetchRefused and FetchFailed say why there is none."""
    return await _fetched(address, ("audio/", "video/"))


def variant(number: int) -> str:
    """What `/media/{public id}/…` calls the pictures of a request."""
    return f"input-{number}"


def digests_of(request: Request) -> tuple[str, ...]:
    """The pictures to be worked on, as `take` left them."""
    return tuple(map(str, request.images)) if isinstance(request, ImageRequest) else ()


def media_type(picture: bytes) -> str:
    """`take` keeps PNG and JPEG only."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"


async def give(request: Request, public_id: str) -> Request:
    """The request of this row as a provider gets it: pictures as bytes and as addresses that are lent to it
    (ImageRequest), or as data: addresses (ChatRequest); a recording as bytes."""
    if isinstance(request, TranscriptionRequest):
        return dataclasses.replace(request, data=await asyncio.to_thread(_load, request.recording, "recording"))
    if isinstance(request, ImageRequest) and request.images:
        found = [await asyncio.to_thread(_load, str(digest)) for digest in request.images]
        lent = [lending.address(public_id, variant(number)) for number in range(len(found))]
        return dataclasses.replace(request, pictures=tuple(found), addresses=tuple(lent))
    if isinstance(request, ChatRequest) and request.has_pictures:

        async def given(address: str) -> str:
            data = await asyncio.to_thread(_load, address.removeprefix(KEPT))
            return f"data:{media_type(data)};base64,{base64.b64encode(data).decode()}"

        return dataclasses.replace(request, messages=tuple([await _replaced(m, given) for m in request.messages]))
    return request


def _count(number: int) -> None:
    if number > MOST_PICTURES:
        raise InvalidRequest(
            f"A request takes up to {MOST_PICTURES} pictures; this one has {number}.", code="too_many_inputs"
        )


def _pictures_in(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    return [part for part in parts if isinstance(part, dict) and part.get("type") in PICTURE_PARTS]


async def _replaced(message: dict[str, Any], address: Callable[[str], Awaitable[str]]) -> dict[str, Any]:
    """The message with the address of each picture replaced, in OpenAI's shape of a part."""
    found = _pictures_in(message)
    if not found:
        return message
    parts = []
    for part in message["content"]:
        if not any(part is picture for picture in found):
            parts.append(part)
            continue
        said = part.get("image_url")
        url = said.get("url") if isinstance(said, dict) else said
        if not isinstance(url, str) or not url:
            raise UnreadableInput('A picture needs an address: {"type": "image_url", "image_url": {"url": "…"}}.')
        detail = {"detail": said["detail"]} if isinstance(said, dict) and isinstance(said.get("detail"), str) else {}
        parts.append({"type": "image_url", "image_url": {"url": await address(url), **detail}})
    return {**message, "content": parts}


async def _bytes_of(address: str) -> bytes:
    if address[:5].lower() == "data:":
        return await asyncio.to_thread(_decoded, address)
    return await _fetched(address, ("image/",))


async def _fetched(address: str, allow: tuple[str, ...]) -> bytes:
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)):
        return (await fetch(address, allow=allow)).bytes


def _decoded(address: str) -> bytes:
    """The bytes of a data: address (RFC 2397) in base64."""
    head = DATA_ADDRESS.match(address[:200])
    if head is None:
        raise UnreadableInput("A picture's data: address must begin like data:image/png;base64, and go on in base64.")
    if len(address) > MOST_BYTES * 4 // 3 + 200:
        raise UnreadableInput(
            f"The picture is larger than {MOST_BYTES // 2**20} MiB.", code="input_too_large", status=413
        )
    try:
        return base64.b64decode("".join(address[head.end() :].split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise UnreadableInput("A picture's data: address is not valid base64.") from exc


def put(picture: pictures.Picture) -> str:
    """Store a picture that was read, and return its digest."""
    return artifacts.keep(
        picture.data,
        picture.media_type,
        width=picture.width,
        height=picture.height,
        colour=picture.colour,
        placeholder=picture.placeholder,
    )


def _load(digest: str, what: str = "picture") -> bytes:
    data = store.read(digest) if re.fullmatch(r"[0-9a-f]{64}", digest) else None
    if data is None:
        raise UnreadableInput(
            f"A {what} of this request is no longer here. Send it again.", code="input_lost", status=410
        )
    return data
