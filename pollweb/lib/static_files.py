"""Styles, scripts, fonts and icons, under an address that says which state of them is meant.

`/static/3f9c…/css/base.css` may be kept for ever: when any file changes, all have other addresses. They stand below the
same folder, since scripts and styles name each other by where they lie. `/static/css/base.css` is the newest.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from pollweb.lib.packing import packed_file

PACKED = (".css", ".js", ".svg", ".json", ".txt", ".md")  # fonts and pictures are packed by themselves
VERSION = 12  # hexadecimal digits
_VERSIONED = re.compile(rf"(/static/)[0-9a-f]{{{VERSION}}}/(.+)")


@cache
def version() -> str:
    """What all the files together are. They are read once in a process."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for path, storage in sorted(finder.list(None), key=lambda found: found[0]):
            content = Path(storage.path(path)).read_bytes()
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:VERSION]


class Versioned(StaticFilesStorage):
    """Where `{% static %}` leads; where files change under one's hands, to the newest."""

    def url(self, name: str | None) -> str:
        return _url(name or "") if not settings.DEBUG else super().url(name)


@cache
def _url(name: str) -> str:
    return f"{settings.STATIC_URL}{version()}/{name}"


_found: dict[str, dict[str, StaticFile]] = {}  # by their version: all files, by their addresses


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise, with a packed form of each text beside it; they are made when a process starts and finds none."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        static_file = self.files.get(request.path_info)
        if static_file is None and (parts := _VERSIONED.fullmatch(request.path_info)):
            # A page of another version asks, while servers are renewed one after the other.
            static_file = self.files.get("".join(parts.groups()))
        return self.serve(static_file, request) if static_file is not None else super().__call__(request)

    def add_files_from_finders(self) -> None:
        """Looked at once in a process: a test begins a new handler for each of its clients."""
        if version() in _found:
            self.files.update(_found[version()])
        else:
            super().add_files_from_finders()
            _found[version()] = dict(self.files)

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any = None) -> None:
        super().add_file_to_dictionary(url, path, stat_cache)
        super().add_file_to_dictionary(_url(url.removeprefix(self.static_prefix)), path, stat_cache)

    def immutable_file_test(self, path: str, url: str) -> bool:
        return url.startswith(_url(""))

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        plain = super().get_static_file(path, url, stat_cache)
        packed = packed_file(Path(path)) if path.endswith(PACKED) else None
        if packed is None:
            return plain
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        return StaticFile(path, headers.items(), encodings={"gzip": str(packed)})
