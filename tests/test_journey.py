"""The main job on the embedded engines, as a new user meets it: a picture, an answer, a stream, a spoken sentence."""

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from openai import OpenAI
from PIL import Image

from tests.site import Site
from tests.test_recovery import token_of

pytestmark = pytest.mark.engines
FRANCE = "What is the capital of France?"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Site]:
    running = Site(
        tmp_path_factory.mktemp("home"), POLLWEB_MODELS="default", POLLWEB_MODELS_DIR=str(model_folder)
    ).ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bearer(site: Site) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(site)}"}


def first_event(site: Site, path: str) -> dict:
    response = site.listen(path)
    while True:
        line = response.readline()
        assert line, "the feed ended"
        if line.startswith(b"data: "):
            response.close()
            return json.loads(line[6:])


def test_a_picture_comes_from_the_painter_and_appears_everywhere(site: Site, bearer: dict[str, str]) -> None:
    answer = site.ask("/prompt/three%20red%20boats%20on%20a%20lake%20at%20sunset", **bearer)
    assert answer.status == 200
    assert answer.headers["x-model-used"] == "embedded/scene-painter"
    assert Image.open(io.BytesIO(answer.body)).size == (1024, 1024)
    event = first_event(site, "/image/feed")
    assert event["prompt"] == "three red boats on a lake at sunset"
    assert event["status"] == "end_generating"
    page = site.ask("/").body.decode()
    assert "three red boats on a lake at sunset" in page
    again = site.ask("/prompt/three%20red%20boats%20on%20a%20lake%20at%20sunset")
    assert again.headers["x-cache"] == "HIT"
    assert again.body == answer.body


def test_an_answer_says_paris_and_reaches_the_text_feed(site: Site, bearer: dict[str, str]) -> None:
    heard: list[dict] = []
    listener = threading.Thread(target=lambda: heard.append(first_event(site, "/text/feed")))
    listener.start()
    time.sleep(0.5)
    answer = site.ask("/text/What%20is%20the%20capital%20of%20France%3F", **bearer)
    assert "Paris" in answer.body.decode()
    assert answer.headers["x-model-used"] == "embedded/chat"
    listener.join(10)
    assert "Paris" in heard[0]["response"]
    assert heard[0]["messages"] == [{"role": "user", "content": FRANCE}]


def test_the_official_client_streams_it(site: Site, bearer: dict[str, str]) -> None:
    client = OpenAI(base_url=f"{site.address}/v1", api_key=bearer["Authorization"].split()[1])
    stream = client.chat.completions.create(
        model="openai", messages=[{"role": "user", "content": FRANCE}], stream=True, seed=7
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(pieces) > 3
    assert "Paris" in "".join(pieces)


def test_hello_world_is_an_mp3_that_plays(site: Site, bearer: dict[str, str]) -> None:
    answer = site.ask("/text/Hello%20world?model=openai-audio&voice=nova", **bearer)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["x-model-used"] == "embedded/kokoro"
    with av.open(io.BytesIO(answer.body)) as file:
        seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    assert 0.5 < seconds < 4


def test_each_engine_works_while_the_others_are_busy(site: Site, bearer: dict[str, str]) -> None:
    busy = [
        threading.Thread(target=site.ask, args=(path,), kwargs=bearer)
        for path in ("/text/Tell%20me%20a%20long%20story", "/text/Say%20this?model=openai-audio&voice=echo")
    ]
    for thread in busy:
        thread.start()
    assert site.ask("/prompt/a%20cat?width=256&height=256", **bearer).status == 200
    for thread in busy:
        thread.join()
