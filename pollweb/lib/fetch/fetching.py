"""Fetching: a name is resolved once, all its addresses are judged, and only a judged one is connected to."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.utils.translation import gettext
from yarl import URL

from pollweb.lib.fetch import addresses, targets
from pollweb.lib.fetch.errors import FetchFailed, FetchRefused
from pollweb.lib.fetch.targets import Target

MOST_BYTES = 16 * 2**20
SECONDS = 10.0
MOST_REDIRECTS = 3
MOST_OF_ANSWER = 4096
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What servers say that do not know what they serve; whoever reads the bytes finds out.
UNTYPED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "pollweb"}

Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """`media_type` is what the server said, in lower case and without parameters; `url` is where it came from."""

    bytes: bytes
    media_type: str
    url: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back: the status, and the beginning of the answer."""

    status: int
    bytes: bytes


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, also of one that is written as a number. OSError when there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


async def fetch(
    url: str,
    *,
    allow: Collection[str],
    most_bytes: int = MOST_BYTES,
    seconds: float = SECONDS,
    resolve: Resolve = resolve,
) -> Fetched:
    """GET a caller's address, following up to three redirects, each of which is judged like the first.

    `allow` holds the beginnings of media types that are taken, such as `image/`; `seconds` are for everything together.
    Raises FetchRefused for an address that we do not go to, FetchFailed for whatever goes wrong there.
    """
    target = targets.parse(url)
    try:
        async with asyncio.timeout(seconds):
            for _ in range(MOST_REDIRECTS + 1):
                found = await _ask(target, await _judged(target, resolve), tuple(allow), most_bytes)
                if isinstance(found, Fetched):
                    return found
                target = target.redirected(found)
    except TimeoutError as exc:
        raise FetchFailed(
            gettext("The address did not give its file within %(seconds)s seconds.") % {"seconds": f"{seconds:g}"}
        ) from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise FetchFailed(gettext("The address could not be fetched: the connection to its server failed.")) from exc
    raise FetchFailed(
        gettext("The address could not be fetched: it redirects more than %(most)s times.") % {"most": MOST_REDIRECTS}
    )


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS, resolve: Resolve = resolve
) -> Posted:
    """POST to an address that somebody gave us, judged like one that is fetched. Redirects are not followed.

    Whatever status comes is an answer, of which the first 4 KiB are read. Raises FetchRefused, and FetchFailed when
    there is no answer within `seconds`.
    """
    target = targets.parse(url)
    try:
        async with (
            asyncio.timeout(seconds),
            _session(await _judged(target, resolve)) as session,
            session.post(
                URL(target.url, encoded=True), data=body, allow_redirects=False, headers={**HEADERS, **headers}
            ) as response,
        ):
            return Posted(response.status, await response.content.read(MOST_OF_ANSWER))
    except TimeoutError as exc:
        raise FetchFailed(f"The address did not answer within {seconds:g} seconds.") from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise FetchFailed("The connection to the address's server failed.") from exc


async def _judged(target: Target, resolve: Resolve) -> list[str]:
    """The addresses to connect to. One that is not public spoils them all: it would be a way in at the next try."""
    if literal := addresses.parse(target.host):
        found = [literal]
    else:
        try:
            named = [addresses.parse(text) for text in await resolve(target.host, target.port)]
        except OSError as exc:
            raise FetchRefused from exc  # as for a name that leads inside: nobody learns which names there are
        found = [address for address in named if address is not None]
        if not found or len(found) < len(named):
            raise FetchRefused
    if not target.is_allowed and not all(map(addresses.is_public, found)):
        raise FetchRefused
    return [str(address) for address in found]


async def _ask(target: Target, judged: list[str], allow: tuple[str, ...], most_bytes: int) -> Fetched | str:
    """The file, or the Location of a redirect."""
    async with (
        _session(judged) as session,
        session.get(URL(target.url, encoded=True), allow_redirects=False, headers=HEADERS) as response,
    ):
        if response.status in REDIRECTS and (location := response.headers.get("Location")):
            return location
        if response.status != 200:
            raise FetchFailed(
                gettext("The address could not be fetched: its server answered with status %(status)s.")
                % {"status": response.status}
            )
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FetchFailed(
                gettext("The address could not be fetched: its server compresses what was asked for plainly.")
            )
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type not in UNTYPED and not media_type.startswith(allow):
            raise FetchFailed(
                gettext("The address holds %(type)r; needed is %(allowed)s.")
                % {"type": media_type[:60], "allowed": ", ".join(f"{beginning}…" for beginning in allow)}
            )
        return Fetched(await _read(response, most_bytes), media_type, target.url)


@contextlib.asynccontextmanager
async def _session(judged: list[str]) -> Any:
    """A client that can connect to the judged addresses and to nothing else; it is used once."""
    connector = aiohttp.TCPConnector(
        resolver=_Answer(judged),
        use_dns_cache=False,
        force_close=True,
        socket_factory=lambda info: _socket(info, judged),
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        trust_env=False,
        max_line_size=8190,
        max_field_size=8190,
    ) as session:
        yield session


class _Answer(AbstractResolver):
    """Gives what was resolved and judged before."""

    def __init__(self, judged: list[str]) -> None:
        self.judged = judged

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self.judged
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _socket(info: Any, judged: list[str]) -> socket.socket:
    """The last look: whatever was understood before, this is the address that is connected to."""
    family, kind, protocol, _, address = info
    parsed = addresses.parse(str(address[0]))
    if str(parsed) not in judged:
        raise OSError("not a judged address")
    return socket.socket(family, kind, protocol)


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    if (response.content_length or 0) > most_bytes:
        raise _too_large(most_bytes)
    data = bytearray()
    async for block in response.content.iter_chunked(64 * 1024):
        data += block
        if len(data) > most_bytes:
            raise _too_large(most_bytes)
    return bytes(data)


def _too_large(most_bytes: int) -> FetchFailed:
    return FetchFailed(
        gettext("The file is larger than %(most)s MiB.") % {"most": most_bytes // 2**20},
        code="input_too_large",
        status=413,
    )
