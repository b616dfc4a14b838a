"""The chat: turn after turn by plain forms, and answers streamed to a browser that keeps the conversation."""

import asyncio
import html
import json
import re

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client

from generation import handoff, intake, records
from generation.models import Generation, State
from generation.web import brought
from pollweb.accounts import desk
from tests.fakes import jpeg

ASKED = {"prompt": "What is the capital of France?", "model": "openai"}


def finish(answer: str) -> Generation:
    """The last turn, answered."""
    job = Generation.objects.order_by("-pk").first()
    Generation.objects.filter(pk=job.pk).update(
        state=State.SUCCEEDED, response=answer, message={"role": "assistant", "content": answer}
    )
    job.refresh_from_db()
    return job


# --- without scripts --------------------------------------------------------------------------------------------------


def test_it_is_a_plain_form(client, db):
    content = client.get("/chat").content.decode()
    assert 'action="/chat" method="post"' in content
    assert content.count("<h1") == 1


def test_a_turn_is_a_private_job_and_the_page_waits_for_it(client, db):
    response = client.post("/chat", {**ASKED, "system": "Be brief."})
    job = Generation.objects.get()
    assert response.headers["Location"] == f"/chat?after={job.public_id}#last"
    assert job.visibility == "private"
    assert job.request().messages == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": ASKED["prompt"]},
    )
    content = client.get(response.headers["Location"]).content.decode()
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in content
    assert "You are next." in content


def test_the_next_turn_goes_on_from_the_last(client, db):
    client.post("/chat", ASKED)
    first = finish("Paris.")
    assert "Paris." in client.get(f"/chat?after={first.public_id}").content.decode()
    client.post("/chat", {**ASKED, "prompt": "And of Spain?", "after": first.public_id})
    said = [message["content"] for message in Generation.objects.order_by("-pk").first().request().messages]
    assert said == [ASKED["prompt"], "Paris.", "And of Spain?"]


def test_an_answer_is_markdown_that_runs_nothing(client, db):
    client.post("/chat", {**ASKED, "prompt": "<script>alert(1)</script>"})
    job = finish("**bold** <img src=x onerror=alert(1)> [x](javascript:alert(1))")
    content = client.get(f"/chat?after={job.public_id}").content.decode()
    assert "<strong>bold</strong>" in content
    assert not re.search(r"<img[^>]*onerror|href=\"javascript:|<script>alert", content)


def test_nobody_else_reads_a_conversation(client, db):
    client.post("/chat", ASKED)
    job = finish("Paris.")
    assert Client().get(f"/chat?after={job.public_id}").status_code == 404
    assert Client().post("/chat", {**ASKED, "after": job.public_id}).status_code == 404


def test_what_is_no_conversation_cannot_be_gone_on_with(client, db):
    client.post("/create", {"mode": "image", "prompt": "a fox", "model": "flux", "shape": "1:1"})
    assert client.get(f"/chat?after={Generation.objects.get().public_id}").status_code == 404


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": " "}, "Say something first."),
        ({"prompt": "x" * 16_001}, "16000"),
        ({"model": "nonsense"}, "nonsense"),
        ({"model": "openai-large"}, "tier"),
        ({"earlier": "[1]"}, "cannot be read"),
        ({"earlier": "{"}, "JSON"),
        ({"pictures": SimpleUploadedFile("x.png", b"no picture")}, "cannot be read"),
        ({"model": "mistral", "pictures": SimpleUploadedFile("x.jpg", jpeg())}, "mistral does not see pictures."),
    ],
    ids=["empty", "long", "unknown", "tier", "earlier", "no JSON", "no picture", "blind"],
)
def test_a_mistake_is_said_and_nothing_is_lost(client, db, change, sentence):
    response = client.post("/chat", {**ASKED, **change})
    assert response.status_code == 422
    assert sentence in html.unescape(response.content.decode())
    assert not Generation.objects.exists()


def test_a_picture_is_seen_in_later_turns_too(client, db):
    client.post("/chat", {**ASKED, "pictures": SimpleUploadedFile("x.jpg", jpeg())})
    job = finish("A red square.")
    client.post("/chat", {**ASKED, "prompt": "Sure?", "after": job.public_id})
    first, _answer, last = Generation.objects.order_by("-pk").first().request().messages
    assert first["content"][1]["image_url"]["url"].startswith("sha256:")
    assert last["content"] == "Sure?"


