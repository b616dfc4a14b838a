"""Who is asking, said in each of the ways that the guide names."""

import pytest
from asgiref.sync import sync_to_async

from generation import records
from generation.models import Generation

ASK = {"messages": [{"role": "user", "content": "Hello?"}]}


async def row() -> Generation:
    """The one row, once the records of relayed answers are stored."""
    await sync_to_async(records.drain)()
    return await sync_to_async(Generation.objects.get)()


@pytest.mark.parametrize("way", ["header", "bare header", "own header", "query"])
async def test_a_token_is_known_however_it_is_sent(client, alice, way):
    token = alice["Authorization"].removeprefix("Bearer ")
    headers, query = {
        "header": (alice, {}),
        "bare header": ({"Authorization": token}, {}),
        "own header": ({"X-Pollinations-Token": token}, {}),
        "query": ({}, {"token": token}),
    }[way]
    answer = await client.post("/openai", json={**ASK, "model": "openai-large"}, headers=headers, params=query)
    assert answer.status_code == 200
    assert (await row()).team_id is not None


async def test_a_token_that_nobody_has_is_anonymous(client):
    answer = await client.get("/text/Hello", headers={"Authorization": "Bearer YOUR_TOKEN"})
    assert answer.status_code == 200
    assert (await row()).team_id is None


@pytest.mark.parametrize(
    ("headers", "query", "said"),
    [
        ({}, {"referrer": "mywebapp.com"}, "mywebapp.com"),
        ({}, {"referrer": "MyPythonApp"}, "MyPythonApp"),
        ({"Referer": "https://mywebapp.com/page"}, {}, "mywebapp.com"),
        ({"Referer": "https://elsewhere.example/"}, {"referrer": "mywebapp.com"}, "mywebapp.com"),
    ],
)
@pytest.mark.parametrize("path", ["/prompt/a%20fox", "/text/Hello"])
async def test_a_referrer_is_kept_whether_the_browser_or_the_address_says_it(client, path, headers, query, said):
    await client.get(path, params={"width": 64, "height": 64, **query}, headers=headers)
    assert (await row()).referrer == said


async def test_a_referrer_may_stand_in_the_body(client):
    await client.post("/openai", json={**ASK, "referrer": "MyPythonApp"})
    assert (await row()).referrer == "MyPythonApp"
