"""The feeds are still told as in tests/wire/pollweb, which clients of ours are tested against."""

from collections.abc import Callable

import pytest
from django.test import AsyncRequestFactory

from feeds import hub, stream
from tests import recordings
from tests.feeds.conftest import event
from tests.feeds.test_stream import Listener

pytestmark = pytest.mark.usefixtures("ears")

ask = AsyncRequestFactory()
ADDRESS = "http://localhost:8000/image/prompt/"


@pytest.mark.parametrize(("kind", "feed"), [("image", stream.image_feed), ("text", stream.text_feed)])
async def test_a_feed_that_is_resumed_is_as_recorded(kind: str, feed: Callable, tell: Callable) -> None:
    if kind == "image":
        given = [{"prompt": name, "image_url": ADDRESS + name} for name in ("one", "two", "three")]
    else:
        given = [{"response": name} for name in ("one", "two", "three")]
    tell(*[event(kind, **values) for values in given])
    await hub.current().join(stream.frames.WALL, stream.wall_wants("", ""))
    epoch = hub.current().head.partition(".")[0]
    for name, query in (("", "last_event_id="), ("_resumed", f"last_event_id={epoch}.2")):
        response = await feed(ask.get(f"/feed?past_results=20&{query}"))
        async with Listener(response) as listener:
            body = await listener.next()
        recordings.compare(f"feed_{kind}{name}", 200, {"content-type": response["Content-Type"]}, body)