def test_markdown_that_a_browser_kept_is_made_safe(client, db):
    texts = ["# One", "<script>alert(1)</script>"]
    answer = client.post("/chat/show", json.dumps(texts), content_type="application/json")
    assert answer.json()["html"] == ["<h2>One</h2>\n", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"]


@pytest.mark.parametrize("body", ["", "{}", "[1]", json.dumps(["x"] * 101), json.dumps(["x" * 65_537]), "\xff"])
def test_what_is_no_list_of_texts_is_refused(client, db, body):
    assert client.post("/chat/show", body, content_type="application/json").status_code == 400


# --- streamed ---------------------------------------------------------------------------------------------------------


async def events(response) -> list[dict]:
    whole = b"".join([chunk async for chunk in response.streaming_content]).decode()
    return [json.loads(event.removeprefix("data: ")) for event in whole.split("\n\n") if event]


@pytest.fixture
async def streaming(working):
    yield working
    await handoff.close()
    await desk.close()


async def test_an_answer_is_streamed_and_ends_as_safe_html(streaming, async_client: AsyncClient) -> None:
    streaming.words = ["Pa", "ris **is** ", "<b>it</b>"]
    earlier = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hi"}]
    response = await async_client.post("/chat/answer", {**ASKED, "earlier": json.dumps(earlier), "system": "Be brief."})
    first, *deltas, last = await events(response)
    assert first == {"wait": 0, "pictures": [], "left_out": 0}
    assert "".join(delta["delta"] for delta in deltas) == "Paris **is** <b>it</b>"
    assert last["html"] == "<p>Paris <strong>is</strong> &lt;b&gt;it&lt;/b&gt;</p>\n"
    await sync_to_async(records.drain)()
    row = await Generation.objects.aget()
    assert [message["content"] for message in row.request().messages] == ["Be brief.", "Hello", "Hi", ASKED["prompt"]]
    assert row.visibility == "private"


async def test_a_picture_comes_along_and_is_named_for_later(streaming, async_client: AsyncClient) -> None:
    response = await async_client.post("/chat/answer", {**ASKED, "pictures": SimpleUploadedFile("x.jpg", jpeg())})
    first, *_rest = await events(response)
    (kept,) = first["pictures"]
    earlier = [{"role": "user", "text": "Look", "pictures": [kept]}, {"role": "assistant", "text": "I see"}]
    await events(await async_client.post("/chat/answer", {**ASKED, "earlier": json.dumps(earlier)}))
    assert streaming.calls[-1].messages[0]["content"][1]["image_url"]["url"].startswith("data:image/")


async def test_a_failure_is_the_last_event(streaming, async_client: AsyncClient) -> None:
    streaming.error = intake.ProviderError("The engine is on strike.", status=400)
    last = (await events(await async_client.post("/chat/answer", ASKED)))[-1]
    assert last["error"] == "The engine is on strike."


async def test_a_mistake_is_answered_before_anything_is_streamed(streaming, async_client: AsyncClient) -> None:
    response = await async_client.post("/chat/answer", {**ASKED, "prompt": ""})
    assert (response.status_code, response.json()) == (422, {"errors": ["Say something first."]})


async def test_leaving_stops_the_answer(streaming, async_client: AsyncClient) -> None:
    streaming.held = True
    response = await async_client.post("/chat/answer", ASKED)
    stream = aiter(response.streaming_content)
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    async with asyncio.timeout(20):
        while not streaming.calls:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        while not streaming.stopped:
            await asyncio.sleep(0.01)


async def test_what_finds_no_room_is_left_out_from_the_beginning(streaming, async_client: AsyncClient) -> None:
    turn = [{"role": "user", "text": "x" * 9000}, {"role": "assistant", "text": "y" * 9000}]
    response = await async_client.post("/chat/answer", {**ASKED, "earlier": json.dumps(turn * 3)})
    assert (await events(response))[0]["left_out"] == 4
    assert [m["role"] for m in streaming.calls[-1].messages] == ["user", "assistant", "user"]


def test_words_that_are_not_ours_name_no_picture_in_a_conversation(client, db):
    digest = brought.take(jpeg()).digest
    earlier = [{"role": "user", "text": "Look", "pictures": [{"words": digest}, {"words": 5}, "x"]}]
    client.post("/chat", {**ASKED, "earlier": json.dumps(earlier)})
    assert digest not in json.dumps(Generation.objects.get().params)
