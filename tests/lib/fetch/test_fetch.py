"""What the fetcher does at addresses that it goes to."""

import asyncio
import time

import pytest

from pollweb.lib.fetch import FetchFailed, fetch
from tests.lib.fetch.conftest import reply


@pytest.fixture
def base(origin) -> str:
    return f"http://127.0.0.1:{origin.port}"


async def test_it_brings_the_bytes_and_their_type(origin, base) -> None:
    origin.pages["/a%20b.png?x=1&y=%C3%A9"] = reply(b"\x89PNG", Content_Type="Image/PNG; charset=x")
    found = await fetch(f"{base}/a%20b.png?x=1&y=é#part", allow=["image/"])
    assert (found.bytes, found.media_type) == (b"\x89PNG", "image/png")


async def test_it_asks_plainly_and_says_nothing_of_us(origin, base) -> None:
    origin.pages["/first"] = reply(status="302 Found", Location="/second", Set_Cookie="session=1")
    origin.pages["/second"] = reply()
    await fetch(f"{base}/first", allow=["image/"])
    for request in origin.requests:
        lines = request.decode().lower().split("\r\n")
        assert lines[0].startswith("get ")
        assert {line.partition(":")[0] for line in lines[1:] if line} == {
            "host", "accept", "accept-encoding", "user-agent", "connection",
        }  # fmt: skip
        assert "accept-encoding: identity" in lines


async def test_a_name_is_resolved_once_and_stays_the_host(origin) -> None:
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    origin.pages["/x"] = reply()
    await fetch(f"http://Pictures.Example:{origin.port}/x", allow=["image/"], resolve=resolve)
    assert asked == ["pictures.example"]
    assert f"Host: pictures.example:{origin.port}".encode() in origin.requests[0]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_it_follows_a_redirect(origin, base, status) -> None:
    origin.pages["/a"] = reply(status=status, Location="/b")
    origin.pages["/b"] = reply()
    assert (await fetch(f"{base}/a", allow=["image/"])).url == f"{base}/b"


async def test_it_follows_three_redirects_and_no_fourth(origin, base) -> None:
    for number in range(9):
        origin.pages[f"/{number}"] = reply(status="302 Found", Location=f"/{number + 1}")
    origin.pages["/9"] = reply()
    assert (await fetch(f"{base}/6", allow=["image/"])).bytes == b"picture"
    with pytest.raises(FetchFailed, match="redirects more than 3 times"):
        await fetch(f"{base}/5", allow=["image/"])


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "206 Partial"])
async def test_another_status_is_an_error(origin, base, status) -> None:
    origin.pages["/x"] = reply(status=status)
    with pytest.raises(FetchFailed, match=f"status {status[:3]}") as failed:
        await fetch(f"{base}/x", allow=["image/"])
    assert (failed.value.code, failed.value.status) == ("input_not_readable", 400)


async def test_another_type_is_an_error_and_none_is_not(origin, base) -> None:
    origin.pages["/page"] = reply(Content_Type="text/html")
    origin.pages["/untyped"] = reply(Content_Type="")
    with pytest.raises(FetchFailed, match="text/html"):
        await fetch(f"{base}/page", allow=["image/"])
    assert (await fetch(f"{base}/untyped", allow=["image/"])).media_type in ("", "application/octet-stream")


async def test_too_many_bytes_end_it_whether_announced_or_not(origin, base) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        while sent < 64 * 2**20:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    origin.pages["/announced"] = reply(Content_Length=str(2**40))
    origin.pages["/endless"] = endless
    for path in ("/announced", "/endless"):
        with pytest.raises(FetchFailed) as failed:
            await fetch(base + path, allow=["image/"], most_bytes=2**20)
        assert (failed.value.code, failed.value.status) == ("input_too_large", 413)
    await asyncio.wait_for(origin.closed.wait(), 5)
    assert sent < 32 * 2**20


async def test_its_time_is_for_everything_together(origin, base) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    origin.pages["/drip"] = drip
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"within 0\.3 seconds"):
        await fetch(f"{base}/drip", allow=["image/"], seconds=0.3)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: -5\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: " + b"y" * 100_000 + b"\r\n\r\n",
        reply(Content_Encoding="gzip"),
        reply(status="302 Found", Location="http://[::1"),
    ],
)
async def test_a_broken_server_is_an_error(origin, base, answer) -> None:
    from pollweb.lib.fetch import FetchRefused

    origin.pages["/x"] = answer
    with pytest.raises((FetchFailed, FetchRefused)):
        await fetch(f"{base}/x", allow=["image/"], seconds=3)


async def test_a_server_that_is_not_there_is_an_error(settings) -> None:
    settings.FETCH_ALLOW = ["127.0.0.1:1"]
    with pytest.raises(FetchFailed, match="connection"):
        await fetch("http://127.0.0.1:1/x", allow=["image/"])
