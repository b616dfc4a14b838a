"""The relay against a scripted feed on a real socket, into the real stream."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured

from feeds import outbox, policy
from feeds.relay import following, lease, remote, shelf, tally
from feeds.relay.lease import Fenced, Lease
from feeds.relay.relay import Relay, Times
from feeds.relay.sources import Source
from feeds.relay.upstream import MOST_BYTES, Reader
from pollweb.lib import redis
from tests.feeds.feedserver import HEAD, FeedServer, frame, picture, serving
from tests.site import ROOT, Site, end

pytestmark = pytest.mark.usefixtures("ears")

QUICK = Times(lease=1.0, renew=0.2, ask=0.1, idle=5.0, shortest_pause=0.02, longest_pause=0.1, settled=60, look=0.05)
FOR_EVER = 600


def told() -> list[str]:
    """The prompts in the stream, oldest first."""
    entries: Any = redis.sync_client().xrange(outbox.stream_key())
    return [json.loads(fields[b"event"])["prompt"] for _, fields in entries if fields[b"t"] == b"event"]


def counted() -> dict[str, int]:
    found: Any = redis.sync_client().hgetall(redis.key("feed", "relay", "tally"))
    return {name.decode().split()[0]: int(count) for name, count in found.items()}


async def until(true: Callable[[], Any], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def relaying(*feeds: FeedServer, times: Times = QUICK) -> AsyncIterator[Relay]:
    relay = Relay([Source("image", feed.url) for feed in feeds], times)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await asyncio.wait_for(running, 10)


def saying(*chunks: bytes) -> Callable[..., Any]:
    """The same on each connection, which then stays open."""

    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD)
        for chunk in chunks:
            await write(chunk)
        await asyncio.sleep(FOR_EVER)

    return script


async def test_what_comes_is_told_in_order_and_marked_as_remote() -> None:
    async with serving(saying(*(frame(picture(n)) for n in range(30)))) as feed, relaying(feed):
        await until(lambda: len(told()) == 30)
    assert told() == [f"boat {n}" for n in range(30)]
    entries: Any = redis.sync_client().xrange(outbox.stream_key(), count=1)
    said = json.loads(entries[0][1][b"event"])
    assert (said["remote"], said["source"]) == (True, feed.url.split("/")[2])


async def test_what_is_repeated_on_each_connection_is_told_once() -> None:
    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD + b"".join(frame(picture(n)) for n in range(number + 3)))

    async with serving(script) as feed, relaying(feed):
        await until(lambda: len(told()) >= 6)
    assert told()[:6] == [f"boat {n}" for n in range(6)]
    assert len(told()) == len(set(told()))


async def test_junk_and_what_is_too_big_are_counted_and_passed_over() -> None:
    script = "<script>alert(1)</script>"
    junk = [b"data: no JSON\n\n", frame(picture(imageURL=f"javascript:{script}")), b"\xff\xfe\x00\n\n", b"data\n\n"]
    big = frame(picture(prompt="x" * 5 * 2**20))
    many_lines = b"data: x\n" * 50_000 + b"\n"
    endings = frame(picture(2)).replace(b"\n", b"\r\n")
    good = [frame(picture(1)), endings, b": a comment\n\n", frame(picture(3, prompt=script))]
    chunks = [junk[0], big, good[0], junk[1], many_lines, good[1], *junk[2:], good[2], good[3]]
    async with serving(saying(*chunks)) as feed, relaying(feed):
        await until(lambda: len(told()) == 3)
        await until(lambda: counted().get("told") == 3)
    assert told() == ["boat 1", "boat 2", script]
    assert (counted()["junk"], counted()["too_big"]) == (2, 2)


async def test_a_feed_that_closes_after_every_event_and_sends_junk_is_told_once_and_in_order() -> None:
    times = 6

    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD)
        if number == times:
            await asyncio.sleep(FOR_EVER)
        await write(b"data: {]\n\n" + frame(picture(imageURL="javascript:alert(1)")))
        await write(frame(picture(prompt="x" * 2 * MOST_BYTES)))
        await write(frame(picture(number, prompt=f"<script>alert({number})</script>"), id=f"5.{number}"))

    async with serving(script) as feed, relaying(feed, times=replace(QUICK, lease=10.0)):
        await until(lambda: len(feed.requests) == times + 1 and len(told()) == times)
        await until(lambda: counted().get("too_big") == times)
    assert told() == [f"<script>alert({number})</script>" for number in range(times)]
    assert [request.get("last-event-id") for request in feed.requests] == [None, *(f"5.{n}" for n in range(times))]
    assert (counted()["junk"], feed.most_open) == (2 * times, 1)


async def test_it_goes_on_after_the_last_event_it_was_given() -> None:
    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD + frame(picture(number), id=f"17.{number}"))

    async with serving(script) as feed, relaying(feed):
        await until(lambda: len(told()) >= 3)
    asked = [request.get("last-event-id") for request in feed.requests]
    assert asked[:3] == [None, "17.0", "17.1"]


async def test_the_next_leader_goes_on_where_the_last_one_was() -> None:
    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD + frame(picture(number), id=f"17.{number}"))
        await asyncio.sleep(FOR_EVER)

    async with serving(script) as feed:
        async with relaying(feed):
            await until(lambda: told() == ["boat 0"])
        async with relaying(feed):
            await until(lambda: told() == ["boat 0", "boat 1"])
    assert [request.get("last-event-id") for request in feed.requests] == [None, "17.0"]


async def test_silence_is_a_dead_connection_and_a_comment_is_none() -> None:
    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD)
        while number == 1:
            await asyncio.sleep(0.1)
            await write(b": still here\n\n")
        await asyncio.sleep(FOR_EVER)

    times = Times(**{**{n: getattr(QUICK, n) for n in Times.__slots__}, "idle": 0.4})
    async with serving(script) as feed, relaying(feed, times=times):
        await until(lambda: len(feed.requests) == 2)
        await asyncio.sleep(1)
        assert (len(feed.requests), feed.open) == (2, 1)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n",
        b"this is no HTTP\r\n\r\n",
        b"",
    ],
)
async def test_it_tries_again_whatever_answers_instead_of_a_feed(head: bytes) -> None:
    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(head if number == 0 else HEAD + frame(picture(1)))
        if number:
            await asyncio.sleep(FOR_EVER)

    async with serving(script) as feed, relaying(feed):
        await until(lambda: told() == ["boat 1"])
    assert len(feed.requests) == 2
    assert all(request[""].startswith("GET /feed") for request in feed.requests)


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(b"HTTP/1.1 503 Busy\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n")

    async with serving(script) as feed, relaying(feed):
        await until(lambda: feed.requests)
        await asyncio.sleep(0.5)
    assert len(feed.requests) == 1


def test_pauses_are_drawn_between_one_and_thirty_seconds_and_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: (shortest, longest))
    relay = Relay([])
    drawn = [relay._jitter(failures) for failures in (1, 2, 3, 4, 5, 10_000)]
    assert drawn == [(1, 2), (1, 4), (1, 8), (1, 16), (1, 30), (1, 30)]


# --- one leader -------------------------------------------------------------------------------------------------------


async def test_of_two_relays_one_follows_and_the_other_takes_over() -> None:
    async with serving(saying(*(frame(picture(n)) for n in range(3)))) as feed:
        async with relaying(feed) as first:
            await until(lambda: len(told()) == 3)
            async with relaying(feed) as second:
                await asyncio.sleep(0.5)
                assert (first.leads.is_set(), second.leads.is_set()) == (True, False)
                assert (len(feed.requests), feed.open) == (1, 1)
                first.stop()
                await until(second.leads.is_set)
                await until(lambda: len(feed.requests) == 2)
        await until(lambda: feed.open == 0)
    assert feed.most_open == 1
    assert told() == ["boat 0", "boat 1", "boat 2"]


async def test_of_four_relays_another_takes_over_from_a_leader_that_vanished_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The feed replays all its events on each connection; the leader leaves its lease behind, as a killed one does."""

    async def vanish(relay: Relay) -> None:
        pass

    said = [frame(picture(0)), frame(picture(1))]

    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD)
        sent = 0
        while True:
            await write(b"".join(said[sent:]) or b": quiet\n\n")
            sent = len(said)
            await asyncio.sleep(0.05)

    async with serving(script) as feed:
        relays = [Relay([Source("image", feed.url)], QUICK) for _ in range(4)]
        running = {relay: asyncio.create_task(relay.run()) for relay in relays}
        await until(lambda: len(told()) == 2)
        (leader,) = [relay for relay in relays if relay.leads.is_set()]
        with monkeypatch.context() as patched:
            patched.setattr(Relay, "_leave", vanish)
            running[leader].cancel()
            await asyncio.gather(running.pop(leader), return_exceptions=True)
        said.append(frame(picture(2)))
        await until(lambda: len(told()) == 3)
        assert [relay.leads.is_set() for relay in running].count(True) == 1
        for relay in running:
            relay.stop()
        await asyncio.gather(*running.values())
    assert len(feed.requests) >= 2
    assert feed.most_open == 1
    assert told() == ["boat 0", "boat 1", "boat 2"]


