"""What every answer of the API lane has, whatever its view says."""

import json
import logging
from collections.abc import Callable

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, re_path
from django.views.decorators.http import require_POST, require_safe

from pollweb.handler import LeanHandler
from pollweb.lib import http
from pollweb.lib.errors import BadRequest, MethodNotAllowed, PollwebError, Unavailable

Serving = Callable[..., httpx.AsyncClient]


@require_safe
async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"hello", content_type="text/plain")


def raising(exc: Exception):
    async def view(request: HttpRequest) -> HttpResponse:
        request.error_context = {"prompt": "a lake"}
        raise exc

    return view


async def test_it_answers_with_an_id_a_length_and_the_safety_headers(serving: Serving) -> None:
    answer = await serving(text=[path("hello", hello)]).get("/text/hello")
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["content-length"] == "5"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answer.headers["x-request-id"]) == 16
    assert "set-cookie" not in answer.headers


async def test_it_accepts_a_slash_at_the_end_without_a_redirect(serving: Serving) -> None:
    assert (await serving(text=[path("hello", hello)]).get("/text/hello/")).status_code == 200


async def test_it_answers_head_without_a_body(serving: Serving) -> None:
    answer = await serving(text=[path("hello", hello)]).head("/text/hello")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "5")


async def test_it_names_the_allowed_methods_in_the_faces_shape(serving: Serving) -> None:
    @require_POST
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    answer = await serving(v1=[path("chat/completions", view)]).get("/v1/chat/completions")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_it_answers_preflights_itself_in_each_hosts_way(serving: Serving) -> None:
    client = serving(text=[path("hello", raising(RuntimeError()))], image=[path("hello", raising(RuntimeError()))])
    asked = {"Origin": "https://a.example", "Access-Control-Request-Headers": "x-stainless-os, authorization"}
    text = await client.options("/text/hello", headers=asked)
    assert (text.status_code, text.content) == (204, b"")
    assert text.headers["access-control-allow-headers"] == "x-stainless-os, authorization"
    assert text.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
    image = await client.options("/image/hello", headers=asked)
    assert image.status_code in (200, 204)
    assert image.headers["access-control-allow-headers"] == "Content-Type"
    assert image.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    auth = await client.options("/auth/api/x", headers=asked)
    assert auth.status_code == 200
    assert auth.headers["access-control-allow-headers"] == "Content-Type, Authorization"


@pytest.mark.parametrize("face", ["image", "text", "v1", "auth"])
async def test_it_lets_every_browser_read_errors_too(serving: Serving, face: str) -> None:
    answer = await serving().get(f"/{face}/nowhere")
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Model-Used" in answer.headers["access-control-expose-headers"]
    assert "X-Auth-Status" in answer.headers["access-control-expose-headers"]


async def test_it_writes_an_image_error_as_image_clients_know_it(serving: Serving) -> None:
    fault = Unavailable("The painter is away.", retry_after=1.2, details={"model": "flux"})
    answer = await serving(image=[path("x", raising(fault))]).get("/image/x")
    body = answer.json()
    assert answer.status_code == 503
    assert answer.headers["x-error-type"] == body["error"] == "Service Unavailable"
    assert answer.headers["retry-after"] == "2"
    assert body["message"] == "The painter is away."
    assert body["details"] == {"model": "flux"}
    assert body["requestParameters"] == {"prompt": "a lake"}
    assert body["requestId"] == body["request_id"] == answer.headers["x-request-id"]
    assert (body["debug"], body["timingInfo"], body["queueInfo"], body["code"]) == (None, [], None, "unavailable")


async def test_it_writes_a_text_error_flat_and_a_v1_error_nested(serving: Serving) -> None:
    fault = BadRequest("No messages.", code="invalid_messages")
    client = serving(text=[path("x", raising(fault))], v1=[path("x", raising(fault))])
    flat = await client.get("/text/x")
    assert flat.json() == {
        "error": "No messages.",
        "status": 400,
        "code": "invalid_messages",
        "request_id": flat.headers["x-request-id"],
    }
    nested = await client.get("/v1/x")
    assert nested.json() == {
        "error": {
            "message": "No messages.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_messages",
        },
        "status": 400,
        "request_id": nested.headers["x-request-id"],
    }


