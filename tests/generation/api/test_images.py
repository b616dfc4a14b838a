"""The image face over the whole application."""

import io
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from PIL import Image

from generation.models import Generation


def size_of(body: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(body)).size


async def test_a_picture_comes_as_bytes_with_its_headers(client):
    answer = await client.get("/prompt/a%20red%20fox?width=64&height=48&seed=7")
    assert answer.status_code == 200
    assert size_of(answer.content) == (64, 48)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-disposition"] == 'inline; filename="a-red-fox.jpg"'
    assert answer.headers["x-cache"] == "MISS"
    assert answer.headers["x-model-used"] == "scripted/picture"
    assert answer.headers["x-visibility"] == "public"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.headers["x-request-id"]) == 16


async def test_the_same_address_is_a_hit_with_the_same_bytes(client):
    first = await client.get("/prompt/fox?width=64&height=64")
    again = await client.get("/image/prompt/fox?height=64&width=64&token=dummy&referrer=app")
    assert again.headers["x-cache"] == "HIT"
    assert again.headers["x-cache-type"] == "EXACT"
    assert again.content == first.content


@pytest.mark.parametrize("path", ["/prompt/x", "/image/prompt/x"])
@pytest.mark.parametrize("host", ["localhost:8000", "image.localhost:8000"])
async def test_every_address_of_the_image_face_leads_to_a_picture(client, path, host):
    if host.startswith("image") and path.startswith("/image"):
        path = path.removeprefix("/image")
    answer = await client.get(f"{path}?width=64&height=64", headers={"host": host})
    assert answer.status_code == 200


async def test_the_later_api_leaves_the_word_prompt_out(client, working):
    first = await client.get("/image/prompt/a%20red%2Ffox/?width=64&height=64")
    again = await client.get("/image/a%20red%2Ffox/?width=64&height=64")
    assert (again.headers["x-cache"], again.content) == ("HIT", first.content)
    assert (await client.get("/image/prompts/x?width=64&height=64")).status_code == 200
    assert working.calls[-1].text == "prompts/x"
    assert (await client.post("/image/a%20red%20fox")).status_code == 405