async def test_a_leader_that_lost_its_lease_writes_nothing_more() -> None:
    source = Source("image", "http://127.0.0.1/feed")
    event = remote.read(source, json.dumps(picture(1)))
    old, new = Lease(10), Lease(10)
    assert await old.take()
    assert not await new.take()
    assert await shelf.take_in(old.token, source, event, "") == "taken"
    redis.sync_client().delete(lease.key())
    assert await new.take()
    assert int(new.token.split(".")[0]) > int(old.token.split(".")[0])
    for attempt in (old.renew(), shelf.take_in(old.token, source, event, "9"), shelf.tell_due(old.token)):
        with pytest.raises(Fenced):
            await attempt
    assert told() == []
    await old.give_back()
    await new.renew()
    assert [new for _, new in await shelf.tell_due(new.token)] == [True]
    assert told() == ["boat 1"]
    assert await shelf.last_id(source) == ""


async def test_what_a_leader_told_but_could_not_note_is_not_told_again() -> None:
    source = Source("image", "http://127.0.0.1/feed")
    held = Lease(10)
    assert await held.take()
    await shelf.take_in(held.token, source, remote.read(source, json.dumps(picture(1))), "")
    client: Any = redis.sync_client()
    waiting = redis.key("feed", "relay", "waiting")
    entry = client.lindex(waiting, 0)
    await shelf.tell_due(held.token)
    client.rpush(waiting, entry)
    assert [new for _, new in await shelf.tell_due(held.token)] == [False]
    assert told() == ["boat 1"]
    assert client.llen(waiting) == 0


