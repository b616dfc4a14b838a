"""One Redis connection of an event loop on which the commands of any number of requests travel together.

What is asked while answers are awaited goes out with the next write, so the cost of a command falls as load grows,
commands arrive in the order in which they were asked, and a thousand requests at once need one connection, not a
thousand. For short commands of the request path; a blocking one would hold up all others.

redis-py opens the connection, with all that its address may say (TLS, a password, a database); then the socket is read
here, since its reader, made for one command at a time, costs more than everything else about a command.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as Silent

from pollweb.lib import rest

ANSWER_SECONDS = 0.5
MOST_WAITING = 20_000


class _Command:
    """One command, its answer to come, and whether it was sent on a connection that broke."""

    __slots__ = ("future", "repeated", "words")

    def __init__(self, words: tuple[Any, ...], future: "asyncio.Future[Any]") -> None:
        self.words, self.future, self.repeated = words, future, False

    def fail(self, reason: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(reason)
            self.future.exception()  # whoever asked may be gone


class _Line(asyncio.Protocol):
    """An open connection, and the commands that were sent on it and not answered yet, oldest first."""

    def __init__(self, connection: AbstractConnection, told: Callable[[], None]) -> None:
        """`told` is called when everything is answered, or the connection is lost."""
        self.connection = connection  # held, since it closes its socket when nobody does
        self.sent: deque[_Command] = deque()
        self.lost: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._told = told
        self._reader = hiredis.Reader()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: Any = connection._writer.transport  # type: ignore[union-attr]
        self._transport.set_protocol(self)

    def send(self, commands: list[_Command]) -> None:
        self.sent.extend(commands)
        self._transport.write(b"".join([hiredis.pack_command(one.words) for one in commands]))
        self._due = self._loop.time() + ANSWER_SECONDS
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def data_received(self, data: bytes) -> None:
        sent = self.sent
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                command = sent.popleft()
                if isinstance(answer, hiredis.ReplyError):
                    command.fail(_refusal(str(answer)))
                elif not command.future.done():
                    command.future.set_result(answer)
        except (hiredis.ProtocolError, IndexError):
            self.close(Disconnected("Redis said what nobody asked for"))
            return
        if not sent:
            self._told()

    def _look(self) -> None:
        """One timer for all sendings: is an answer overdue?"""
        self._timer = None
        if not self.sent:
            return
        if self._due <= self._loop.time():
            # What comes later would be taken for the answer to something else.
            self.close(Silent("Redis did not answer in time"))
        else:
            self._timer = self._loop.call_at(self._due, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(Disconnected("the connection to Redis was lost"))

    def close(self, reason: Exception) -> None:
        if self.lost is not None:
            return
        self.lost = reason
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        self._told()


def _refusal(text: str) -> RedisError:
    """Redis's words for a refusal, as redis-py has them."""
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


class Pipe:
    def __init__(self, connect: Callable[[], AbstractConnection]) -> None:
        self._connect = connect
        self._line: _Line | None = None
        self._asked: list[_Command] = []
        self._opening: asyncio.Task[None] | None = None

    async def run(self, *command: Any) -> Any:
        """The answer to one command. RedisError or OSError when there is none.

        A command that was on its way when the connection broke is sent once more: it may have been heard twice.
        """
        loop = asyncio.get_running_loop()
        rest.check()
        if len(self._asked) >= MOST_WAITING:
            raise Disconnected("too many commands wait for Redis")
        future: asyncio.Future[Any] = loop.create_future()
        self._asked.append(_Command(command, future))
        if len(self._asked) == 1:
            loop.call_soon(self._send)
        return await future

    def _send(self) -> None:
        """What was asked since the last answers, in one write."""
        line = self._line
        if line is not None and line.lost is not None:
            self._ask_again(line, line.lost)
            self._line = line = None
        if line is not None and line.sent:
            return  # called again when those are answered
        asked = [one for one in self._asked if not one.future.done()]
        if not asked:
            self._asked = []
        elif line is not None:
            self._asked = []
            line.send(asked)
        elif self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    def _ask_again(self, line: _Line, reason: Exception) -> None:
        """The connection is lost: what it owes is asked for again, once; not of a Redis that was silent."""
        again = []
        for one in line.sent:
            if one.repeated or not isinstance(reason, Disconnected):
                rest.begin()
                one.fail(reason)
            else:
                one.repeated = True
                again.append(one)
        self._asked = again + self._asked

    async def _open(self) -> None:
        try:
            connection = self._connect()
            await connection.connect()
            self._line = _Line(connection, self._send)
        except BaseException as exc:
            rest.begin()
            asked, self._asked = self._asked, []
            for one in asked:
                one.fail(exc if isinstance(exc, Exception) else Disconnected("closed"))
            if not isinstance(exc, Exception):
                raise
        else:
            self._send()
        finally:
            self._opening = None

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        line, self._line = self._line, None
        if line is not None:
            for one in (*line.sent, *self._asked):
                one.fail(Disconnected("closed"))
            self._asked = []
            line.sent.clear()
            line.close(Disconnected("closed"))
            with contextlib.suppress(Exception):
                await line.connection.disconnect(nowait=True)
