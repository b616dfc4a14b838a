"""What callers are told of their limits."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from pollweb import config
from pollweb.accounts import desk, tokens
from pollweb.accounts.models import Team, Token


@pytest.fixture
def paced(settings):
    def change(interval, concurrency: int) -> None:
        design = settings.DESIGN.model_dump(by_alias=True)
        design["tiers"]["anonymous"] = {"interval": interval, "concurrency": concurrency, "models": "basic"}
        settings.DESIGN = config.parse(design)

    return change


def limits_of(answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "ratelimit" in name}


async def test_an_answer_says_its_caller_s_limits_and_what_is_left(client, paced):
    paced({"image": 15, "text": 2.5, "audio": 1}, 3)
    picture = await client.get("/image/prompt/a%20lake?width=64&height=64")
    assert limits_of(picture) == {
        "ratelimit-policy": '"image";q=1;w=15, "image-running";q=3;qu="concurrent-requests"',
        "ratelimit": '"image";r=0;t=15, "image-running";r=2',
        "x-ratelimit-limit-requests": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "15s",
    }
    text = await client.get("/text/hello")
    assert text.headers["ratelimit-policy"].startswith('"text";q=1;w=3, ')
    assert text.headers["ratelimit"].startswith('"text";r=0;t=3, ')


async def test_without_an_interval_the_limit_is_how_many_run(client, paced):
    paced(0, 4)
    answer = await client.get("/text/hello")
    assert limits_of(answer) == {
        "ratelimit-policy": '"text-running";q=4;qu="concurrent-requests"',
        "ratelimit": '"text-running";r=3',
        "x-ratelimit-limit-requests": "4",
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "0s",
    }


async def test_an_answer_from_the_cache_costs_no_question_and_says_the_policy_only(client, paced, monkeypatch):
    paced(0, 4)
    first = await client.get("/text/hello")
    asked = []
    from pollweb.lib import redis

    monkeypatch.setattr(redis, "run", lambda *call: asked.append(call))
    again = await client.get("/text/hello")
    assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT")
    assert again.headers["ratelimit-policy"] == first.headers["ratelimit-policy"]
    assert "ratelimit" not in again.headers
    assert asked == []
    for name in ("content-type", "cache-control", "vary", "etag"):
        assert first.headers.get(name) == again.headers.get(name)
    assert first.content == again.content


async def test_lists_and_errors_say_the_policy_too(client, paced):
    paced(15, 1)
    for path in ("/image/models", "/text/models", "/v1/models", "/v1/nothing"):
        answer = await client.get(path)
        kind = "image" if path.startswith("/image") else "text"
        assert answer.headers["ratelimit-policy"].startswith(f'"{kind}";q=1;w=15, '), path


async def test_a_full_line_is_refused_with_the_seconds_to_wait(client, paced, working):
    paced(7, 1)
    working.held = True
    asking = [asyncio.create_task(client.get(f"/text/question%20{n}")) for n in range(5)]
    async with asyncio.timeout(5):
        while len(desk.current().waiting) < 4:
            await asyncio.sleep(0.01)
    answer = await client.get("/text/one%20too%20many")
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert 5 <= int(answer.headers["retry-after"]) <= 7
    assert answer.headers["ratelimit"].startswith('"text";r=0;t=')
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_an_answer_that_stood_in_line_says_how_long(client, paced):
    paced(0.4, 2)
    answers = await asyncio.gather(client.get("/text/one"), client.get("/text/two"))
    [waited] = [answer.headers["x-queue-wait"] for answer in answers if "x-queue-wait" in answer.headers]
    assert 0.2 < float(waited) < 1.5


async def test_a_token_s_own_limits_are_what_it_is_told(client):
    def make() -> str:
        team = Team.objects.create(name="bob", tier="nectar", visibility="private")
        made = tokens.create(team)
        Token.objects.filter(team=team).update(interval=20, concurrency=2)
        return made.secret

    secret = await sync_to_async(make)()
    answer = await client.get("/text/hello", headers={"Authorization": f"Bearer {secret}"})
    assert answer.headers["ratelimit-policy"] == '"text";q=1;w=20, "text-running";q=2;qu="concurrent-requests"'
    assert answer.headers["ratelimit"] == '"text";r=0;t=20, "text-running";r=1'


async def test_browsers_may_read_them(client):
    answer = await client.get("/text/models")
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"ratelimit", "ratelimit-policy", "retry-after", "x-queue-wait", "x-ratelimit-reset-requests"} <= exposed


async def test_a_queued_job_says_its_position_and_about_how_long(client, paced, working):
    paced(20, 2)
    working.held = True
    asked = {"Prefer": "respond-async"}
    jobs = [(await client.get(f"/text/number%20{n}", headers=asked)).json() for n in range(3)]
    assert [job["status"] for job in jobs] == ["queued"] * 3
    last = (await client.get(jobs[2]["url"])).json()
    assert last["position"] == 2
    assert 30 < last["wait_seconds"] <= 40