async def test_it_begins_again_when_redis_was_emptied() -> None:
    arrived = asyncio.Event()

    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD + frame(picture(number)))
        await arrived.wait()
        await write(frame(picture(100 + number)))
        await asyncio.sleep(FOR_EVER)

    async with serving(script) as feed, relaying(feed):
        await until(lambda: told() == ["boat 0"])
        client: Any = redis.sync_client()
        client.delete(*client.scan_iter(redis.key("feed", "*")))
        await until(lambda: len(feed.requests) == 2)
        arrived.set()
        await until(lambda: told() == ["boat 1", "boat 101"])


# --- the operator's delay and removal ---------------------------------------------------------------------------------


async def test_the_moderation_delay_holds_for_what_others_made(settings: Any) -> None:
    feeds = settings.DESIGN.feeds.model_copy(update={"delay": 0.6})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    async with serving(saying(frame(picture(1)), frame(picture(2)))) as feed, relaying(feed):
        await until(lambda: redis.sync_client().llen(redis.key("feed", "relay", "waiting")) == 2)
        began = time.monotonic()
        assert told() == []
        await until(lambda: len(told()) == 2)
        assert time.monotonic() - began > 0.4


async def test_what_was_withdrawn_while_it_waited_is_never_told(settings: Any, withdraw: Callable[[str], None]) -> None:
    feeds = settings.DESIGN.feeds.model_copy(update={"delay": 0.5})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    async with serving(saying(frame(picture(1)), frame(picture(2)))) as feed, relaying(feed):
        client: Any = redis.sync_client()
        await until(lambda: client.llen(redis.key("feed", "relay", "waiting")) == 2)
        waiting = client.lindex(redis.key("feed", "relay", "waiting"), 0)
        withdraw(json.loads(waiting.partition(b" ")[2])["public_id"])
        await until(lambda: told() == ["boat 2"])


