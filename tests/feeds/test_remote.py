"""What strangers say, and what becomes of it."""

import json
from typing import Any

import pytest

from feeds.relay import remote, sources
from feeds.relay.remote import Junk, Ours, Private
from feeds.relay.sources import Source
from tests.feeds.conftest import event
from tests.feeds.feedserver import picture

IMAGES = Source("image", "https://image.example.org/feed")
TEXTS = Source("text", "https://text.example.org/feed")
ANSWER = {"response": "Paris.", "model": "openai", "messages": [{"role": "user", "content": "Capital of France?"}]}


def read(source: Source, said: Any) -> Any:
    return remote.read(source, json.dumps(said))


def test_a_picture_is_told_as_a_link_with_its_source() -> None:
    made = read(IMAGES, picture(7, enhance=True))
    assert (made.kind, made.prompt, made.model, made.seed, made.width) == ("image", "boat 7", "flux", 7, 1024)
    assert made.href == made.image_url == "https://image.example.org/prompt/boats?seed=42"
    assert (made.remote, made.source, made.src, made.srcset) == (True, "image.example.org", "", "")
    assert made.parameters["enhance"] is True
    item = made.wall_item("1.1", 0)
    assert (item["remote"], item["source"], item["src"], item["href"]) == (
        True,
        made.source,
        f"/media/{made.public_id}/relayed",
        made.href,
    )


def test_an_answer_is_read_in_both_of_its_published_shapes() -> None:
    parameters = {"messages": ANSWER["messages"], "model": "openai", "isPrivate": False}
    for said in (ANSWER, {"response": "Paris.", "parameters": parameters}):
        made = read(TEXTS, said)
        assert (made.response, made.model, made.prompt) == ("Paris.", "openai", "Capital of France?")
        assert made.href == "https://text.example.org/"
        assert made.remote


def test_of_messages_only_the_words_are_told() -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:secret"}}]
    made = read(TEXTS, {**ANSWER, "messages": [{"role": "user", "content": parts}]})
    assert made.messages == [{"role": "user", "content": "What is this? [image]"}]


@pytest.mark.parametrize(
    "said",
    [
        "no JSON",
        "[]",
        "null",
        "{}",
        "{" * 1000,
        json.dumps(picture(status="start_generating")),
        json.dumps(picture(width="wide")),
        json.dumps(picture(width=-1)),
        json.dumps(picture(seed=2**70)),
        json.dumps(picture(prompt=None)),
        json.dumps(picture(prompt=["a", "b"])),
        json.dumps(picture(model="m" * 101)),
        json.dumps(picture(origin="not an origin")),
    ],
)
def test_what_has_another_shape_is_junk(said: str) -> None:
    with pytest.raises(Junk):
        remote.read(IMAGES, said)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//image.example.org/a",
        "/p/a",
        "file:///etc/passwd",
        "https://user:secret@image.example.org/",
        "https://image.example.org/a b",
        "https://image.example.org/a\nb",
        "java\tscript:alert(1)",
        "https://[::1",
        "https://",
        "http://localhost:8000/",
        "http://127.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://router.local/reboot",
        "http://intranet/",
        "https://image.example.org/" + "a" * 2048,
    ],
)
def test_an_address_that_nobody_should_follow_is_junk(address: str) -> None:
    with pytest.raises(Junk):
        read(IMAGES, picture(imageURL=address))
    with pytest.raises(Junk):
        read(IMAGES, picture(url=address))
    with pytest.raises(Junk):
        read(TEXTS, {**ANSWER, "url": address})


