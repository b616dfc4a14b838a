"""Pictures that callers bring along: by address, as data: address, uploaded."""

import base64
import io
import json

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from PIL import Image

from generation import lending, records, store
from generation.models import Artifact, Generation
from tests.generation.pictures import hostile
from tests.lib.fetch import conftest as servers

origin = servers.origin


def data_address(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def asking(*addresses: str, model: str = "openai", **more) -> dict:
    parts = [{"type": "image_url", "image_url": {"url": address, "detail": "low"}} for address in addresses]
    return {
        "model": model,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}],
        **more,
    }


def pictures_of(call) -> list[Image.Image]:
    """The pictures that a provider was given in a chat."""
    urls = [part["image_url"]["url"] for part in call.messages[-1]["content"] if part["type"] == "image_url"]
    assert all(url.startswith("data:image/") for url in urls)
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


async def row() -> Generation:
    """The one row, once the records of relayed answers are stored."""
    await sync_to_async(records.drain)()
    return await sync_to_async(Generation.objects.get)()


async def test_a_picture_in_a_chat_reaches_the_model_as_data(client, working):
    answer = await client.post("/v1/chat/completions", json=asking(data_address(hostile.saved("PNG", (32, 24)))))
    assert answer.status_code == 200
    assert answer.headers["x-visibility"] == "private"
    [picture] = pictures_of(working.calls[0])
    assert picture.size == (32, 24)
    assert working.calls[0].messages[-1]["content"][0] == {"type": "text", "text": "What is this?"}


async def test_the_row_holds_a_digest_and_the_store_the_bytes(client):
    data = hostile.saved("JPEG", exif=hostile.exif())
    await client.post("/v1/chat/completions", json=asking(data_address(data, "image/jpeg")))
    params = (await row()).params
    assert "base64" not in json.dumps(params)
    url = params["messages"][0]["content"][1]["image_url"]
    assert url["detail"] == "low"
    artifact = await sync_to_async(Artifact.objects.get)()
    assert url["url"] == f"sha256:{artifact.digest}"
    kept = store.read(artifact.digest)
    assert b"script" not in kept
    assert (artifact.media_type, artifact.size) == ("image/jpeg", len(kept))


async def test_a_picture_is_fetched_from_its_address(client, working, origin):
    origin.pages["/cat.webp"] = servers.reply(hostile.saved("WEBP", (20, 10)), Content_Type="image/webp")
    answer = await client.post(
        "/openai", json=asking(f"http://127.0.0.1:{origin.port}/cat.webp", data_address(hostile.saved("GIF", mode="P")))
    )
    assert answer.status_code == 200
    assert [picture.size for picture in pictures_of(working.calls[0])] == [(20, 10), (32, 24)]
    assert b"authorization" not in origin.requests[0].lower()


async def test_the_same_picture_is_a_hit_and_another_is_not(client, working, origin):
    """What counts is what the address gives, not the address."""
    address = f"http://127.0.0.1:{origin.port}/x"
    seen = []
    for colour in ("red", "red", "blue"):
        file = io.BytesIO()
        Image.new("RGB", (9, 9), colour).save(file, "PNG")
        origin.pages["/x"] = servers.reply(file.getvalue())
        seen.append((await client.post("/openai", json=asking(address))).headers["x-cache"])
    assert seen == ["MISS", "HIT", "MISS"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://127.0.0.1/x.png", "url_refused"),
        ("http://169.254.169.254/latest/meta-data", "url_refused"),
        ("http://[::1]:6379/", "url_refused"),
        ("file:///etc/passwd", "url_refused"),
        ("sha256:" + "0" * 64, "url_refused"),
        ("nonsense", "url_refused"),
        ("", "input_not_readable"),
        ("data:text/html;base64,AAAA", "input_not_readable"),
        ("data:image/png,AAAA", "input_not_readable"),
        ("data:image/png;base64,@@@@", "input_not_readable"),
        ("data:image/png;base64,", "input_not_readable"),
        (data_address(b"GIF89a" + b"\0" * 50), "input_not_readable"),
        (data_address(hostile.SVG, "image/svg+xml"), "input_not_readable"),
        (data_address(hostile.bomb(100_000, 100_000)), "input_not_readable"),
        (data_address(hostile.many_gif_frames(10_000), "image/gif"), "input_not_readable"),
    ],
)
async def test_what_cannot_be_read_is_an_error_and_nothing_is_made(client, working, address, code):
    answer = await client.post("/v1/chat/completions", json=asking(address))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert working.calls == []
    assert not await sync_to_async(Generation.objects.exists)()
    assert not await sync_to_async(Artifact.objects.exists)()
    assert not list(settings.MEDIA_FOLDER.glob("**/*.part"))