async def test_too_many_that_wait_are_not_taken_in(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    feeds = settings.DESIGN.feeds.model_copy(update={"delay": 60})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    monkeypatch.setattr(shelf, "MOST_WAITING", 5)
    async with serving(saying(*(frame(picture(n)) for n in range(8)))) as feed, relaying(feed):
        await until(lambda: counted().get("full") == 3)
    assert redis.sync_client().llen(redis.key("feed", "relay", "waiting")) == 5


# --- figures ----------------------------------------------------------------------------------------------------------


async def test_what_it_counted_can_be_scraped() -> None:
    assert await tally.exposition() == b""
    async with serving(saying(frame(picture(1)), b"data: junk\n\n")) as feed, relaying(feed):
        await until(lambda: counted().get("junk") == 1)
    host = feed.url.split("/")[2]
    text = (await tally.exposition()).decode()
    assert f'pollweb_relay_items_total{{feed="{host}",kind="image",outcome="told"}} 1.0' in text
    assert f'pollweb_relay_connections_total{{feed="{host}",kind="image",outcome="opened"}} 1.0' in text


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_reader_finds_the_same_events_however_the_bytes_are_cut() -> None:
    good = b"id: 1\r\ndata: a\r\ndata: b\r\n\r\n: comment\n\nid: 2\rdata: c\r\rdata: \xe8\x88\xb9\n\n"
    data = good + b"data: " + b"x" * (MOST_BYTES + 1) + b"\n\nid: 3\ndata: d\n\n"
    draw = random.Random(7)
    for _ in range(50):
        reader, found, rest = Reader(""), [], data
        while rest:
            size = draw.choice((1, 2, 3, 1000, 30_000)) if len(rest) > 70_000 or len(rest) < 100 else 20_000
            found += [event and (event.id, event.data) for event in reader.read(rest[:size])]
            rest = rest[size:]
            assert len(reader._rest) <= MOST_BYTES
        assert found == [("1", "a\nb"), ("2", "c"), ("2", "船"), None, ("3", "d")]


# --- whole processes --------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _decided_by_the_file_alone(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The relay's threads look at the operator's decisions; here there is no database to look into."""
    monkeypatch.setattr(policy, "FRESH", 0.0)
    monkeypatch.setattr(policy, "read", lambda: policy.Decisions(delay=settings.DESIGN.feeds.delay))


@pytest.fixture
def relays(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """`manage.py relayfeed` as processes that share this test's part of Redis."""
    begun: list[subprocess.Popen[bytes]] = []
    command = [sys.executable, str(ROOT / "manage.py")]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    outer |= {
        "DJANGO_SETTINGS_MODULE": "pollweb.settings",
        "POLLWEB_HOME": str(tmp_path),
        "POLLWEB_REDIS_URL": configured.REDIS_URL,
        "POLLWEB_REDIS_PREFIX": configured.REDIS_PREFIX,
    }
    subprocess.run([*command, "migrate", "-v0"], env=outer, check=True)  # they ask what the operator decided

    def begin(url: str) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen([*command, "relayfeed", "--follow", url], env=outer, stderr=subprocess.DEVNULL))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.hold
async def test_when_the_leader_is_killed_another_takes_over_within_15_seconds_and_repeats_nothing(relays: Any) -> None:
    """Four processes; the feed replays its last events on each connection, as the guide's server does."""
    said: list[bytes] = []

    async def script(server: FeedServer, number: int, write: Any) -> None:
        await write(HEAD + b"".join(said[-20:]))
        sent = len(said)
        while True:
            await asyncio.sleep(0.05)
            await write(b"".join(said[sent:]) or b": quiet\n\n")
            sent = len(said)

    async def make() -> None:
        while True:
            said.append(frame(picture(len(said))))
            await asyncio.sleep(1)

    async with serving(script) as feed:
        making = asyncio.create_task(make())
        running = {process.pid: process for process in (relays(feed.url) for _ in range(4))}
        await until(lambda: len(told()) >= 3, 60)
        assert feed.most_open == 1
        leader = _leader(feed, running)
        killed = time.monotonic()
        running[leader].kill()
        await until(lambda: len(feed.requests) == 2, 15)
        print(f"takeover after {time.monotonic() - killed:.1f} s")
        await until(lambda: len(told()) >= len(said) - 1 and len(said) > 20, 30)
        making.cancel()
        await until(lambda: len(told()) == len(said))
    assert feed.most_open == 1
    assert told() == [f"boat {n}" for n in range(len(said))]


def _leader(feed: FeedServer, running: dict[int, Any]) -> int:
    """Whose process holds the upstream connection."""
    port = int(feed.url.split(":")[2].split("/")[0])
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].split(":")[1], 16) == port and fields[3] == "01":
            for pid in running:
                links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
                if f"socket:[{fields[9]}]" in links:
                    return pid
    raise AssertionError("nobody has the connection")


