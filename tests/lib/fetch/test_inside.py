"""Addresses that lead inside: none of them reaches the canary, by whatever spelling, name or redirect."""

import pytest

from pollweb.lib.fetch import FetchRefused, fetch, fetching
from tests.lib.fetch.conftest import reply

HOSTS = [
    # loopback, in every spelling that some reader of addresses understands
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1",
    "0177.0.0.1", "017700000001", "0177.1", "127.0.0.1.", "127.0.0.01", "localhost", "localhost.", "LOCALHOST",
    "127。0。0。1", "①②⑦.0.0.1", "ⓛocalhost",
    # this machine and its networks
    "0", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "169.254.169.254",
    "2852039166", "0xa9fea9fe", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    # the same in IPv6
    "[::1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001::1]", "[2001:0:7f00:1::1]", "[2001:db8::1]", "[3fff::1]",
    "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fec0::1]", "[ff02::1]", "[100::1]",
    # names that lead inside
    "metadata.internal.example", "mixed.example", "mixed6.example", "mapped.example", "nowhere.example",
]  # fmt: skip

NAMES = {
    "localhost": ["127.0.0.1"],
    "metadata.internal.example": ["169.254.169.254"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "mixed6.example": ["2606:2800:21f::1", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
}

ADDRESSES = [
    # who speaks to whom is unclear
    "http://public.example@127.0.0.1/", "http://user:secret@93.184.215.14/", "http://@93.184.215.14/",
    "http://93.184.215.14\\@127.0.0.1/", "http://127.0.0.1\\.public.example/", "http://127.0.0.1%00.public.example/",
    "http://%31%32%37.0.0.1/", "http://127.0.0.1\t/", "http://12\n7.0.0.1/", "http:///127.0.0.1/", "http:127.0.0.1/",
    "//127.0.0.1/", "127.0.0.1", "http://[127.0.0.1]/", "http://[::1/", "http://a..b/", "http://-a.example/", "http://",
    # other ports and schemes
    "http://93.184.215.14:22/", "http://93.184.215.14:6379/", "http://93.184.215.14:0/", "http://93.184.215.14:99999/",
    "https://93.184.215.14:8443/", "ftp://93.184.215.14/", "file:///etc/passwd", "gopher://93.184.215.14/",
    "dict://127.0.0.1/", "data:text/html,x", "javascript:alert(1)", "ws://93.184.215.14/", "jar:http://a.example/!/",
]  # fmt: skip


async def names(host: str, port: int) -> list[str]:
    """The table above; numbers as the system reads them; everything else does not exist."""
    if host in NAMES:
        return NAMES[host]
    if host[0].isdigit():
        return await fetching.resolve(host, port)
    raise OSError("no such name")


def test_there_are_more_than_eighty() -> None:
    assert len(HOSTS) + len(ADDRESSES) >= 80


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_inside_is_refused(canary, host) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(FetchRefused):
            await fetch(f"{scheme}://{host}/x.png", allow=["image/"], resolve=names)


@pytest.mark.parametrize("url", ADDRESSES)
async def test_an_address_that_is_none_of_ours_is_refused(canary, url) -> None:
    with pytest.raises(FetchRefused):
        await fetch(url, allow=["image/"], resolve=names)


@pytest.mark.parametrize("host", HOSTS)
async def test_a_redirect_inside_is_refused(origin, canary, host) -> None:
    origin.pages["/"] = reply(status="302 Found", Location=f"http://{host}/".encode().decode("latin-1"))
    with pytest.raises(FetchRefused):
        await fetch(f"http://127.0.0.1:{origin.port}/", allow=["image/"], resolve=names)
    assert origin.connections == 1


async def test_every_refusal_says_the_same(canary) -> None:
    said = set()
    for url in (
        "http://127.0.0.1/",
        "http://nowhere.example/",
        "http://metadata.internal.example/",
        "ftp://a.example/",
    ):
        with pytest.raises(FetchRefused) as refused:
            await fetch(url, allow=["image/"], resolve=names)
        said.add((refused.value.message, refused.value.code, refused.value.status))
    assert len(said) == 1
    assert said.pop()[1:] == ("url_refused", 400)


async def test_what_the_operator_allows_is_one_host_and_one_port(origin, canary) -> None:
    """The allowed server by another spelling, and the canary's port at the allowed host, stay closed."""
    for host in ("127.1", "localhost", "0x7f.1", "[::ffff:127.0.0.2]"):
        with pytest.raises(FetchRefused):
            await fetch(f"http://{host}:{origin.port}/", allow=["image/"], resolve=names)
    with pytest.raises(FetchRefused):
        await fetch(f"http://127.0.0.1:{canary.port}/", allow=["image/"], resolve=names)
    assert origin.connections == 0
