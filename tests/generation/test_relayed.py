"""Pictures of followed feeds, as small ones of our own."""

import asyncio
import io
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from PIL import Image

from feeds import hub, outbox
from feeds.events import FeedEvent
from feeds.models import Outbox
from feeds.relay import remote
from feeds.relay.sources import Source
from generation import label, relayed
from pollweb.lib.fetch import Fetched, FetchFailed, FetchRefused
from tests.fakes import jpeg
from tests.feeds.feedserver import picture
from tests.generation.api.conftest import client  # noqa: F401


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.POLLWEB_HOME = tmp_path
    monkeypatch.setattr(relayed, "_failed", type(relayed._failed)())
    monkeypatch.setattr(relayed, "_written", 0)
    return tmp_path / "relayed"


@pytest.fixture(autouse=True)
async def quiet() -> AsyncIterator[None]:
    yield
    await hub.stop()


class There:
    """The other installation: what it answers, and what it was asked for."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = jpeg(1600, 1200)
        self.asked: list[str] = []

    async def fetch(self, url: str, **limits: Any) -> Fetched:
        self.asked.append(url)
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        assert limits["allow"] == ("image/",)
        return Fetched(self.answer, "image/jpeg", url)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> There:
    there = There()
    monkeypatch.setattr(relayed, "fetch", there.fetch)
    return there


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tell(**said: Any) -> FeedEvent:
    made = remote.read(Source("image", "https://image.example.org/feed"), json.dumps(picture(**said)))
    outbox.append([Outbox(event_id=made.id, kind=made.kind, payload=made.as_dict())])
    return made


async def test_it_is_fetched_once_made_small_and_kept(there: There, client: AsyncClient, folder: Path) -> None:  # noqa: F811
    made = tell()
    several = await asyncio.gather(*[client.get(f"/media/{made.public_id}/relayed") for _ in range(3)])
    again = await client.get(f"/media/{made.public_id}/relayed")
    for answer in (*several, again):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.content)).size == (640, 480)
    assert there.asked == [made.image_url]
    assert kept(folder) == [made.public_id]


async def test_it_gets_the_operators_label_from_the_day_it_is_wanted(
    there: There,
    client: AsyncClient,  # noqa: F811
    settings: Any,
) -> None:
    made = tell()
    bare = await client.get(f"/media/{made.public_id}/relayed")
    marking = settings.DESIGN.marking.model_copy(update={"label": "AI"})
    settings.DESIGN = settings.DESIGN.model_copy(update={"marking": marking})
    labelled = await client.get(f"/media/{made.public_id}/relayed")
    place = label.box("AI", (640, 480))
    darkest = [
        Image.open(io.BytesIO(answer.content)).convert("L").crop(place).getextrema()[0] for answer in (bare, labelled)
    ]
    assert darkest[0] > 100
    assert darkest[1] < 40


@pytest.mark.parametrize("answer", [FetchRefused(), FetchFailed("gone"), b"<svg onload=alert(1)>", b""])
async def test_what_is_no_picture_is_none_and_not_asked_for_again(
    there: There,
    client: AsyncClient,  # noqa: F811
    answer: bytes | Exception,
) -> None:
    there.answer = answer
    made = tell()
    for _ in range(2):
        assert (await client.get(f"/media/{made.public_id}/relayed")).status_code == 404
    assert len(there.asked) == 1


async def test_only_what_is_in_our_feed_is_fetched(there: There, client: AsyncClient, settings: Any) -> None:  # noqa: F811
    unknown = remote.read(Source("image", "https://image.example.org/feed"), json.dumps(picture()))
    withdrawn, mature = tell(seed=7), tell(seed=8, nsfw=True)
    outbox.append([Outbox(event_id=unknown.id, kind="remove", payload={"public_id": withdrawn.public_id})])
    for made in (unknown, withdrawn, mature):
        assert (await client.get(f"/media/{made.public_id}/relayed")).status_code == 404
    shown = tell(seed=9)
    feeds = settings.DESIGN.feeds.model_copy(update={"pictures": "direct"})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    assert (await client.get(f"/media/{shown.public_id}/relayed")).status_code == 404
    assert there.asked == []


async def test_when_too_many_wait_there_is_none(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relayed, "MOST_WAITING", 0)
    assert await relayed.thumbnail("a" * 22, "https://image.example.org/a") is None
    assert there.asked == []


async def test_old_ones_and_the_oldest_of_too_many_are_removed(
    there: There, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relayed, "MOST_KEPT", 2)
    for name in ("old", "first", "second", "third"):
        assert await relayed.thumbnail(name, f"https://image.example.org/{name}")
    now = time.time()
    for age, name in enumerate(("third", "second", "first")):
        os.utime(folder / name, (now - age, now - age))
    os.utime(folder / "old", (now - 90_000, now - 90_000))
    relayed.trim()
    assert kept(folder) == ["second", "third"]
    assert await relayed.thumbnail("old", "https://image.example.org/old")
    assert len(there.asked) == 5
