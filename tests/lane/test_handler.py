"""The handler by ASGI messages: bodies, departures, streams; and what it relies on in Django."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import ResponseHeaders
from django.urls import path, re_path

from pollweb import handler as handler_module
from pollweb import lane
from pollweb.handler import LeanHandler


def lane_of(*patterns: Any, observers: Any = ()) -> LeanHandler:
    return LeanHandler({"text": patterns, "root": patterns}, [lane.answers], observers)


async def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


async def test_it_collects_a_body_that_comes_in_pieces(wire: Any) -> None:
    call = wire(lane_of(path("x", echo)), "POST", "/x", {"content-length": "6"})
    call.body(b"abc", more=True)
    call.body(b"def")
    await call.task
    assert call.sent[1]["body"] == b"abcdef"


async def test_it_remembers_where_addresses_lead_that_do_not_vary_and_no_others(wire: Any) -> None:
    lean = lane_of(path("x", echo), re_path("^prompt/.*$", echo))
    for address in ("/x", "/x/", "/prompt/a", "/prompt/b", "/x"):
        call = wire(lean, "GET", address)
        call.body(b"")
        await call.task
        assert call.status == 200
    assert [found for _, found in lean.fixed] == ["/x"]


async def test_it_refuses_an_announced_body_before_it_arrives(wire: Any) -> None:
    call = wire(lane_of(path("x", echo)), "POST", "/x", {"content-length": str(2**30)})
    call.leave()
    await call.task
    assert call.status == 413
    assert json.loads(call.sent[1]["body"])["code"] == "request_too_large"


async def test_it_refuses_a_growing_body_at_its_limit(wire: Any) -> None:
    lean = lane_of(path("x", echo))
    call = wire(lean, "POST", "/x", {"transfer-encoding": "chunked"})
    for _ in range(5):
        call.body(b"x" * 2**18, more=True)
    call.leave()
    await call.task
    assert call.status == 413
    assert (b"Connection", b"close") in call.sent[0]["headers"]
    assert lean.bytes_in_flight == lean.in_flight == 0


async def test_it_takes_larger_bodies_where_media_are_expected(wire: Any) -> None:
    scope = {"pollweb.face": "text"}
    lean = lane_of(re_path("^openai", echo), path("other", echo))
    allowed = wire(lean, "POST", "/openai", {"content-length": str(2 * 2**20)}, **scope)
    allowed.body(b"x" * 2 * 2**20)
    await allowed.task
    assert allowed.status == 200
    refused = wire(lean, "POST", "/other", {"content-length": str(2 * 2**20)}, **scope)
    refused.leave()
    await refused.task
    assert refused.status == 413


async def test_it_stops_waiting_for_a_dripping_body(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler_module, "BODY_SECONDS", 0.02)
    monkeypatch.setattr(handler_module, "LINGER_SECONDS", 0.02)
    call = wire(lane_of(path("x", echo)), "POST", "/x", {"content-length": "100"})
    call.body(b"x", more=True)
    await call.task
    assert call.status == 408
    assert json.loads(call.sent[1]["body"])["code"] == "request_timeout"


async def test_it_answers_with_400_for_a_query_that_is_no_text(wire: Any) -> None:
    call = wire(lane_of(path("x", echo)), query_string=b"a=\xff", path="/x")
    call.body()
    await call.task
    assert call.status == 400


async def test_it_does_nothing_for_a_client_that_left_with_its_body_half_sent(wire: Any) -> None:
    ended: list[int] = []
    lean = lane_of(path("x", echo), observers=[lambda request, status, seconds: ended.append(status)])
    call = wire(lean, "POST", "/x", {"content-length": "100"})
    call.body(b"x", more=True)
    call.leave()
    await call.task
    assert (call.sent, ended) == ([], [499])


async def test_it_cancels_the_view_of_a_client_that_left(wire: Any) -> None:
    began, ended = asyncio.Event(), []

    async def view(request: HttpRequest) -> HttpResponse:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")
        return HttpResponse()

    lean = lane_of(path("x", view), observers=[lambda request, status, seconds: ended.append(status)])
    call = wire(lean, path="/x")
    call.body()
    await began.wait()
    call.leave()
    await call.task
    assert ended == ["cleaned up", 499]


async def test_it_cleans_up_the_view_when_the_server_cancels_the_request(wire: Any) -> None:
    began, ended = asyncio.Event(), []

    async def view(request: HttpRequest) -> HttpResponse:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return HttpResponse()

    call = wire(lane_of(path("x", view)), path="/x")
    call.body()
    await began.wait()
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    assert ended == [True]


async def test_it_ends_an_endless_stream_that_waits_for_nothing(wire: Any) -> None:
    closed = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(pieces())

    call = wire(lane_of(path("x", view)), path="/x")
    call.body()
    await call.until(10)
    call.leave()
    await asyncio.wait_for(call.task, 5)
    assert closed == [True]


async def test_it_asks_for_the_next_piece_only_when_the_last_has_left(wire: Any) -> None:
    made = []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(5):
            made.append(number)
            yield b"x"

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(pieces())

    class Slow(wire):  # type: ignore[misc, valid-type]
        async def send(self, message: dict[str, Any]) -> None:
            await super().send(message)
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

    call = Slow(lane_of(path("x", view)), path="/x")
    call.body()
    await call.until(2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert made == [0]
    call.leave()
    await call.task


async def test_it_sends_no_piece_of_a_stream_for_head(wire: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        raise AssertionError("asked for a piece")
        yield b""

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(pieces(), content_type="text/event-stream")

    call = wire(lane_of(path("x", view)), "HEAD", "/x")
    call.body()
    await call.task
    assert [message.get("body", b"") for message in call.sent[1:]] == [b""]
    assert (b"Content-Type", b"text/event-stream") in call.sent[0]["headers"]


async def test_it_closes_responses_in_the_loop(wire: Any) -> None:
    closed = []

    async def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse()
        response._resource_closers.append(lambda: closed.append(asyncio.get_running_loop()))
        return response

    call = wire(lane_of(path("x", view)), path="/x")
    call.body()
    await call.task
    assert closed == [asyncio.get_running_loop()]


async def test_it_takes_uploads_into_memory_whatever_their_size(wire: Any) -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        file = request.FILES["file"]
        return HttpResponse(f"{type(file).__name__} {file.size} {request.POST['model']}")

    part = b"x" * 3 * 2**20
    body = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + part + b"\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(len(body))}
    lean = LeanHandler({"v1": [path("x", view)]}, [lane.answers])
    call = wire(lean, "POST", "/x", headers, **{"pollweb.face": "v1"})
    call.body(body)
    await call.task
    assert call.sent[1]["body"] == b"InMemoryUploadedFile 3145728 whisper"


# --- what it relies on in Django --------------------------------------------------------------------------------------


def test_django_keeps_a_responses_headers_in_a_dict_by_lower_case_name() -> None:
    response = HttpResponse()
    store = response.headers._store
    assert isinstance(response.headers, ResponseHeaders)
    assert isinstance(store, dict)
    response["X-Some-Name"] = "value"
    assert store["x-some-name"] == ("X-Some-Name", "value")


def test_django_closes_a_response_by_its_resource_closers(db: None) -> None:  # closing looks at connections
    response, closed = HttpResponse(), []
    response._resource_closers.append(lambda: closed.append(True))
    response.close()
    assert (closed, response.closed) == ([True], True)


def test_django_reads_a_requests_body_and_forms_from_its_private_body() -> None:
    request = handler_module.LeanRequest(
        {
            "type": "http",
            "method": "POST",
            "path": "/x",
            "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
            "query_string": b"",
        }
    )
    request.give_body(b"a=1")
    assert (request.body, request.POST["a"]) == (b"a=1", "1")


async def test_it_never_leaves_the_loops_thread(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """sync_to_async, run_in_executor and thread starts are what makes the stock handler slow."""
    import threading

    def no_thread(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a thread was started")

    async def fails(request: HttpRequest) -> HttpResponse:
        raise KeyError

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", no_thread)
    for target in ("/x", "/fails", "/nowhere"):
        call = wire(lane_of(path("x", echo), path("fails", fails)), path=target)
        call.body()
        await call.task
        assert call.status in (200, 404, 500)
