"""Stored pictures and sound as HTTP answers: type, name, ETag, conditions and single ranges (RFC 9110)."""

import asyncio
import re
from collections import OrderedDict
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation import store
from generation.models import Artifact, Generation
from pollweb.lib.errors import NotFound, PollwebError
from pollweb.lib.http import addresses, error_response
from pollweb.lib.http.answers import Whole

RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")

# The files that everybody opens are served from memory: `[limits] remembered_bytes` of them in each process, none
# larger than a quarter of it.
_memory: OrderedDict[str, bytes] = OrderedDict()
_remembered = 0


def forget() -> None:
    global _remembered
    _memory.clear()
    _remembered = 0


async def load(digest: str) -> bytes | None:
    """The bytes, from memory or from the store."""
    global _remembered
    if (known := _memory.get(digest)) is not None:
        _memory.move_to_end(digest)
        return known
    data = await asyncio.to_thread(store.read, digest)
    most = settings.DESIGN.limits.remembered_bytes
    if data is not None and len(data) <= most // 4:
        if digest not in _memory:
            _memory[digest] = data
            _remembered += len(data)
        while _remembered > most:
            _remembered -= len(_memory.popitem(last=False)[1])
    return data


def filename(row: Generation, media_type: str = "") -> str:
    """`a-red-fox.jpg`: the prompt's first 100 characters, letters, digits and dashes only; the ending is that of the
    row's own file, or of another form of it."""
    media_type = media_type or (row.artifact.media_type if row.artifact else "")
    slug = _slug(row.prompt[:100])
    return f"{slug or f'generated-{row.kind}'}{ENDINGS.get(media_type, '')}"


@lru_cache(maxsize=2000)
def _slug(text: str) -> str:
    kept = re.sub(r"[^a-z0-9 -]", "", text.lower())
    return re.sub(r"[ -]+", "-", kept).strip("-")


ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".opus",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/wav": ".wav",
    "audio/pcm": ".pcm",
}


async def respond(
    request: HttpRequest, row: Generation, *, filename: str, attachment: bool = False, may_be_handed: bool = False
) -> HttpResponse:
    """The bytes of a finished row. NotFound when the store has lost them."""
    artifact: Artifact | None = row.artifact
    if artifact is None:
        raise NotFound("There is no file here.")
    return await respond_with(
        request,
        artifact.digest,
        artifact.media_type,
        filename=filename,
        attachment=attachment,
        may_be_handed=may_be_handed,
    )


async def respond_with(
    request: HttpRequest,
    digest: str,
    media_type: str,
    *,
    filename: str,
    attachment: bool = False,
    may_be_handed: bool = False,
) -> HttpResponse:
    """The bytes of this digest. NotFound when the store has lost them.

    `may_be_handed`: where `POLLWEB_MEDIA_ACCEL` says so, nginx is told the file's place, and sends it itself.
    """
    etag = f'"{digest[:32]}"'
    common = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{"attachment" if attachment else "inline"}; filename="{filename}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")):
        return HttpResponse(status=304, headers=common)
    handed = may_be_handed and _nginx_sends(request)
    data = await (_present(digest) if handed else load(digest))
    if data is None:
        raise NotFound("The file of this result is no longer available. Make it again.", code="file_lost")
    if handed:
        common["X-Accel-Redirect"] = f"{settings.MEDIA_ACCEL}{digest[:2]}/{digest[2:4]}/{digest}"
        return Whole(data, content_type=media_type, headers=common)
    asked = RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked and request.headers.get("if-range", etag) == etag and any(asked.groups()):
        first, last = _span(asked, len(data))
        if first > last:
            refused = PollwebError(f"This file has {len(data)} bytes.", code="range_not_satisfiable", status=416)
            response = error_response(refused, request)
            response["Content-Range"] = f"bytes */{len(data)}"
            return response
        common["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Whole(data[first : last + 1], status=206, content_type=media_type, headers=common)
    return Whole(data, content_type=media_type, headers=common)


def _nginx_sends(request: HttpRequest) -> bool:
    """Whether this request came through our nginx, and is one that it answers as we would: it knows no ETag of ours, so
    parts are cut here."""
    return (
        bool(settings.MEDIA_ACCEL)
        and "x-forwarded-for" in request.headers
        and "range" not in request.headers
        and addresses.is_trusted_proxy(request.META.get("REMOTE_ADDR", ""))
    )


async def _present(digest: str) -> bytes | None:
    return b"" if await asyncio.to_thread(store.exists, digest) else None


def _span(asked: re.Match[str], size: int) -> tuple[int, int]:
    """First and last byte, both counted; first > last when the range holds nothing."""
    start, end = asked.groups()
    if not start:
        return max(0, size - int(end)), size - 1 if int(end) else -1
    return int(start), min(int(end) if end else size - 1, size - 1)