async def test_it_says_402_on_the_text_face_when_a_tier_is_too_low(serving: Serving) -> None:
    fault = PollwebError("Your tier is too low.", code="tier_too_low", status=403)
    client = serving(text=[path("x", raising(fault))], image=[path("x", raising(fault))])
    answer = await client.get("/text/x")
    assert answer.status_code == answer.json()["status"] == 402
    assert (await client.get("/image/x")).status_code == 403


async def test_it_tells_nothing_about_an_unexpected_fault(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    answer = await serving(text=[path("x", raising(KeyError("secret detail")))]).get("/text/x")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text
    record = next(record for record in caplog.records if record.name == "pollweb.errors")
    assert record.fields["request_id"] == answer.headers["x-request-id"]


async def test_it_understands_djangos_own_exceptions(serving: Serving) -> None:
    assert (await serving(text=[path("x", raising(PermissionDenied()))]).get("/text/x")).status_code == 403


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [("database or disk is full", 507, "storage_full"), ("connection refused", 503, "database_away")],
)
async def test_a_database_that_is_full_or_away_is_no_fault_of_ours(
    serving: Serving, said: str, status: int, code: str
) -> None:
    answer = await serving(text=[path("x", raising(OperationalError(said)))]).get("/text/x")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_it_names_the_path_that_the_image_host_does_not_know(serving: Serving) -> None:
    body = (await serving().get("/image/nowhere")).json()
    assert (body["error"], body["path"]) == ("Not Found", "/nowhere")


async def test_it_logs_each_answer_without_its_path_or_query(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pollweb.access")
    answer = await serving(text=[path("hello", hello)]).get("/text/hello?token=abc")
    (record,) = [record for record in caplog.records if record.name == "pollweb.access"]
    assert record.fields["route"] == "hello"
    assert record.fields["status"] == 200
    assert record.fields["request_id"] == answer.headers["x-request-id"]
    assert "abc" not in json.dumps(record.fields) + record.getMessage()


async def test_it_hands_a_prompt_on_as_it_was_sent(serving: Serving) -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(json.dumps([http.prompt_from_path(request, "/prompt/")]))

    client = serving(image=[re_path(r"(?s)^prompt/.*$", view)])
    sent = "/image/prompt/a%2Fb/%2E%2E/c//%3F%23%25%2B+%0Ad%2541/"
    assert (await client.get(sent)).json() == ["a/b/../c//?#%++\nd%41/"]
    assert (await client.get("/prompt/image/prompt/x")).json() == ["image/prompt/x"]
    assert (await client.get("/image/prompt/")).json() == [""]
    for bad in ("%ff", "%00", "%ed%a0%80"):
        answer = await client.get(f"/image/prompt/{bad}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_prompt")


async def test_it_refuses_synchronous_views_and_middleware_when_it_is_made() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    with pytest.raises(ImproperlyConfigured, match="no async view"):
        LeanHandler({"text": [path("x", view)]})
    with pytest.raises(ImproperlyConfigured, match="no async middleware"):
        LeanHandler({"text": []}, middleware=[lambda get_response: view])


async def test_it_does_not_stream_from_a_synchronous_iterator(serving: Serving) -> None:
    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(iter([b"a"]))

    assert (await serving(text=[path("x", view)]).get("/text/x")).status_code == 500


async def test_it_names_the_allowed_methods_of_a_raised_refusal(serving: Serving) -> None:
    fault = MethodNotAllowed("Use GET.", details={"allow": ["GET", "HEAD"]})
    answer = await serving(text=[path("x", raising(fault))]).post("/text/x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
