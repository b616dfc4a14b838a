"""`/v1/images/*`, with OpenAI's own client and by hand."""

import base64
import io
import time

import httpx
import openai
import pytest
from asgiref.sync import sync_to_async
from PIL import Image

from generation.models import Generation
from tests.fakes import jpeg


@pytest.fixture
async def official(client: httpx.AsyncClient) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="dummy", base_url="http://localhost:8000/v1", http_client=client, max_retries=0)


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


# --- generations ------------------------------------------------------------------------------------------------------


async def test_it_paints_for_openais_client(official, working):
    made = await official.images.generate(prompt="a red fox", model="flux", size="96x64", response_format="b64_json")
    assert size_of(base64.b64decode(made.data[0].b64_json)) == (96, 64)
    assert made.created > 1_700_000_000
    assert [call.text for call in working.calls] == ["a red fox"]


async def test_n_pictures_have_seeds_that_follow_each_other(client, working):
    answer = await client.post("/v1/images/generations", json={"prompt": "x", "n": 3, "seed": 5, "size": "64x64"})
    assert len(answer.json()["data"]) == 3
    assert sorted(call.seed for call in working.calls) == [5, 6, 7]


async def test_without_a_seed_each_picture_is_another(client, working):
    for _ in range(2):
        await client.post("/v1/images/generations", json={"prompt": "x", "size": "64x64"})
    assert len({call.seed for call in working.calls}) == 2


async def test_it_is_private(client):
    answer = await client.post("/v1/images/generations", json={"prompt": "x", "size": "64x64"})
    assert answer.headers["x-visibility"] == "private"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-model-used"] == "scripted/picture"
    row = await sync_to_async(Generation.objects.get)()
    assert row.visibility == "private"


async def test_an_address_opens_the_private_picture_for_a_while(client, official, time_machine):
    made = await official.images.generate(prompt="x", size="64x64", response_format="url")
    url = made.data[0].url
    assert url.startswith("http://localhost:8000/media/")
    opened = await client.get(url)
    assert size_of(opened.content) == (64, 64)
    assert opened.headers["cache-control"] == "private, no-store"
    assert (await client.get(url.partition("?")[0])).status_code == 404
    assert (await client.get(url[:-3] + "xxx")).status_code == 404
    time_machine.move_to(time.time() + 3700)
    assert (await client.get(url)).status_code == 404


@pytest.mark.parametrize("size", [None, "auto", ""])
async def test_without_a_size_it_is_the_models_usual_one(client, working, size):
    await client.post("/v1/images/generations", json={"prompt": "x", "size": size})
    assert (working.calls[0].width, working.calls[0].height) == (1024, 1024)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "empty_prompt"),
        ({"prompt": " "}, "empty_prompt"),
        ({"prompt": 5}, "empty_prompt"),
        ({"prompt": "x" * 32_001}, "input_too_long"),
        ({"prompt": "x", "n": 0}, "invalid_parameter"),
        ({"prompt": "x", "n": 5}, "invalid_parameter"),
        ({"prompt": "x", "n": "many"}, "invalid_parameter"),
        ({"prompt": "x", "size": "big"}, "invalid_parameter"),
        ({"prompt": "x", "size": "0x10"}, "invalid_parameter"),
        ({"prompt": "x", "size": [1, 2]}, "invalid_parameter"),
        ({"prompt": "x", "quality": "best"}, "invalid_parameter"),
        ({"prompt": "x", "response_format": "png"}, "invalid_parameter"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_openais_shape(client, working, body, code):
    answer = await client.post("/v1/images/generations", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == (code, "invalid_request_error")
    assert working.calls == []


async def test_one_failure_is_the_answer_of_all(client, working):
    working.failures = 99
    answer = await client.post("/v1/images/generations", json={"prompt": "x", "n": 2, "size": "64x64"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_failed")


async def test_a_key_replays_all_pictures(client, working):
    wish = {"prompt": "x", "n": 2, "seed": 3, "size": "64x64"}
    first = await client.post("/v1/images/generations", json=wish, headers={"Idempotency-Key": "one"})
    again = await client.post("/v1/images/generations", json=wish, headers={"Idempotency-Key": "one"})
    assert again.json()["data"] == first.json()["data"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(working.calls) == 2


# --- edits ------------------------------------------------------------------------------------------------------------


async def test_it_edits_files_of_openais_client(official, working):
    made = await official.images.edit(
        image=("cat.jpg", jpeg(90, 60), "image/jpeg"), prompt="make it blue", model="kontext", size="64x64"
    )
    assert made.data[0].b64_json
    (call,) = working.calls
    assert call.text == "make it blue"
    assert size_of(call.pictures[0]) == (90, 60)


async def test_it_takes_several_files(official, working):
    files = [("a.jpg", jpeg(30, 20), "image/jpeg"), ("b.jpg", jpeg(20, 40), "image/jpeg")]
    await official.images.edit(image=files, prompt="side by side", size="64x64")
    assert [size_of(picture) for picture in working.calls[0].pictures] == [(30, 20), (20, 40)]


@pytest.mark.parametrize("form", ["text", "list", "object", "objects"])
async def test_it_takes_addresses_in_json(client, working, form):
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg(30, 20)).decode()}"
    image = {
        "text": address,
        "list": [address],
        "object": {"image_url": address},
        "objects": [{"image_url": {"url": address}}],
    }[form]
    answer = await client.post("/v1/images/edits", json={"prompt": "warmer", "image": image})
    assert answer.status_code == 200
    assert size_of(working.calls[0].pictures[0]) == (30, 20)
    # The given picture decides about the size.
    assert (working.calls[0].width, working.calls[0].height) == (0, 0)
    assert answer.headers["x-visibility"] == "private"


async def test_an_edit_without_a_picture_is_refused(client, working):
    answer = await client.post("/v1/images/edits", json={"prompt": "warmer"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "input_not_readable")
    assert working.calls == []


async def test_an_edit_by_a_model_that_makes_none_names_those_that_do(client, working):
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg(30, 20)).decode()}"
    answer = await client.post("/v1/images/edits", json={"prompt": "warmer", "image": address, "model": "flux"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "edit_not_supported")
    assert "kontext" in error["message"]
    assert working.calls == []
