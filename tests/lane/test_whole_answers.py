"""A whole answer leaves in one write of our own, and is byte for byte what uvicorn would have made of it."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.urls import path

from pollweb import lane
from pollweb.handler import LeanHandler
from tests.lane.servers import Connection, in_thread

CHANGING = re.compile(rb'(?im)^(date|x-request-id): .*\r\n|"request_id":"\w+"')


async def said(request: HttpRequest) -> HttpResponse:
    """As the query asks: a status, a body of so many bytes, a header."""
    status, size = int(request.GET.get("status", "200")), int(request.GET.get("size", "5"))
    if status == 304:
        return HttpResponseNotModified()
    body = b"" if status == 204 else b"x" * size
    response = HttpResponse(body, status=status, content_type="text/plain; charset=utf-8")
    if "close" in request.GET:
        response["Connection"] = "close"
    response["X-Name"] = "b\xe4r"
    return response


class Counted:
    """The handler, and how many answers left in one write. Without `whole` none does: uvicorn makes them all."""

    def __init__(self, *, whole: bool) -> None:
        faces = ("image", "text", "v1", "auth", "root")
        self.app = LeanHandler({face: [path("said", said)] for face in faces}, [lane.answers])
        self.whole = whole
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.whole:
            del scope["pollweb.cycle"]
        count = 0

        async def counted(message: Any) -> None:
            nonlocal count
            count += 1
            await send(message)

        await self.app(scope, receive, counted)
        self.sent += not count


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Counted, int, int]]:
    """The handler, the port where whole answers leave in one write, and the one where they do not."""
    with ExitStack() as stack:
        ours, theirs = Counted(whole=True), Counted(whole=False)
        yield ours, stack.enter_context(in_thread(ours)), stack.enter_context(in_thread(theirs))


def ask(port: int, target: str, *more: bytes, method: str = "GET", version: str = "1.1") -> bytes:
    """All that the server says until it closes the connection."""
    head = f"{method} {target} HTTP/{version}\r\nHost: localhost\r\n".encode()
    with Connection(port) as connection:
        return connection.send(head + b"".join(one + b"\r\n" for one in more) + b"\r\n").rest()


CLOSE = b"Connection: close"


@pytest.mark.parametrize(
    ("target", "more", "version"),
    [
        ("/said", (CLOSE,), "1.1"),
        ("/said", (), "1.0"),
        ("/said?size=0", (CLOSE,), "1.1"),
        ("/said?status=201", (CLOSE,), "1.1"),
        ("/said?status=204", (CLOSE,), "1.1"),
        ("/said?status=304", (CLOSE,), "1.1"),
        ("/said?status=503", (CLOSE,), "1.1"),
        ("/said?size=300000", (CLOSE,), "1.1"),
        ("/nowhere", (CLOSE,), "1.1"),
    ],
)
def test_it_is_what_uvicorn_would_have_sent(served, target: str, more: tuple[bytes, ...], version: str) -> None:
    app, ours, theirs = served
    before = app.sent
    answer = CHANGING.sub(b"", ask(ours, target, *more, version=version))
    assert answer == CHANGING.sub(b"", ask(theirs, target, *more, version=version))
    assert answer.startswith(b"HTTP/1.1 ")
    assert app.sent == before + 1


@pytest.mark.parametrize(("method", "target"), [("HEAD", "/said"), ("GET", "/said?close")])
def test_the_head_alone_and_a_connection_that_is_to_end_go_the_usual_way(served, method: str, target: str) -> None:
    app, ours, theirs = served
    before = app.sent
    more = (CLOSE,) if method == "HEAD" else ()
    answers = [CHANGING.sub(b"", ask(port, target, *more, method=method)) for port in (ours, theirs)]
    assert answers[0] == answers[1]
    assert app.sent == before


def test_requests_that_came_together_are_answered_in_their_order(served) -> None:
    _, port, _ = served
    asked = b"".join(b"GET /said?size=%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size for size in (3, 70_000, 1))
    with Connection(port) as connection:
        connection.send(asked + b"GET /said?size=2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = connection.rest()
    assert [int(size) for size in re.findall(rb"(?i)content-length: (\d+)", answer)] == [3, 70_000, 1, 2]
    assert [len(body) for body in re.findall(rb"\r\n\r\n(x+)", answer)] == [3, 70_000, 1, 2]


def test_who_reads_slowly_gets_all_of_it(served) -> None:
    _, port, _ = served
    with Connection(port, buffer=4096) as connection:
        connection.send(b"GET /said?size=5000000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        threading.Event().wait(0.1)
        assert connection.rest().partition(b"\r\n\r\n")[2] == b"x" * 5_000_000


def test_one_that_left_before_its_answer_disturbs_nobody(served) -> None:
    _, port, _ = served
    for _ in range(20):
        with Connection(port) as connection:
            connection.send(b"GET /said?size=1000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert ask(port, "/said", CLOSE).endswith(b"\r\n\r\nxxxxx")
