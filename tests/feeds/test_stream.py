"""The guide's two feeds and the wall's events, byte for byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
import sseclient
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory

from feeds import hub, stream
from pollweb.lib import sse
from pollweb.lib.errors import MethodNotAllowed, Unavailable
from tests.feeds.conftest import event

pytestmark = pytest.mark.usefixtures("ears")

ask = AsyncRequestFactory()


class Listener:
    """Reads the chunks of a streaming answer, and hangs up at the end."""

    def __init__(self, response: Any) -> None:
        assert isinstance(response, StreamingHttpResponse)
        self.chunks: AsyncIterator[bytes] = aiter(response.streaming_content)  # type: ignore[arg-type]

    async def __aenter__(self) -> "Listener":
        assert (await self.next()).startswith((sse.HEARTBEAT, b"retry: 3000"))
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.chunks.aclose()  # type: ignore[attr-defined]

    async def next(self) -> bytes:
        async with asyncio.timeout(5):
            return await anext(self.chunks)

    async def seated(self, seats: int = 1) -> None:
        """Ask for the next chunk in the background until the hub knows this listener."""
        self.waiting = asyncio.ensure_future(self.next())
        while sum(map(len, hub.current()._audiences.values())) < seats:
            await asyncio.sleep(0)


async def test_a_picture_is_one_bare_data_line(tell: Callable) -> None:
    (one,) = tell(event())
    response = await stream.image_feed(ask.get("/feed"))
    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-cache"
    assert response["Connection"] == "keep-alive"
    async with Listener(response) as listener:
        assert await listener.next() == b"data: " + orjson.dumps(one.image_frame()) + b"\n\n"


async def test_an_answer_is_told_live_and_nothing_of_the_past(tell: Callable) -> None:
    tell(event("text"))
    response = await stream.text_feed(ask.get("/feed"))
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    async with Listener(response) as listener:
        await listener.seated()
        tell(event("audio"), event())
        (live,) = tell(event("text", response="一\r\n二"))
        assert await listener.waiting == b"data: " + orjson.dumps(live.text_frame()) + b"\n\n"


@pytest.mark.parametrize(
    ("asked", "told"),
    [("", 20), ("past_results=3", 3), ("past_results=0", 20), ("past_results=many", 20), ("past_results=9999", 100)],
)
async def test_the_past_is_as_long_as_asked_for(asked: str, told: int, tell: Callable) -> None:
    events = tell(*[event() for _ in range(120)])
    async with Listener(await stream.image_feed(ask.get(f"/feed?{asked}"))) as listener:
        heard = b""
        while heard.count(b"\n\n") < told:
            heard += await listener.next()
        assert heard.count(b"data: ") == told
        assert heard.endswith(orjson.dumps(events[-1].image_frame()) + b"\n\n")


async def test_a_client_that_resumes_hears_what_it_missed_with_ids(tell: Callable) -> None:
    events = tell(*[event() for _ in range(3)])
    await hub.current().join(stream.frames.WALL, stream.wall_wants("", ""))
    epoch = hub.current().head.partition(".")[0]
    for request in (
        ask.get("/feed", headers={"Last-Event-ID": f"{epoch}.2"}),
        ask.get(f"/feed?last_event_id={epoch}.2"),
    ):
        async with Listener(await stream.image_feed(request)) as listener:
            line = orjson.dumps(events[2].image_frame())
            assert await listener.next() == f"id: {epoch}.3\n".encode() + b"data: " + line + b"\n\n"


async def test_who_resumes_from_nowhere_gets_the_past_and_ids(tell: Callable) -> None:
    tell(event(), event())
    async with Listener(await stream.image_feed(ask.get("/feed?last_event_id="))) as listener:
        past = await listener.next()
    assert past.count(b"id: ") == past.count(b"data: ") == 2


async def test_mature_pictures_need_the_password_and_there_is_none_by_default(tell: Callable, settings: Any) -> None:
    tell(event(is_mature=True), event())

    async def heard(query: str) -> int:
        async with Listener(await stream.image_feed(ask.get(f"/feed?{query}"))) as listener:
            return (await listener.next()).count(b"data: ")

    settings.FEED_PASSWORD = ""
    assert await heard("password=") == 1
    settings.FEED_PASSWORD = "open sesame"
    assert await heard("password=open+barley") == 1
    assert await heard("password=%E2%9C%93") == 1
    assert await heard("password=open+sesame") == 2


async def test_head_answers_headers_only_and_other_methods_not_at_all() -> None:
    response = await stream.text_feed(ask.head("/feed"))
    assert not response.streaming
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    with pytest.raises(MethodNotAllowed):
        await stream.image_feed(ask.post("/feed"))


async def test_one_address_holds_a_bounded_number_of_streams(settings: Any) -> None:
    def ask_from(address: str) -> Any:
        request = ask.get("/feed")
        request.META["REMOTE_ADDR"] = address
        return request

    def far() -> Any:
        return ask_from("203.0.113.9")

    most = settings.DESIGN.limits.streams_per_address
    held = [await stream.text_feed(far()) for _ in range(most)]
    with pytest.raises(stream.TooManyStreams):
        await stream.text_feed(far())
    async with Listener(held.pop()):
        with pytest.raises(stream.TooManyStreams):
            await stream.text_feed(far())
    async with Listener(await stream.text_feed(far())):  # the place of one that was listened to
        pass
    del held[0]
    async with Listener(await stream.text_feed(far())):  # the place of one that nobody ever listened to
        pass
    async with Listener(await stream.text_feed(ask_from("127.0.0.1"))):
        pass
    del held
    assert not stream.visitors._here


async def test_a_client_that_leaves_gives_its_seat_back(tell: Callable) -> None:
    response = await stream.image_feed(ask.get("/feed"))
    listener = Listener(response)
    async with listener:
        await listener.seated()
        listener.waiting.cancel()
        await asyncio.wait([listener.waiting])
    assert hub.current()._audiences == {}


async def test_a_quiet_feed_sends_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.hub.TICK", 0.01)
    monkeypatch.setattr(stream, "HEARTBEAT", 0.02)
    async with Listener(await stream.text_feed(ask.get("/feed"))) as listener:
        assert await listener.next() == sse.HEARTBEAT
        assert await listener.next() == sse.HEARTBEAT


async def test_comments_come_while_redis_is_away(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tell: Callable
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.02)
    good = settings.REDIS_URL
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    tell_later = event()
    async with Listener(await stream.image_feed(ask.get("/feed"))) as listener:
        assert await listener.next() == sse.HEARTBEAT
        settings.REDIS_URL = good
        tell(tell_later)
        heard = b""
        while b"data: " not in heard:
            heard = await listener.next()
        assert tell_later.image_url.encode() in heard


async def test_the_guides_samples_read_both_feeds(tell: Callable) -> None:
    """As the guide has it: sseclient over the answer's bytes, `json.loads(event.data)`, then these very keys."""
    tell(event(prompt="一张文艺复兴画风的容光焕发的脸"))
    tell(event("text", messages=[{"role": "user", "content": "樱花粉这个颜色代表什么?"}]))
    async with Listener(await stream.image_feed(ask.get("/feed"))) as listener:
        picture_bytes = [sse.HEARTBEAT, await listener.next()]
    async with Listener(await stream.text_feed(ask.get("/feed?past_results=1"))) as listener:
        answer_bytes = [sse.HEARTBEAT, await listener.next()]

    class Answer:
        def __init__(self, chunks: list[bytes]) -> None:
            self.chunks = chunks

        def __iter__(self) -> Any:
            return iter(self.chunks)

        def close(self) -> None: ...

    (picture,) = [json.loads(each.data) for each in sseclient.SSEClient(Answer(picture_bytes)).events() if each.data]
    assert picture.get("prompt") == "一张文艺复兴画风的容光焕发的脸"
    assert picture.get("imageURL").startswith("http://localhost:8000/image/prompt/")
    assert (picture.get("model"), picture.get("seed")) == ("flux", 42)
    (answer,) = [json.loads(each.data) for each in sseclient.SSEClient(Answer(answer_bytes)).events() if each.data]
    prompts = [said["content"] for said in answer["messages"] if said.get("role") == "user" and said.get("content")]
    assert prompts == ["樱花粉这个颜色代表什么?"]
    assert (answer.get("model"), answer.get("response")) == ("openai", "Paris.")


