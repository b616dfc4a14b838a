"""After a question that cost time in vain nobody asks Redis for a moment; what fails at once may be tried by all."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as Silent

from pollweb.lib import rest


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rest, "COSTLY", 0.02)
    monkeypatch.setattr(rest, "SECONDS", 0.1)
    rest.end()
    yield
    rest.end()


def ask(seconds: float, error: Exception | None, *, sync: bool) -> str:
    """One question that takes so long, and fails so."""

    async def slowly() -> str:
        await asyncio.sleep(seconds)
        return answer()

    def answer() -> str:
        if error is not None:
            raise error
        return "yes"

    async def nothing(_: Exception) -> None: ...

    if sync:
        return str(rest.OnceSync().call_with_retry(lambda: (time.sleep(seconds), answer())[1], lambda _: None))
    return str(asyncio.run(rest.Once().call_with_retry(slowly, nothing)))


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("error", [Silent("nothing came"), Disconnected("no Sentinel knows a master")])
def test_after_what_took_time_nobody_asks_for_a_moment(error: Exception, sync: bool) -> None:
    with pytest.raises(type(error)):
        ask(0.05, error, sync=sync)
    for other in (True, False):  # all clients of the process know it
        with pytest.raises(Disconnected, match="a moment ago"):
            ask(0, None, sync=other)
    time.sleep(0.12)
    assert ask(0, None, sync=sync) == "yes"


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(("seconds", "error"), [(0, Disconnected("refused")), (0.05, ResponseError("no such script"))])
def test_what_was_refused_at_once_or_answered_is_asked_again(seconds: float, error: Exception, sync: bool) -> None:
    with pytest.raises(type(error)):
        ask(seconds, error, sync=sync)
    assert ask(0, None, sync=sync) == "yes"
