"""What is new, for feed readers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncRequestFactory

from feeds import jsonfeed, stream
from pollweb.lib.errors import MethodNotAllowed, Unavailable
from tests.feeds.conftest import event

pytestmark = pytest.mark.usefixtures("ears")

ask = AsyncRequestFactory()


async def read(query: str = "") -> dict[str, Any]:
    response = await jsonfeed.feed(ask.get(f"/feed.json{query}"))
    assert response["Content-Type"] == "application/feed+json"
    found: dict[str, Any] = json.loads(response.content)
    return found


async def test_it_tells_the_newest_first_with_what_a_reader_needs(tell: Callable) -> None:
    picture, answer, sound = tell(event(made_by="alice"), event("text"), event("audio"))
    feed = await read()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert [item["url"].rpartition("/")[2] for item in feed["items"]] == [
        each.public_id for each in (sound, answer, picture)
    ]
    heard, said, seen = feed["items"]
    assert heard["attachments"][0]["url"].endswith("/media/ef.mp3")
    assert (said["title"], said["content_text"]) == ("What is the capital of France?", "Paris.")
    assert seen["image"].startswith("http")
    assert (seen["authors"], seen["tags"]) == ([{"name": "alice"}], ["image", "flux"])
    assert len({item["id"] for item in feed["items"]}) == 3


async def test_it_holds_neither_what_is_mature_nor_what_was_withdrawn(tell: Callable, withdraw: Callable) -> None:
    _, gone, _ = tell(event(is_mature=True), event(), event("text"))
    withdraw(gone.public_id)
    assert [item["tags"][0] for item in (await read())["items"]] == ["text"]


async def test_it_is_narrowed_as_the_wall_is(tell: Callable) -> None:
    tell(event(), event("text"), event(prompt="a cat"))
    assert len((await read("?kinds=image"))["items"]) == 2
    assert [item["title"] for item in (await read("?words=Cat"))["items"]] == ["a cat"]


async def test_it_says_when_the_feed_is_away(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(stream, "JOIN", 0.02)
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    with pytest.raises(Unavailable):
        await read()
    with pytest.raises(MethodNotAllowed):
        await jsonfeed.feed(ask.post("/feed.json"))