async def test_the_walls_events_are_the_frames_of_its_socket(tell: Callable, withdraw: Callable) -> None:
    old, _ = tell(event(), event("text"))
    async with Listener(await stream.wall_events(ask.get("/live/events?kinds=image"))) as listener:
        head, line = (await listener.next()).split(b"\n")[:2]
        assert head.startswith(b"id: ")
        hello = json.loads(line.removeprefix(b"data: "))
        assert (hello["t"], hello["rate"]) == ("hello", 2)
        assert [item["href"] for item in hello["items"]] == [f"/p/{old.public_id}"]
        await listener.seated()
        withdraw(old.public_id)
        _, line = (await listener.waiting).split(b"\n")[:2]
        assert json.loads(line.removeprefix(b"data: "))["t"] == "remove"


async def test_polling_while_redis_is_away_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(stream, "JOIN", 0.02)
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    with pytest.raises(Unavailable):
        await stream.wall_items(ask.get("/live/items.json"))


async def test_a_stream_ends_when_the_process_ends(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    async with Listener(await stream.image_feed(ask.get("/feed"))) as listener:
        waiting = asyncio.ensure_future(listener.next())
        await asyncio.sleep(0)
        await hub.stop()
        with pytest.raises(StopAsyncIteration):
            await waiting


async def test_the_wall_can_be_polled(tell: Callable, withdraw: Callable) -> None:
    old, _ = tell(event(), event("audio"))

    async def poll(query: str) -> dict[str, Any]:
        response: Any = await stream.wall_items(ask.get(f"/live/items.json?{query}"))
        return json.loads(response.content)

    first = await poll("")
    assert [item["kind"] for item in first["items"]] == ["image", "audio"]
    assert (await poll(f"after={first['last']}"))["items"] == []
    withdraw(old.public_id)
    (new,) = tell(event("text"))
    async with asyncio.timeout(5):
        while hub.current()._ring.at[1] < 4:
            await hub.current()._moved.wait()
    second = await poll(f"after={first['last']}")
    assert [item["href"] for item in second["items"]] == [f"/p/{new.public_id}"]
    assert second["removed"] == [first["items"][0]["id"]]
    assert (await poll("after=1.1"))["items"] == []
    assert hub.current()._audiences == {}