@pytest.mark.slow
async def test_a_minute_with_a_feed_that_closes_every_three_seconds_and_sends_junk() -> None:
    made = 0

    async def script(server: FeedServer, number: int, write: Any) -> None:
        nonlocal made
        await write(HEAD)
        for _ in range(3):
            made += 1
            await write(frame(picture(made), id=f"5.{made}"))
            await write(b"data: {]\n\n" + frame(picture(imageURL="javascript:alert(1)")))
            await write(frame(picture(prompt="x" * 5 * 2**20)))
        await asyncio.sleep(3)

    async with serving(script) as feed, relaying(feed, times=Times()):
        await asyncio.sleep(60)
        await until(lambda: len(told()) == made)
    assert told() == [f"boat {n + 1}" for n in range(made)]
    assert 3 <= len(feed.requests) <= 12
    assert all(request.get("last-event-id") == f"5.{3 * n}" for n, request in enumerate(feed.requests) if n)
    assert counted()["junk"] == 2 * made
    assert counted()["too_big"] == made


@pytest.mark.slow
def test_two_that_follow_each_other_tell_everything_once(tmp_path: Path, unused_tcp_ports: tuple[int, int]) -> None:
    first, second = unused_tcp_ports
    sites = []
    try:
        for port, other in ((first, second), (second, first)):
            home = tmp_path / str(port)
            home.mkdir()
            (home / "pollweb.toml").write_text("[tiers.anonymous]\ninterval = 0\n")
            sites.append(Site(home, "--port", str(port), "--follow", f"http://localhost:{other}"))
        for site in sites:
            site.ready()
            assert "relay" in site.run["pids"]
        for number, site in enumerate(sites):
            assert site.ask(f"/image/prompt/boat%20{number}?width=64&height=64").status == 200
        deadline = time.monotonic() + 60
        while any(len(_items(site)) < 2 for site in sites):
            assert time.monotonic() < deadline, [_items(site) for site in sites]
            time.sleep(0.2)
        time.sleep(8)  # long enough for something to come round again
        for number, (site, port) in enumerate(zip(sites, (second, first), strict=True)):
            items = _items(site)
            assert sorted(item["prompt"] for item in items) == ["boat 0", "boat 1"]
            theirs = next(item for item in items if item["prompt"] != f"boat {number}")
            assert (theirs["remote"], theirs["source"]) == (True, f"localhost:{port}")
            assert theirs["href"].startswith(f"http://localhost:{port}/p/")
            tile = f'href="{theirs["href"]}" rel="noopener nofollow" target="_blank"'
            assert site.ask("/live").body.decode().count(tile) == 1
            assert "pollweb_relay_items_total" in site.ask("/metrics").body.decode()
        assert [site.stop(signal.SIGTERM) for site in sites] == [0, 0]
    finally:
        for site in sites:
            end(site)


def _items(site: Site) -> list[dict[str, Any]]:
    return site.ask("/live/items.json").json()["items"]


@pytest.fixture
def unused_tcp_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


async def test_it_follows_while_that_is_wanted() -> None:
    wanted, stopping = [True], asyncio.Event()
    async with serving(saying(frame(picture(1)))) as feed:
        task = asyncio.ensure_future(following.follow([Source("image", feed.url)], lambda: wanted[0], stopping))
        await until(lambda: len(told()) == 1)
        wanted[0] = False
        await until(lambda: not feed.open)
        stopping.set()
        await asyncio.wait_for(task, 10)