async def test_on_the_pictures_own_host_what_is_no_address_is_a_mistake(client, working):
    answer = await client.get("/a%20red%20fox", headers={"host": "image.localhost:8000"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not working.calls


async def test_post_paints_as_get_does(client):
    answer = await client.post("/prompt/x?width=64&height=64", content=b"ignored")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_looking_makes_nothing(client, working, method):
    answer = await client.request(method, "/prompt/x")
    assert answer.status_code in (200, 204)
    assert working.calls == []


@pytest.mark.parametrize("path", ["/prompt", "/prompt/", "/prompt/%20"])
async def test_no_prompt_is_no_error(client, working, path):
    answer = await client.get(path, params={"width": 64, "height": 64})
    assert answer.status_code == 200
    assert working.calls[0].text == "random_prompt"


@pytest.mark.parametrize(
    "prompt", ["a/b/c", "line\nbreak", "100% sure?", "a+b", "#tag", "../../etc", "红色的船", "🦊", "שלום", "a%20b"]
)
async def test_a_prompt_arrives_as_it_was_written(client, working, prompt):
    answer = await client.get(f"/prompt/{quote(prompt, safe='')}?width=64&height=64")
    assert answer.status_code == 200
    # One in another language has its translation before it.
    assert working.calls[-1].text.endswith(prompt)


async def test_bytes_that_are_no_text_are_refused(client):
    answer = await client.get("/prompt/%ff%fe")
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "invalid_prompt"
    assert body["error"] == answer.headers["x-error-type"] == "Bad Request"
    assert body["request_id"] == body["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("value", ["0", "-5", "abc", "12.5", "9" * 400])
@pytest.mark.parametrize("side", ["width", "height"])
async def test_a_size_that_is_none_is_refused(client, working, side, value):
    answer = await client.get(f"/prompt/x?{side}={value}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert side in answer.json()["message"]
    assert working.calls == []


async def test_a_size_above_the_models_limit_is_scaled(client, working):
    answer = await client.get("/prompt/x?width=1000000000&height=500000000")
    assert answer.status_code == 200
    assert (working.calls[0].width, working.calls[0].height) == (2048, 1024)


async def test_a_prompt_that_is_far_too_long_is_refused(client):
    answer = await client.get("/prompt/" + "x" * 40_000)
    assert (answer.status_code, answer.json()["code"]) == (400, "input_too_long")


@pytest.mark.parametrize("seed", ["-1", "0", "abc", "1844674407370955", "9" * 50])
async def test_every_seed_gives_a_picture(client, seed):
    assert (await client.get(f"/prompt/x?width=64&height=64&seed={seed}")).status_code == 200


async def test_minus_one_draws_a_seed(client, working):
    for _ in range(2):
        await client.get("/prompt/x?width=64&height=64&seed=-1")
    assert len({call.seed for call in working.calls}) == 2


async def test_an_unknown_model_is_the_default_one(client):
    answer = await client.get("/prompt/x?model=nonsense&width=64&height=64")
    assert answer.status_code == 200
    assert (await sync_to_async(Generation.objects.get)()).model == "flux"


@pytest.mark.parametrize("flag", ["private=true", "nofeed=TRUE", "private=1", "private=yes"])
async def test_private_is_private(client, flag):
    answer = await client.get(f"/prompt/x?width=64&height=64&{flag}")
    assert answer.headers["x-visibility"] == "private"
    assert answer.headers["cache-control"] == "private, no-store"
    row = await sync_to_async(Generation.objects.get)()
    media = await client.get(f"/media/{row.public_id}/original")
    assert media.status_code == 404


async def test_a_public_picture_has_a_file_with_etag_and_ranges(client):
    await client.get("/prompt/x?width=64&height=64")
    row = await sync_to_async(Generation.objects.get)()
    whole = await client.get(f"/media/{row.public_id}/original")
    assert whole.status_code == 200
    etag = whole.headers["etag"]
    same = await client.get(f"/media/{row.public_id}/original", headers={"if-none-match": etag})
    assert (same.status_code, same.content) == (304, b"")
    part = await client.get(f"/media/{row.public_id}/original", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    beyond = await client.get(f"/media/{row.public_id}/original", headers={"range": "bytes=999999999-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"


async def test_the_address_told_to_others_holds_no_secret(client, alice):
    token = alice["Authorization"].split()[1]
    await client.get(f"/prompt/a%20fox?width=64&height=64&token={token}&referrer=my.app&seed=3")
    row = await sync_to_async(Generation.objects.get)()
    assert row.source_url == "http://localhost:8000/image/prompt/a%20fox?width=64&height=64&seed=3"
    assert row.team_id is not None
    assert row.referrer == "my.app"


async def test_a_tier_that_is_too_low_is_403(client, alice):
    answer = await client.get("/prompt/x?model=rare&width=64&height=64")
    assert (answer.status_code, answer.json()["code"]) == (403, "tier_too_low")
    assert (await client.get("/prompt/x?model=rare&width=64&height=64", headers=alice)).status_code == 200


async def test_models_are_an_array_of_names(client):
    answer = await client.get("/image/models")
    assert answer.json()[:3] == ["flux", "turbo", "kontext"]
    assert answer.headers["cache-control"].startswith("no-store")
    about = (await client.get("/image/about")).json()
    assert about[0]["name"] == "flux"
    assert about[0]["made_by"] == ["scripted/picture"]


async def test_a_failing_provider_is_502_in_the_documented_shape(client, working):
    working.failures = 99
    answer = await client.get("/prompt/x?width=64&height=64")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (502, "provider_failed")
    assert body["requestParameters"]["prompt"] == "x"
    assert body["debug"] is None


async def test_a_post_may_say_everything_in_json(client, working, alice):
    body = {
        "width": 80,
        "height": 48,
        "seed": 3,
        "private": True,
        "model": "turbo",
        "token": alice["Authorization"].split()[1],
    }
    answer = await client.post("/prompt/a%20fox?width=64", json=body)
    assert size_of(answer.content) == (80, 48)
    assert answer.headers["x-visibility"] == "private"
    row = await sync_to_async(Generation.objects.get)()
    assert (row.model, row.seed, row.prompt) == ("turbo", 3, "a fox")
    assert row.team_id is not None


async def test_a_posts_body_may_bring_the_prompt(client, working):
    await client.post("/prompt", json={"prompt": "a fox", "width": 64, "height": 64})
    assert working.calls[0].text == "a fox"


async def test_a_posts_broken_json_is_refused(client, working):
    answer = await client.post("/prompt/x", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    assert working.calls == []


async def test_about_tells_what_a_model_can_do(client):
    known = {card["name"]: card for card in (await client.get("/image/about")).json()}
    assert (known["flux"]["edit"], known["kontext"]["edit"]) == (False, True)
    assert known["flux"]["maxSideLength"] ** 2 == known["flux"]["maxPixels"]


async def test_while_an_operator_has_drained_all_that_make_it_one_may_come_again_in_a_minute(client, monkeypatch):
    async def drained() -> frozenset[str]:
        return frozenset({"scripted"})

    monkeypatch.setattr("generation.drains.current", drained)
    answer = await client.get("/prompt/a%20red%20fox?seed=70")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.json()["code"] == "provider_drained"
