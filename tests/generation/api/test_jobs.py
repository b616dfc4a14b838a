"""Asynchronous requests over the whole application."""

import asyncio

import pytest

ASYNC = {"Prefer": "respond-async"}


async def finished(client, address: str, **headers) -> dict:
    async with asyncio.timeout(5):
        while True:
            told = (await client.get(address, headers=headers)).json()
            if told["status"] not in ("queued", "running"):
                return told
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("method", "path", "body", "media_type"),
    [
        ("GET", "/prompt/x?width=64&height=64", None, "image/jpeg"),
        ("GET", "/text/x", None, "application/json"),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}, "application/json"),
    ],
)
async def test_a_job_is_accepted_made_and_fetched(client, method, path, body, media_type):
    accepted = await client.request(method, path, json=body, headers=ASYNC)
    assert accepted.status_code == 202
    assert accepted.headers["location"] == accepted.json()["url"]
    told = await finished(client, accepted.json()["url"])
    assert told["status"] == "succeeded"
    result = await client.get(told["result_url"])
    assert result.status_code == 200
    assert result.headers["content-type"].startswith(media_type)


async def test_a_job_may_be_given_up(client, working, alice):
    working.held = True
    accepted = (await client.get("/prompt/x?width=64&height=64", headers=ASYNC | alice)).json()
    assert (await client.delete(accepted["url"])).status_code == 404
    assert (await client.delete(accepted["url"], headers=alice)).json()["status"] == "cancelled"
    working.held = False


async def test_a_job_of_somebody_else_is_the_same_404_as_none(client, alice):
    url = (await client.get("/prompt/x?width=64&height=64&private=true", headers=ASYNC | alice)).json()["url"]
    await finished(client, url, **alice)
    foreign, missing = await client.get(url), await client.get("/v1/jobs/AAAAAAAAAAAAAAAAAAAAAA")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["error"]["message"] == missing.json()["error"]["message"]


async def test_a_failed_job_says_why(client, working):
    working.failures = 99
    url = (await client.get("/text/x", headers=ASYNC)).json()["url"]
    told = await finished(client, url)
    assert (told["status"], told["error"]["code"]) == ("failed", "provider_failed")
    assert (await client.get(f"{url}/result")).status_code == 502
