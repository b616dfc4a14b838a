"""Requests to a server: where its APIs are, what its errors say, waiting when it is busy, reading event streams."""

import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pollweb
from pollweb.cli.errors import AWAY, REFUSED, USAGE, Failure

PUBLIC = "pollinations.ai"
LONGEST_PAUSE = 120.0  # seconds: a server that wants more is told to the person instead
LARGEST = 256 * 2**20  # bytes of one answer


@dataclass
class Server:
    """One server. `image`, `text` and `v1` are the addresses of its APIs."""

    base_url: str
    token: str = ""
    retries: int = 3
    timeout: float = 330.0
    say: Callable[[str], None] = field(default=lambda words: None)

    def __post_init__(self) -> None:
        self.base_url = self.base_url.strip().rstrip("/")
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host:
            raise Failure(
                f"--base-url is {self.base_url!r}; an address such as http://localhost:8000 is needed.", USAGE
            )
        self.is_public = host == PUBLIC or host.endswith(f".{PUBLIC}")
        self.image = f"https://image.{PUBLIC}" if self.is_public else f"{self.base_url}/image"
        self.text = f"https://text.{PUBLIC}" if self.is_public else f"{self.base_url}/text"
        self.v1 = f"https://text.{PUBLIC}/v1" if self.is_public else f"{self.base_url}/v1"
        # A proxy of the environment does not lead to this machine.
        is_here = host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
        proxies = [urllib.request.ProxyHandler({})] if is_here else []
        self._opener = urllib.request.build_opener(*proxies)

    def open(
        self, url: str, *, body: bytes | None = None, content_type: str = "", headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """The answer, as soon as it begins. A busy server is asked again when it says; Failure for everything else."""
        for attempt in range(self.retries + 1):
            request = urllib.request.Request(url, data=body, headers=dict(headers or {}))  # noqa: S310 - http(s) only
            request.add_header("User-Agent", f"pollweb-cli/{pollweb.__version__}")
            if content_type:
                request.add_header("Content-Type", content_type)
            if self.token:
                # Not passed on to where a redirect leads.
                request.add_unredirected_header("Authorization", f"Bearer {self.token}")
            try:
                answer: HTTPResponse = self._opener.open(request, timeout=self.timeout)
                return answer
            except urllib.error.HTTPError as exc:
                with exc:
                    sentence = _sentence(exc.read(64 * 1024)) or f"The server answers with status {exc.code}."
                pause = _pause(exc.headers.get("Retry-After"))
                if exc.code in (429, 503) and attempt < self.retries and pause is not None:
                    self.say(f"{sentence} Again in {pause:.0f} s")
                    time.sleep(pause)
                    continue
                raise Failure(sentence, AWAY if exc.code >= 500 else REFUSED) from exc
            except urllib.error.URLError as exc:
                raise self._away(exc.reason) from exc
            except (OSError, HTTPException, ValueError) as exc:
                raise self._away(exc) from exc
        raise AssertionError("the last attempt answers or raises")

    def _away(self, reason: object) -> Failure:
        if isinstance(reason, ssl.SSLError):
            return Failure(f"{self.base_url} has no trustworthy certificate: {reason.reason or reason}.", AWAY)
        if isinstance(reason, TimeoutError):
            return Failure(f"{self.base_url} did not answer within {self.timeout:g} seconds.", AWAY)
        why = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        return Failure(f"{self.base_url} cannot be reached ({why}). Is it running? --base-url names another.", AWAY)

    def get(self, url: str, **options: Any) -> tuple[bytes, str]:
        """The whole answer and its media type."""
        with self.open(url, **options) as answer:
            return self.read(answer), answer.headers.get_content_type()

    def read(self, answer: HTTPResponse) -> bytes:
        try:
            data = answer.read(LARGEST + 1)
        except (OSError, HTTPException) as exc:
            raise self._broken() from exc
        if len(data) > LARGEST:
            raise Failure(f"The answer is larger than {LARGEST // 2**20} MiB.", AWAY)
        return data

    def _broken(self) -> Failure:
        return Failure(f"{self.base_url} broke the connection off.", AWAY)

    def events(self, answer: HTTPResponse) -> Iterator[tuple[str, str]]:
        """(id, data) of each event of a stream; ends with it."""
        name, data = "", []
        try:
            for raw in iter(lambda: answer.readline(16 * 2**20), b""):
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
                elif line.startswith("id:"):
                    name = line[3:].strip()
                elif not line and data:
                    yield name, "\n".join(data)
                    data = []
        except (OSError, HTTPException) as exc:
            raise self._broken() from exc


def _pause(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or 5)
    except ValueError:
        return None
    return max(0.0, seconds) if seconds <= LONGEST_PAUSE else None


def _sentence(body: bytes) -> str:
    """What an error's JSON says, in any of the shapes there are."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    error = told.get("error")
    said = error.get("message") if isinstance(error, dict) else told.get("message") or error
    return str(said)[:1000] if said else ""


def as_form(fields: Mapping[str, str], files: Mapping[str, list[tuple[str, bytes]]]) -> tuple[bytes, str]:
    """multipart/form-data (RFC 7578): its bytes and its content type. Files are (name, bytes)."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, given in files.items():
        for filename, data in given:
            plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{plain}"\r\n'
            parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