def test_a_feed_from_inside_may_lead_inside() -> None:
    inside = Source("image", "http://10.1.2.3:8000/image/feed")
    assert read(inside, picture(imageURL="http://localhost:8000/a")).href == "http://localhost:8000/a"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (IMAGES, picture(private=True)),
        (IMAGES, picture(isChild=True)),
        (IMAGES, picture(maturity={"isChild": True})),
        (TEXTS, {**ANSWER, "isPrivate": True}),
        (TEXTS, {"response": "Paris.", "parameters": {"model": "openai", "isPrivate": True}}),
    ],
)
def test_what_is_private_there_is_not_told_here(source: Source, said: Any) -> None:
    with pytest.raises(Private):
        read(source, said)


@pytest.mark.parametrize("flags", [{"nsfw": True}, {"isMature": True}, {"maturity": {"nsfw": True}}])
def test_what_is_mature_there_is_mature_here(flags: Any) -> None:
    assert read(IMAGES, picture(**flags)).is_mature


def test_control_characters_and_turned_directions_are_taken_out_of_texts() -> None:
    made = read(IMAGES, picture(prompt="a\x00b\x1b[31mc\u202egpj\u2066\x85\r\nd\te"))
    assert made.prompt == "ab[31mcgpj\nd\te"


def test_markup_stays_text() -> None:
    made = read(IMAGES, picture(prompt="<script>alert(1)</script>"))
    assert made.prompt == "<script>alert(1)</script>"


def test_what_we_made_is_known_when_it_comes_back() -> None:
    with pytest.raises(Ours):
        read(IMAGES, event().image_frame())
    with pytest.raises(Ours):
        read(TEXTS, event("text").text_frame())


def test_another_pollwebs_item_keeps_its_name_wherever_it_goes(settings: Any) -> None:
    settings.SECRET_KEY = "theirs"
    theirs = event(image_url="https://wall.example.org/image/prompt/a")
    told = theirs.image_frame() | {"url": f"https://wall.example.org/p/{theirs.public_id}"}
    settings.SECRET_KEY = "ours"
    first = read(IMAGES, told)
    assert first.href == f"https://wall.example.org/p/{theirs.public_id}"
    settings.SECRET_KEY = "a third one's"
    second = read(Source("image", "https://other.example.net/image/feed"), first.image_frame())
    assert (second.id, second.origin, second.href) == (first.id, first.origin, first.href)
    assert second.source == "other.example.net"
    settings.SECRET_KEY = "theirs"
    with pytest.raises(Ours):
        read(IMAGES, second.image_frame())


def test_two_that_follow_the_same_feed_give_an_item_the_same_name() -> None:
    made = read(IMAGES, picture(1))
    again = read(IMAGES, picture(1, concurrentRequests=9, timingInfo=[]))
    assert made.id == again.id
    assert made.id != read(IMAGES, picture(2)).id
    assert len(made.public_id) == 22


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://image.pollinations.ai/feed", ["image https://image.pollinations.ai/feed"]),
        ("https://text.pollinations.ai/feed/", ["text https://text.pollinations.ai/feed/"]),
        ("http://localhost:8123/text/feed", ["text http://localhost:8123/text/feed"]),
        (
            "https://wall.example.org/",
            ["image https://wall.example.org/image/feed", "text https://wall.example.org/text/feed"],
        ),
    ],
)
def test_an_address_to_follow_is_a_feed_or_a_site(url: str, found: list[str]) -> None:
    assert [f"{source.kind} {source.url}" for source in sources.follow(url)] == found


@pytest.mark.parametrize("url", ["", "feed", "ftp://a.example/feed", "https://a:b@c.example/feed", "http://a:port/"])
def test_other_addresses_are_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="is no feed's address"):
        sources.follow(url)


def test_the_operators_feeds_are_followed_only_when_he_says_so(settings: Any) -> None:
    assert sources.chosen() == []
    feeds = settings.DESIGN.feeds.model_copy(update={"follow": True})
    settings.DESIGN = settings.DESIGN.model_copy(update={"feeds": feeds})
    hosts = [source.host for source in sources.chosen(["https://image.pollinations.ai/feed"])]
    assert hosts == ["image.pollinations.ai", "text.pollinations.ai"]
