"""Requests made from the OpenAPI document, fitting and not: each is answered or refused as the document says.

REFERENCE_REQUESTS is how many are sent in all; `.ci/run` sends 10,000. They are the same in each run, so that a change
is judged and not chance; REFERENCE_RANDOM=1 makes new ones.
"""

import json
import os
import time

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import given as given_by
from hypothesis import strategies as st
from schemathesis import GenerationMode

from feeds import hub
from pollweb import reference
from tests.project.test_api_examples import LeavingEarly

DOCUMENT = json.loads(reference.as_json())
OPERATIONS = [each.ok() for each in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
REQUESTS = int(os.environ.get("REFERENCE_REQUESTS") or 300)
FEW = settings(
    max_examples=max(1, round(REQUESTS / len(OPERATIONS))),
    derandomize=os.environ.get("REFERENCE_RANDOM") != "1",
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SLOWEST = 10.0  # seconds
BY_HAND = {"authorization", "host", "content-length", "content-type", "connection", "transfer-encoding"}


@pytest.fixture
async def listener(client):
    """For what does not end: goes away with the first bytes."""
    from pollweb.asgi import application

    transport = httpx.ASGITransport(LeavingEarly(application))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", timeout=20) as opened:
        yield opened
    await hub.stop()


def cases(operation):
    """Three that fit the description, then one that does not."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    other = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.integers(0, 3).flatmap(lambda which: fitting if which else other)


def sent(case, token: dict[str, str]) -> dict:
    """The case as httpx sends it, with a nectar token."""
    told = case.as_transport_kwargs(base_url="http://localhost:8000")
    headers = {name: str(value) for name, value in told.get("headers", {}).items() if name.lower() not in BY_HAND}
    headers = {name: value for name, value in headers.items() if value.isascii() and value.isprintable()}
    kind = {name.lower(): value for name, value in told.get("headers", {}).items()}.get("content-type")
    request = {
        "method": told["method"],
        "url": told["url"],
        "params": told.get("params") or {},
        "headers": {**headers, **token},
    }
    if "json" in told:
        request["content"] = json.dumps(told["json"]).encode()
        request["headers"]["content-type"] = "application/json"
    elif told.get("files"):
        request["files"] = [(name, _part(part)) for name, part in told["files"]]
    elif told.get("data") is not None:
        data = told["data"]
        request["content"] = data if isinstance(data, bytes | str) else json.dumps(data, default=str).encode()
        request["headers"]["content-type"] = str(kind or "application/json")
    return request


def _part(part):
    """(name of the file, content), whatever the content was made as."""
    name, content, *kind = part if isinstance(part, tuple) else (None, part)
    return (name, content if isinstance(content, bytes | str) else json.dumps(content, default=str), *kind)


def described(operation, answer) -> None:
    """The status is in the document, and a JSON body has the shape that it says there."""
    told = operation.definition.raw["responses"]
    if answer.request.method.lower() == operation.method.lower():
        assert str(answer.status_code) in told, f"{answer.status_code} is not in the reference: {answer.text[:300]}"
        content = told[str(answer.status_code)].get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind == "application/json" and kind in content and answer.content:
            shape = {**content[kind]["schema"], "components": DOCUMENT["components"]}
            jsonschema.Draft202012Validator(shape).validate(answer.json())


def fine(operation, answer, seconds: float) -> None:
    assert answer.status_code not in (500, 502), f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.status_code not in (503, 504, 507), f"nothing was broken, yet: {answer.text}"
    assert seconds < SLOWEST
    if answer.status_code >= 400:
        told = answer.json()
        assert told.get("request_id", answer.headers["x-request-id"]) == answer.headers["x-request-id"]
        assert told.get("jsonrpc") or ("request_id" in told and (told.get("code") or told["error"]["code"]))
    described(operation, answer)


def is_endless(operation) -> bool:
    answers = operation.definition.raw["responses"]
    return operation.definition.raw["tags"] == ["Feeds"] and "text/event-stream" in answers["200"]["content"]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
@FEW
@given_by(data=st.data())
async def test_it_answers_what_the_reference_says(operation, data, client, listener, alice, working):
    working.words = ['{"a": ', "1}"]
    request = sent(data.draw(cases(operation)), alice)
    begun = time.monotonic()
    answer = await (listener if is_endless(operation) else client).request(**request)
    fine(operation, answer, time.monotonic() - begun)