async def test_a_page_in_place_of_a_picture_is_an_error(client, origin):
    origin.pages["/x"] = servers.reply(b"<html>", Content_Type="text/html")
    answer = await client.post("/openai", json=asking(f"http://127.0.0.1:{origin.port}/x"))
    assert (answer.status_code, answer.json()["code"]) == (400, "input_not_readable")


async def test_nine_pictures_are_one_too_many(client):
    address = data_address(hostile.saved("PNG"))
    assert (await client.post("/openai", json=asking(*[address] * 8))).status_code == 200
    answer = await client.post("/openai", json=asking(*[address] * 9))
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_inputs")


async def test_a_model_that_does_not_see_says_so(client, working):
    answer = await client.post("/openai", json=asking(data_address(hostile.saved("PNG")), model="mistral"))
    assert (answer.status_code, answer.json()["code"]) == (400, "vision_not_supported")
    assert "openai" in answer.json()["error"]
    assert working.calls == []


async def test_a_job_made_later_has_its_picture_too(client, working):
    answer = await client.post(
        "/v1/chat/completions",
        json=asking(data_address(hostile.saved("PNG"))),
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 202
    made = await row()
    for _ in range(200):
        if working.calls:
            break
        await sync_to_async(made.refresh_from_db)()
    assert len(pictures_of(working.calls[0])) == 1


async def test_image_to_image_takes_addresses(client, working, origin):
    origin.pages["/a,b.png"] = servers.reply(hostile.saved("PNG", (20, 10)))
    origin.pages["/c.png"] = servers.reply(hostile.saved("PNG", (30, 10)))
    base = f"http://127.0.0.1:{origin.port}"
    answer = await client.get(
        "/prompt/paint", params={"model": "kontext", "width": 64, "height": 64, "image": f"{base}/a,b.png,{base}/c.png"}
    )
    assert answer.status_code == 200
    assert answer.headers["x-visibility"] == "private"
    sizes = [Image.open(io.BytesIO(data)).size for data in working.calls[0].pictures]
    assert sizes == [(20, 10), (30, 10)]
    assert len((await row()).params["images"]) == 2


async def test_image_to_image_takes_uploads(client, working):
    answer = await client.post(
        "/prompt/paint?model=kontext&width=64&height=64", files={"image": ("a.png", hostile.saved("PNG"), "image/png")}
    )
    assert answer.status_code == 200
    assert len(working.calls[0].pictures) == 1


async def test_image_to_image_never_goes_on_without_its_picture(client, working, origin):
    for address in (f"http://127.0.0.1:{origin.port}/none.png", "http://10.0.0.1/x.png", "nonsense"):
        answer = await client.get("/prompt/paint", params={"model": "kontext", "image": address})
        assert answer.status_code == 400
        assert address not in answer.text
    assert working.calls == []


async def test_a_picture_that_was_brought_along_is_lent_to_who_has_its_signed_address_only(client, alice, working):
    answer = await client.post(
        "/prompt/paint%20it?model=kontext", json={"image": data_address(hostile.saved("PNG", (32, 24)))}, headers=alice
    )
    assert answer.status_code == 200, answer.text
    made = await sync_to_async(Generation.objects.get)()
    lent = lending.address(made.public_id, "input-0").removeprefix("http://localhost:8000")
    given = await client.get(lent)
    assert (given.status_code, given.headers["content-type"]) == (200, "image/png")
    assert given.headers["cache-control"].startswith("private")
    for wrong in (
        lent.partition("?")[0],
        lent.replace("input-0", "input-1"),
        lending.address(made.public_id, "original").replace("original", "input-0"),
        lent.replace(made.public_id, "x" * len(made.public_id)),
        f"{lent}x",
    ):
        refused = await client.get(wrong.removeprefix("http://localhost:8000"))
        assert refused.status_code == 404, wrong
