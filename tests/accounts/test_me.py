"""`/ws/me`: what the open pages of somebody who is signed in hear."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest
from django.test import Client

from pollweb.accounts import audit, consumers, hints
from pollweb.accounts.models import Membership
from pollweb.accounts.routing import websocket_urlpatterns
from pollweb.lib import redis
from pollweb.sockets import Sockets
from tests.accounts.conftest import Cast, call_the_cast
from tests.sockets import PATIENCE, Socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def team(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cast]:
    hints.forget()
    monkeypatch.setattr(hints, "SETTLE", 0.01)
    monkeypatch.setattr(hints, "APART", 0.0)
    consumers._open.clear()
    yield await sync_to_async(call_the_cast)()
    await redis.close()


@pytest.fixture
async def open_socket() -> AsyncIterator[Callable[..., Any]]:
    opened: list[Socket] = []

    async def open_one(client: Client | None = None, origin: str = "http://testserver") -> Socket:
        cookie = client.cookies.output(header="", sep=";").strip().split(";")[0] if client else ""
        headers = [(b"host", b"testserver"), (b"origin", origin.encode()), (b"cookie", cookie.encode())]
        me = Socket(Sockets(websocket_urlpatterns), "/ws/me", headers=headers)
        me.allowed = (await me.connect(PATIENCE))[0]  # type: ignore[attr-defined]
        opened.append(me)
        return me

    yield open_one
    for me in opened:
        await me.disconnect()


@sync_to_async
def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


async def listening() -> None:
    """Until this process hears what is told of no team. Redis may know a listener of the test before."""
    probe = hints.Seat("", {0})
    hints.hub.sit(probe)
    async with asyncio.timeout(20):
        while not probe.take():
            await redis.client().publish(redis.key("hints"), "team:0 now")
            await asyncio.sleep(0.01)
    hints.hub.leave(probe)


async def test_it_hears_of_its_own_teams_and_of_no_other(team: Cast, open_socket: Any):
    me = await open_socket(await signed_in(team.bob))
    await listening()
    await sync_to_async(hints.tell)(team.wasps.pk, "request")
    await sync_to_async(hints.tell)(team.bees.pk, "request", "now")
    heard = await me.hear()
    assert (heard["t"], heard["team"]) == ("hint", "bees")
    assert set(heard["on"]) <= {"now", "request"}
    await sync_to_async(audit.record)("token.created", team=team.bees, actor=team.bob)
    while "team" not in heard["on"]:
        heard = await me.hear()
        assert heard["team"] == "bees"


async def test_nothing_is_told_of_what_was_taken_back(team: Cast, open_socket: Any):
    me = await open_socket(await signed_in(team.bob))
    await listening()

    @sync_to_async
    def fail() -> None:
        with transaction.atomic():
            audit.record("token.created", team=team.bees, actor=team.bob)
            transaction.set_rollback(True)

    await fail()
    await sync_to_async(hints.tell)(team.bees.pk, "result")
    assert (await me.hear())["on"] == ["result"]


async def test_it_ends_when_the_person_signs_out(team: Cast, open_socket: Any):
    client = await signed_in(team.bob)
    me, other = await open_socket(client), await open_socket(await signed_in(team.bob))
    await listening()

    @sync_to_async
    def sign_out() -> None:
        request = HttpRequest()
        request.session = client.session
        request.user = team.bob
        logout(request)

    await sign_out()
    assert await me.closed_with() == consumers.SIGNED_OUT
    await sync_to_async(hints.tell)(team.bees.pk, "now")  # another session of theirs goes on
    assert (await other.hear())["on"] == ["now"]


async def test_whoever_is_not_signed_in_is_told_so(team: Cast, open_socket: Any):
    assert await (await open_socket()).closed_with() == consumers.SIGNED_OUT
    stranger = Client()
    stranger.cookies["sessionid"] = "x" * 32
    assert await (await open_socket(stranger)).closed_with() == consumers.SIGNED_OUT


async def test_a_page_of_another_site_opens_none(team: Cast, open_socket: Any):
    assert not (await open_socket(await signed_in(team.bob), origin="https://evil.example")).allowed


async def test_who_left_the_team_hears_no_more_of_it(team: Cast, open_socket: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(consumers, "CHECK", 0.0)
    monkeypatch.setattr(consumers, "PING", 0.2)
    me = await open_socket(await signed_in(team.bob))
    await listening()
    await sync_to_async(Membership.objects.filter(user=team.bob, team=team.bees).delete)()
    await sync_to_async(hints.tell)(team.bees.pk, "request")
    assert [(await me.hear())["t"] for _ in range(consumers.UNANSWERED)] == ["ping"] * consumers.UNANSWERED
    assert await me.closed_with() == consumers.SLOW


async def test_a_tab_that_answers_nothing_is_given_up(team: Cast, open_socket: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(consumers, "PING", 0.02)
    assert await (await open_socket(await signed_in(team.bob))).closed_with() == consumers.SLOW


@pytest.mark.parametrize("said", ['{"t":"sub"}', "x", "{" * 100])
async def test_it_listens_to_a_pong_and_to_nothing_else(team: Cast, open_socket: Any, said: str):
    me = await open_socket(await signed_in(team.bob))
    await me.send_to('{"t":"pong"}')
    await me.send_to(said)
    assert await me.closed_with() == consumers.REFUSED


async def test_nobody_has_more_than_their_number_of_them(team: Cast, open_socket: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(consumers, "MOST_OF_PERSON", 2)
    client = await signed_in(team.bob)
    first, _ = await open_socket(client), await open_socket(client)
    assert await (await open_socket(client)).closed_with() == consumers.BUSY
    await first.disconnect()
    await (await open_socket(client)).receive_nothing(0.05)


async def test_without_redis_it_stays_open_and_what_is_told_is_no_error(team: Cast, open_socket: Any, settings: Any):
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    me = await open_socket(await signed_in(team.bob))
    await sync_to_async(hints.tell)(team.bees.pk, "request")
    assert await me.receive_nothing(0.1)


async def test_a_server_that_ends_says_so(team: Cast, open_socket: Any):
    me = await open_socket(await signed_in(team.bob))
    await listening()
    await hints.close()
    assert await me.closed_with() == consumers.RESTART


def test_the_same_hint_is_told_once_in_a_moment(team: Cast, monkeypatch: pytest.MonkeyPatch):
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(hints, "APART", 60.0)
    monkeypatch.setattr(hints, "_publish", lambda *words: told.append(words))
    hints.tell(7, "now", "request")
    hints.tell(7, "now", "result")
    hints.tell(7, "now")
    hints.tell(None, "now")
    assert told == [("team:7", "now", "request"), ("team:7", "result")]
