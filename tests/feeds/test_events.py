"""What an event holds, and the words of each door."""

import math

import orjson

from feeds.events import FeedEvent, installation
from tests.feeds.conftest import event


def test_it_survives_being_written_and_read() -> None:
    before = event(parameters={"nologo": True}, timing=[{"step": "Image returned", "timestamp": 812}], is_mature=True)
    assert FeedEvent.from_json(before.to_json()) == before
    assert FeedEvent.from_dict(before.as_dict()) == before


def test_it_reads_what_a_newer_version_wrote() -> None:
    before = event()
    assert FeedEvent.from_dict({**before.as_dict(), "mood": "calm"}) == before


def test_the_image_frame_begins_with_the_six_fields_of_the_guide() -> None:
    frame = event(parameters={"nologo": True, "token": "secret", "ip": "203.0.113.9"}).image_frame()
    assert orjson.dumps(frame).startswith(
        b'{"width":1024,"height":768,"seed":42,"model":"flux",'
        b'"imageURL":"http://localhost:8000/image/prompt/three%20red%20boats?seed=42","prompt":"three red boats",'
        b'"status":"end_generating"'
    )
    assert frame["nologo"] is True
    assert frame["isChild"] is frame["nsfw"] is frame["private"] is False
    assert "secret" not in str(frame)
    assert "203.0.113.9" not in str(frame)


def test_the_text_frame_has_the_guides_fields_and_the_parameters_beside_them() -> None:
    frame = event("text", parameters={"temperature": 0.5, "token": "secret"}, referrer="example.org").text_frame()
    assert list(frame)[:3] == ["response", "model", "messages"]
    assert frame["parameters"]["messages"] == frame["messages"]
    assert frame["parameters"]["temperature"] == 0.5
    assert frame["parameters"]["isPrivate"] is False
    assert frame["referrer"] == "example.org"
    assert "secret" not in str(frame)


def test_messages_are_what_user_and_assistant_said_and_32_kib_at_most() -> None:
    said = [
        {"role": "system", "content": "You are the operator's persona."},
        {"role": "user", "content": "é" * 20_000},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "12 degrees"},
        {"role": "assistant", "content": "Yes."},
    ]
    kept = event("text", messages=said).messages
    assert [each["role"] for each in kept] == ["user", "assistant"]
    assert kept[1]["content"] == "Yes."
    assert 32 * 1024 - 1 <= sum(len(each["content"].encode()) for each in kept) <= 32 * 1024


def test_an_event_has_a_bounded_size_whatever_it_is_given() -> None:
    big = event(
        "text",
        prompt="p" * 10**6,
        response="r" * 10**6,
        messages=[{"role": "user", "content": "m" * 10**6}],
        parameters={"response_format": "f" * 10**6},
        placeholder="data:" + "x" * 10**6,
        image_url="http://localhost/" + "u" * 10**6,
        timing=[{"step": "s", "timestamp": n} for n in range(1000)],
    )
    assert len(big.to_json()) < 200_000
    assert len(orjson.dumps(big.wall_item("1.1", 0))) < 10_000


def test_what_databases_and_json_cannot_hold_is_left_out() -> None:
    odd = event("text", response="a\0b\ud800c", seed=2**70, parameters={"temperature": math.nan})
    assert odd.response == "ab?c"
    assert odd.as_dict()["parameters"]["temperature"] is None
    assert orjson.loads(odd.to_json())["seed"] == str(2**70)


def test_the_walls_item_has_a_shape_even_without_a_picture() -> None:
    assert event().wall_item("1.1", 7)["ar"] == 1.3333
    item = event("audio").wall_item("1.2", 7)
    assert (item["t"], item["id"], item["ar"], item["sent_ns"], item["duration"]) == ("item", "1.2", 1, 7, 1.5)
    assert item["href"].startswith("/p/")


def test_each_door_says_where_an_event_comes_from() -> None:
    ours = event()
    name = f"{installation()}:{ours.public_id}"
    whence = {"remote": False, "source": "", "origin": name, "url": f"http://localhost:8000/p/{ours.public_id}"}
    assert whence.items() <= ours.image_frame().items()
    theirs = event("text", remote=True, source="a.example", origin="a:b", href="https://a.example/p/b")
    assert {"remote": True, "source": "a.example", "origin": "a:b", "url": "https://a.example/p/b"}.items() <= (
        theirs.text_frame().items()
    )
    assert len(installation()) == 16


def test_a_wall_shows_an_answer_s_words_without_their_marks() -> None:
    item = event("text", response="# A fox\n\n**Red** it is.").wall_item("1.1", 0)
    assert item["response"] == "A fox\n\nRed it is."
