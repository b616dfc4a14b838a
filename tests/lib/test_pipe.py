"""Commands of many requests on one connection, against a server that a test leads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import hiredis
import pytest
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, ResponseError, TimeoutError

from pollweb.lib import pipe as pipe_module
from pollweb.lib import rest
from pollweb.lib.pipe import Pipe

Heard = list[list[bytes]]


class Server:
    """Answers each command with its own last word, unless `answer` says otherwise (None: nothing).

    `rounds` are the commands as they came, those together that came together; `opened` counts the connections.
    """

    def __init__(self) -> None:
        self.rounds: list[Heard] = []
        self.opened = 0
        self.answer: Callable[[list[bytes], asyncio.StreamWriter], bytes | None] = lambda words, _: bulk(words[-1])
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def commands(self) -> Heard:
        return [words for heard in self.rounds for words in heard]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.writers.append(writer)
        parser = hiredis.Reader()
        try:
            while data := await reader.read(2**20):
                parser.feed(data)
                heard: Heard = []
                while (words := parser.gets()) is not False:
                    heard.append(words)
                self.rounds.append(heard)
                for words in heard:
                    if (answer := self.answer(words, writer)) is not None and not writer.is_closing():
                        writer.write(answer)
        except ConnectionError:
            pass
        finally:
            writer.close()


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)


class Connection:
    """As much of redis-py's connection as the pipe uses."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._writer: Any = None

    async def connect(self) -> None:
        _, self._writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def disconnect(self, nowait: bool = False) -> None:
        self._writer.close()


@pytest.fixture(autouse=True)
def nobody_rests() -> Iterator[None]:
    """What these servers do is not the suite's own server's fault."""
    yield
    rest.end()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    led = Server()
    listening = await asyncio.start_server(led.serve, "127.0.0.1", 0)
    led.port = listening.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield led
    listening.close()
    for writer in led.writers:
        writer.close()
    await asyncio.sleep(0)


@pytest.fixture
async def pipe(server: Any) -> AsyncIterator[Pipe]:
    made = Pipe(lambda: Connection(server.port))  # type: ignore[arg-type, return-value]
    yield made
    await made.close()
    await asyncio.sleep(0)


