"""Our own engine below httpx: what HTTP/1.1 lets a server do, it takes."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from generation.providers.upstream.engine import BrokenOff, Engine, head_of, origin_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@asynccontextmanager
async def serving(*answers: bytes, stay: bool = True) -> AsyncIterator[tuple[Callable[[], int], int]]:
    """A server that answers each request with the next of `answers`. Yields the number of connections, and the port."""
    left, count = list(answers), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        while await reader.read(4096) and left:
            writer.write(left.pop(0))
            await writer.drain()
            if not stay:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield lambda: count, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine(ssl.create_default_context(), 4, 1.0)
    yield made
    await made.aclose()
    await asyncio.sleep(0)


async def ask(engine: Engine, port: int) -> tuple[int, bytes]:
    request = httpx.Request("POST", f"http://127.0.0.1:{port}/", content=b"x")
    reply = await engine.send(origin_of(request), head_of(request), b"x", 1.0)
    body = b""
    try:
        while data := await reply.read(1.0):
            body += data
    finally:
        await reply.close()
    return reply.status, body


async def test_a_connection_is_used_again(engine):
    async with serving(OK, OK) as (connections, port):
        assert await ask(engine, port) == await ask(engine, port) == (200, b"hello")
        assert connections() == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        OK + OK,
    ],
    ids=["close", "1.0", "more than was asked for"],
)
async def test_a_connection_that_does_not_last_is_not_used_again(engine, answer):
    async with serving(answer, OK) as (connections, port):
        await ask(engine, port)
        assert await ask(engine, port) == (200, b"hello")
        assert connections() == 2


async def test_a_body_without_a_length_ends_with_its_connection(engine):
    async with serving(b"HTTP/1.1 200 OK\r\n\r\nhello", stay=False) as (_, port):
        assert await ask(engine, port) == (200, b"hello")


async def test_chunks_and_early_hints_are_read(engine):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    async with serving(hints + chunked) as (_, port):
        assert await ask(engine, port) == (200, b"hello")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"",
    ],
    ids=["short", "no last chunk", "not HTTP", "too many fields", "another protocol", "nothing"],
)
async def test_what_is_not_whole_is_broken_off(engine, answer):
    async with serving(answer, stay=False) as (_, port):
        with pytest.raises(BrokenOff):
            await ask(engine, port)


async def test_silence_ends_at_the_given_time(engine):
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as (_, port):
        request = httpx.Request("GET", f"http://127.0.0.1:{port}/")
        reply = await engine.send(origin_of(request), head_of(request), b"", 1.0)
        with pytest.raises(TimeoutError):
            await reply.read(0.05)
        await reply.close()


async def test_a_header_cannot_end_its_line():
    request = httpx.Request("GET", "http://127.0.0.1/", headers={"x": "a\r\nHost: elsewhere"})
    with pytest.raises(httpx.LocalProtocolError):
        head_of(request)


async def test_it_is_a_transport_of_httpx(engine):
    async with serving(OK) as (_, port), httpx.AsyncClient(transport=engine) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
        assert (answer.status_code, answer.text) == (200, "hello")


async def test_an_address_that_answers_is_found_behind_one_that_does_not(engine, monkeypatch):
    async with serving(OK) as (_, port):
        inet = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        # 192.0.2.0/24 is nobody's (RFC 5737); whether it is refused or silent, it must not keep us.
        addresses = [(*inet, ("192.0.2.1", port)), (*inet, ("127.0.0.1", port))]

        async def found(*args, **kwargs):
            return addresses

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        assert await ask(engine, port) == (200, b"hello")


def certificate(folder: Path) -> tuple[Path, Path]:
    """For localhost, signed by itself: its file, and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("known", [True, False])
async def test_a_server_is_asked_over_tls_if_its_certificate_is_known(tmp_path, known):
    cert, key = certificate(tmp_path)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(cert, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served)
    engine = Engine(ssl.create_default_context(cafile=cert if known else None), 4, 5.0)
    request = httpx.Request("GET", f"https://localhost:{server.sockets[0].getsockname()[1]}/")
    try:
        if known:
            reply = await engine.send(origin_of(request), head_of(request), b"", 5.0)
            assert await reply.read(5.0) == b"hello"
            await reply.close()
        else:
            with pytest.raises(httpx.ConnectError):
                await engine.send(origin_of(request), head_of(request), b"", 5.0)
    finally:
        await engine.aclose()
        server.close()


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose queue of connections is full: whoever knocks is not even refused."""
    with socket.socket() as listener, ExitStack() as opened:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            one = opened.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("connect_seconds", "seconds"), [(0.2, 30.0), (30.0, 0.2)])
async def test_connecting_ends_at_its_own_limit_and_at_that_of_the_request(deaf, connect_seconds, seconds):
    engine = Engine(ssl.create_default_context(), 4, connect_seconds)
    request = httpx.Request("GET", f"http://127.0.0.1:{deaf}/")
    async with asyncio.timeout(10):
        with pytest.raises(httpx.ConnectError):
            await engine.send(origin_of(request), head_of(request), b"", seconds)
