"""A hub that is stopped after each test, and events to tell."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from feeds import hub, outbox, policy
from feeds.events import FeedEvent
from feeds.models import Outbox
from pollweb.lib import db, ids, redis


def event(kind: str = "image", **values: Any) -> FeedEvent:
    """An event of this kind, complete enough for each door."""
    public_id = values.pop("public_id", None) or ids.public_id()
    usual: dict[str, Any] = {
        "image": {
            "prompt": "three red boats",
            "model": "flux",
            "width": 1024,
            "height": 768,
            "seed": 42,
            "image_url": "http://localhost:8000/image/prompt/three%20red%20boats?seed=42",
            "src": "/media/ab/cd.jpg",
        },
        "text": {
            "prompt": "What is the capital of France?",
            "response": "Paris.",
            "model": "openai",
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
        },
        "audio": {"prompt": "Hello world", "model": "openai-audio", "src": "/media/ef.mp3", "duration": 1.5},
    }[kind]
    return FeedEvent(id=str(ids.uuid7()), public_id=public_id, kind=kind, **{**usual, **values})


@pytest.fixture
def tell() -> Callable[..., list[FeedEvent]]:
    """Put events into the stream at once, without a database."""

    def tell(*events: FeedEvent) -> list[FeedEvent]:
        outbox.append([Outbox(event_id=each.id, kind=each.kind, payload=each.as_dict()) for each in events])
        return list(events)

    return tell


@pytest.fixture
def withdraw() -> Callable[[str], None]:
    def withdraw(public_id: str) -> None:
        outbox.append([Outbox(event_id=ids.uuid7(), kind="remove", payload={"public_id": public_id})])

    return withdraw


@pytest.fixture(autouse=True)
def _redis_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_redis_away", False)


@pytest.fixture(autouse=True)
def _nothing_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test decides holds in no other."""
    monkeypatch.setattr(policy, "_known", None)


@pytest.fixture
async def ears(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """What a test's event loop has opened is closed with it, and nobody waits for goodbyes."""
    monkeypatch.setattr(hub, "FAREWELL", 0.0)
    yield
    await hub.stop()
    await redis.close()
    db.shutdown()
