"""Pages, styles and scripts go over the wire packed (gzip): on a phone's network they take a fifth of the time."""

import gzip
import hashlib
import os
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

LEAST = 1_000  # bytes: below, the headers are the most of it


class Pages(GZipMiddleware):
    """Whole pages only: streams would be held back, and files are what they are.

    Their length differs by a few random bytes each time, and forms' tokens are masked anew, so that it tells nothing
    about what stands in them (Django's answer to BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)


def packed_file(path: Path) -> Path | None:
    """Its packed form, in POLLWEB_HOME/packed under the name of its content, made where it is not there yet.

    None where it is too small to win anything, or cannot be written.
    """
    content = path.read_bytes()
    if len(content) < LEAST:
        return None
    packed = settings.POLLWEB_HOME / "packed" / f"{hashlib.sha256(content).hexdigest()[:32]}.gz"
    if packed.exists():
        return packed
    part = packed.with_suffix(f".{os.getpid()}")  # each process its own; the last one that is ready stays
    try:
        packed.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(gzip.compress(content, mtime=0))
        part.replace(packed)
    except OSError:
        return None
    return packed
