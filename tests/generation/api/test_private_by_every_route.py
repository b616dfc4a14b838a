"""C39: a hundred private results, asked for by every route: they are nowhere where strangers look."""

import re

import httpx
import pytest
from asgiref.sync import sync_to_async

from feeds import outbox
from feeds.models import Outbox
from generation import records, search
from generation.models import Generation

EACH = 10  # of ten routes
CHAT = "/v1/chat/completions"


def said(words: str, **more) -> dict:
    return {"model": "openai", "messages": [{"role": "user", "content": words}], **more}


def by_every_route(words: str, alice: dict[str, str], kept: dict[str, str]) -> list[tuple]:
    """(method, address, JSON, headers); `alice` is public unless told otherwise, all that `kept` makes is private."""
    path = words.replace(" ", "%20")
    picture = {"model": "flux", "prompt": words, "width": 64, "height": 64}
    return [
        ("GET", f"/prompt/{path}?private=true&width=64&height=64", None, alice),
        ("GET", f"/image/prompt/{path}?nofeed=true&width=64&height=64", None, {}),
        ("POST", f"/image/prompt/{path}", {**picture, "private": True}, alice),
        ("POST", "/v1/images/generations", {"prompt": words, "size": "256x256"}, kept),
        ("GET", f"/text/{path}?private=true", None, {}),
        ("POST", "/openai", said(words, private=True), alice),
        ("POST", CHAT, said(words, private=True, stream=True), alice),
        ("POST", CHAT, said(words), kept),
        ("GET", f"/text/{path}?model=openai-audio&private=true", None, alice),
        ("POST", "/v1/responses", {"model": "openai", "input": words}, kept),
    ]


async def private_team() -> dict[str, str]:
    from pollweb.accounts import tokens
    from pollweb.accounts.models import Team

    team = await sync_to_async(Team.objects.create)(name="bob", tier="nectar", visibility="private")
    return {"Authorization": f"Bearer {(await sync_to_async(tokens.create)(team)).secret}"}


def brought_up_to_date() -> None:
    """What workers do a moment later."""
    while records.drain():
        pass
    search.fill()
    outbox.publish_due()


def from_elsewhere() -> httpx.AsyncClient:
    """Whoever asked without a token is known by the address."""
    from pollweb.asgi import application

    transport = httpx.ASGITransport(application, client=("198.51.100.9", 50_000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", timeout=20)


def where_strangers_look(row: Generation, word: str) -> list[tuple[str, set[int]]]:
    """Addresses of one result, and what they may answer."""
    item = f"http://localhost:8000/p/{row.public_id}"
    gone = {404}
    own = ["", ".json", "/media", "/download", "/qr.svg", "/own"]
    return [
        *((f"/p/{row.public_id}{part}", gone | {405}) for part in own),
        (f"/embed/p/{row.public_id}", gone),
        (f"/oembed?url={item}", gone),
        (f"/v1/jobs/{row.public_id}", gone | {401}),
        (f"/v1/jobs/{row.public_id}/result", gone | {401}),
        (f"/search?q={word}", {200}),
        (f"/search?q=similar:{row.public_id}", {200, 404}),
    ]


LISTS = ["/", "/?kind=text", "/?kind=image", "/?kind=audio", "/live", "/sitemap.xml", "/llms.txt"]
LISTS += ["/status.json", "/models", "/feed.json", "/search?q=heron", "/search?q=kind:text"]


@pytest.mark.slow
@pytest.mark.hold
@pytest.mark.timeout(240)
async def test_private_results_of_every_route_are_nowhere(client, alice, working, record_property) -> None:
    working.words = ["a grey ", "heron stands"]
    kept = await private_team()
    answers = []
    for number in range(EACH):
        for route, (method, address, body, headers) in enumerate(by_every_route(f"heron{number}", alice, kept)):
            # Each wish is another, so that none is the copy of one before.
            address, body = address.replace("heron", f"heron{route}x"), _named(body, f"heron{route}x")
            answer = await client.request(method, address, json=body, headers=headers)
            assert answer.status_code == 200, (address, answer.text)
            # Nobody keeps the answer to a POST anyway.
            kept_by_none = {"private, no-store"} if method == "GET" else {"private, no-store", "no-store", "no-cache"}
            assert answer.headers["cache-control"] in kept_by_none, address
            answers.append(answer)
    assert all(answer.headers.get("x-visibility", "private") == "private" for answer in answers)
    await sync_to_async(brought_up_to_date)()
    rows = await sync_to_async(list)(Generation.objects.all())
    assert len(rows) == len(answers) == EACH * 10
    assert {row.visibility for row in rows} == {"private"}
    assert not await Outbox.objects.aexists()
    for row in rows:  # 22 characters of 64 are 132 bits
        assert re.fullmatch(r"[0-9A-Za-z_-]{22}", row.public_id)
    looked, stranger = 0, from_elsewhere()
    for address in LISTS:
        looked += await looked_for(stranger, address, {200, 204, 404}, "heron")
    for row in rows:
        for address, allowed in where_strangers_look(row, f"grey {row.prompt}"):
            # A page of search says what was searched for: the answer's own words must not be there.
            looked += await looked_for(stranger, address, allowed, "stands")
    await stranger.aclose()
    record_property("figures", f"{len(rows)} private results by 10 routes: in none of {looked} answers to strangers")


async def looked_for(client, address: str, allowed: set[int], word: str) -> int:
    answer = await client.get(address)
    assert answer.status_code in allowed, (address, answer.status_code)
    text = answer.text.replace(address, "")
    if "?q=" in address:
        assert "stands" not in text, address
        assert 'href="/p/' not in text, address
    else:
        assert word not in text, address
    return 1


def _named(body, word: str):
    if isinstance(body, dict):
        return {key: _named(value, word) for key, value in body.items()}
    if isinstance(body, list):
        return [_named(value, word) for value in body]
    return body.replace("heron", word) if isinstance(body, str) else body