def asking(pipe: Pipe, *words: Any) -> "asyncio.Task[Any]":
    return asyncio.ensure_future(pipe.run(*words))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def failed(answer: Awaitable[Any]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test says which
        await answer
    return caught.value


async def test_commands_travel_together_in_their_order_and_each_gets_its_own_answer(server, pipe):
    assert await pipe.run("GET", "first") == b"first"
    answers = await asyncio.gather(*(pipe.run("GET", number) for number in range(100)))
    assert answers == [b"%d" % number for number in range(100)]
    assert server.commands[1:] == [[b"GET", b"%d" % number] for number in range(100)]
    assert (server.opened, len(server.rounds) < 10) == (1, True)


async def test_what_is_asked_meanwhile_goes_out_when_the_answers_have_come(server, pipe):
    held = asyncio.Event()
    server.answer = lambda words, writer: None if not held.is_set() else bulk(words[-1])
    first = asking(pipe, "GET", "one")
    await until(lambda: server.rounds)
    later = [asking(pipe, "GET", word) for word in ("two", "three")]
    await asyncio.sleep(0.02)
    assert server.commands == [[b"GET", b"one"]]
    held.set()
    server.writers[0].write(bulk(b"one"))
    assert [await first, *await asyncio.gather(*later)] == [b"one", b"two", b"three"]
    assert server.rounds[1] == [[b"GET", b"two"], [b"GET", b"three"]]


async def test_a_refusal_is_for_the_one_who_asked(server, pipe):
    said = {b"a": b"-NOSCRIPT No matching script.\r\n", b"b": b"-WRONGTYPE no\r\n"}
    server.answer = lambda words, writer: said.get(words[-1], bulk(words[-1]))
    answers = await asyncio.gather(*(pipe.run("GET", word) for word in "abc"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [NoScriptError, ResponseError, bytes]
    assert answers[2] == b"c"


async def test_one_that_leaves_takes_no_answer_of_another(server, pipe):
    asked = [asking(pipe, "GET", number) for number in range(10)]
    await until(lambda: server.rounds or asked[0].done())
    for task in asked[::2]:
        task.cancel()
    answers = await asyncio.gather(*asked[1::2])
    assert answers == [b"%d" % number for number in range(1, 10, 2)]


async def test_what_was_on_its_way_when_the_connection_broke_is_asked_once_more(server, pipe):
    def break_off(words: list[bytes], writer: asyncio.StreamWriter) -> None:
        server.answer = lambda words, writer: bulk(words[-1])
        writer.transport.abort()

    server.answer = break_off
    assert await asyncio.gather(*(pipe.run("GET", word) for word in "abc")) == [b"a", b"b", b"c"]
    assert server.opened == 2


async def test_it_is_an_error_when_the_connection_breaks_twice(server, pipe):
    server.answer = lambda words, writer: writer.transport.abort()
    assert isinstance(await failed(pipe.run("GET", "x")), Disconnected)
    assert (server.opened, len(server.commands)) == (2, 2)


async def test_one_that_is_silent_is_left_and_its_late_answer_is_nobodys(server, pipe, monkeypatch):
    monkeypatch.setattr(pipe_module, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(rest, "SECONDS", 0.0)
    server.answer = lambda words, writer: None
    assert isinstance(await failed(pipe.run("GET", "late")), TimeoutError)
    assert len(server.commands) == 1  # it may have done what it was told: nothing is repeated
    server.answer = lambda words, writer: bulk(words[-1])
    server.writers[0].write(bulk(b"late"))
    assert await pipe.run("GET", "next") == b"next"
    assert server.opened == 2


async def test_after_a_failure_it_rests_for_a_moment_and_then_it_works_again(server, monkeypatch):
    monkeypatch.setattr(rest, "SECONDS", 0.2)
    tried: list[int] = []
    port = 9  # nobody listens there

    def connection() -> Any:
        tried.append(port)
        return Connection(port)

    pipe = Pipe(connection)
    assert isinstance(await failed(pipe.run("GET", "x")), OSError)
    assert isinstance(await failed(pipe.run("GET", "x")), Disconnected)
    assert tried == [9]
    port = server.port
    await asyncio.sleep(0.21)
    assert await pipe.run("GET", "x") == b"x"
    await pipe.close()


@pytest.mark.parametrize("noise", [b"+an answer to nothing\r\n", b"this is not Redis\r\n"])
async def test_what_nobody_asked_for_ends_the_connection(server, pipe, noise):
    assert await pipe.run("GET", "a") == b"a"
    server.writers[0].write(noise)
    await until(lambda: pipe._line is None)
    assert await pipe.run("GET", "b") == b"b"
    assert server.opened == 2


async def test_no_more_may_wait_than_it_holds(server, pipe, monkeypatch):
    monkeypatch.setattr(pipe_module, "MOST_WAITING", 3)
    asked = [asking(pipe, "GET", number) for number in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[:3] == [b"0", b"1", b"2"]
    assert isinstance(answers[3], Disconnected)


async def test_whoever_waits_is_told_when_it_is_closed(server, pipe):
    server.answer = lambda words, writer: None
    sent = asking(pipe, "GET", "sent")
    await until(lambda: server.rounds)
    waiting = asking(pipe, "GET", "waiting")
    await asyncio.sleep(0)
    await pipe.close()
    assert [type(one) for one in await asyncio.gather(sent, waiting, return_exceptions=True)] == [Disconnected] * 2


async def test_whoever_waits_for_the_connection_is_told_too():
    class Slow(Connection):
        async def connect(self) -> None:
            await asyncio.Event().wait()

    pipe = Pipe(lambda: Slow(9))  # type: ignore[arg-type, return-value]
    waiting = asking(pipe, "GET", "x")
    await until(lambda: pipe._opening is not None)
    await pipe.close()
    assert isinstance(await failed(waiting), Disconnected)
