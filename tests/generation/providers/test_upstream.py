"""What goes wrong on the way to an upstream is told in our words."""

import inspect

import aiohttp
import httpx
import pytest

from generation.errors import ProviderError
from generation.providers.upstream import faults

REQUEST = httpx.Request("GET", "http://127.0.0.1/")


def made(kind: type[Exception]) -> Exception:
    """An instance of any of httpx's exceptions."""
    if kind is httpx.HTTPStatusError:
        return kind("x", request=REQUEST, response=httpx.Response(500))  # type: ignore[call-arg]
    if kind in (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead):
        return kind()
    return kind("the inner secret")


EVERY = [
    kind
    for _, kind in inspect.getmembers(httpx, inspect.isclass)
    if issubclass(kind, Exception) and kind is not Exception
]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_of_httpx_becomes_one_of_ours(kind):
    raised = made(kind)
    assert isinstance(raised, faults.RAISED)
    error = faults.error_of("gpu", raised)
    assert "inner secret" not in f"{error.message} {error.details}"
    assert error.status in (502, 503, 504)


@pytest.mark.parametrize(
    "error", [aiohttp.ClientError("x"), aiohttp.ServerDisconnectedError(), ConnectionResetError(), OSError("no route")]
)
def test_so_does_what_the_transport_lets_through(error):
    assert isinstance(error, faults.RAISED)
    assert isinstance(faults.error_of("gpu", error), ProviderError)


@pytest.mark.parametrize(
    "said",
    [
        "key sk-abcdefgh12345 is wrong",
        "Authorization: Bearer abc.def-ghi",
        "http://user:pass@10.0.0.1/ failed",
        "ask alice@example.com",
        "\x1b[31mred\u202e",
    ],
)
def test_an_excerpt_holds_no_secret_and_nothing_unseen(said):
    kept = faults.scrubbed(said)
    for secret in ("abcdefgh12345", "abc.def-ghi", "user:pass", "alice@", "\x1b", "\u202e"):
        assert secret not in kept
    assert len(faults.scrubbed("x" * 5000)) == 300


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("0.5", 0.5), ("soon", None), ("", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)]
)
def test_retry_after_is_a_number_or_a_date(said, seconds):
    assert faults.retry_after(httpx.Headers({"retry-after": said})) == seconds
