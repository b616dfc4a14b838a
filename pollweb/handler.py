"""The API lane's ASGI handler: Django's requests, responses and URL patterns without a thread per request.

The stock ASGIHandler starts an OS thread for every request: for the synchronous receivers of `request_started` and
`request_finished`, for closing the response, for logging one of 400 and more, and for any exception. This one leaves
those out. What follows for whoever writes a view here:

- views and middleware are native async; synchronous ones are refused when the handler is made;
- database work goes through `pollweb.lib.db.run`, whose threads look after their connections;
- a streaming response has an async iterator; it is asked for the next piece only when the last one has left;
- a view is cancelled when its client has left.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, RequestAborted
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.urls.exceptions import Resolver404
from django.urls.resolvers import RegexPattern, ResolverMatch
from django.utils.functional import cached_property

from pollweb.lib import ids, traces
from pollweb.lib.errors import BadRequest, NotFound, PollwebError, TooLarge, Unavailable
from pollweb.lib.http.answers import line

BODY_SECONDS = 60.0  # for a whole body, however steadily it drips
LINGER_SECONDS = 2.0
MCP_BODY_BYTES = 4 * 2**20  # as the MCP SDK's own servers take
BODIES_IN_FLIGHT = 256 * 2**20
TURN = 16  # pieces of a stream that are sent without giving the loop its turn

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
GetResponse = Callable[["LeanRequest"], Awaitable[HttpResponseBase]]
Middleware = Callable[[GetResponse], GetResponse]
Observer = Callable[["LeanRequest", int, float], None]


@lru_cache(maxsize=2000)
def _often_asked(query: bytes) -> QueryDict:
    """Nobody can change it, so many requests may have the same."""
    return QueryDict(query)


class InMemory(MemoryFileUploadHandler):
    """Uploads stay where the body already is."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


class LeanRequest(ASGIRequest):
    """A request of one face. `scope["path"]` begins after the face's prefix, which is `scope["root_path"]`."""

    face: str
    id: str
    refused: PollwebError | None = None
    unread = False

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, BytesIO())
        self.face = scope.get("pollweb.face", "root")
        self.id = ids.request_id()
        self.refused = scope.get("pollweb.refused")
        self.path_info = scope["path"]
        self.path = scope.get("root_path", "") + scope["path"]
        self.META["PATH_INFO"] = self.path_info

    @cached_property
    def GET(self) -> QueryDict:  # type: ignore[override]
        text = self.scope["query_string"]
        return QueryDict(text) if len(text) > 500 or b"token=" in text else _often_asked(text)

    def give_body(self, body: bytes) -> None:
        self._body = body
        self._stream = BytesIO(body)

    def _initialize_handlers(self) -> None:
        self._upload_handlers = [InMemory(self)]


class LeanHandler(ASGIHandler):
    """Answers the requests of the faces in `tables` (face → URL patterns) through `middleware`, outermost first.

    Every observer is called with the request, the status and the seconds when an answer has ended; the status is 499
    when the client left before it.
    """

    def __init__(
        self,
        tables: Mapping[str, Sequence[URLPattern | URLResolver]],
        middleware: Sequence[Middleware] = (),
        observers: Sequence[Observer] = (),
    ) -> None:
        # Not super().__init__(), which loads settings.MIDDLEWARE: that is the site's.
        self.resolvers = {face: URLResolver(RegexPattern(r"^/"), tuple(table)) for face, table in tables.items()}
        self.fixed: dict[tuple[str, str], ResolverMatch] = {}  # paths without a variable part, once they were asked for
        for resolver in self.resolvers.values():
            _refuse_synchronous(resolver.url_patterns)
        chain: GetResponse = self._get_response_async
        for factory in reversed(middleware):
            chain = factory(chain)
            if not iscoroutinefunction(chain):
                raise ImproperlyConfigured(f"{factory!r} is no async middleware; the API lane has no others.")
        self._middleware_chain = chain
        self.observers = observers
        self.bytes_in_flight = 0
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        try:
            request = LeanRequest(scope)
        except UnicodeDecodeError:
            refused = BadRequest("The query string is not valid UTF-8.", code="invalid_parameter")
            request = LeanRequest({**scope, "query_string": b"", "pollweb.refused": refused})
        status, held = 499, 0
        self.in_flight += 1
        with traces.request(request, request.id, request.face) as span:
            try:
                try:
                    body = await self.read_body_of(request, receive)
                    request.give_body(body)
                    self.bytes_in_flight += (held := len(body))
                except RequestAborted:
                    return
                except PollwebError as exc:
                    request.refused, request.unread = exc, True
                if request.unread:
                    status = await self.answer_unread(request, receive, send)
                else:
                    status = await self.answer(request, receive, send)
            finally:
                self.in_flight -= 1
                self.bytes_in_flight -= held
                for observer in self.observers:
                    observer(request, status, time.perf_counter() - began)
                traces.answered(span, request, status)

    # --- the body -----------------------------------------------------------------------------------------------------

    def largest_body(self, request: LeanRequest) -> int:
        path, limits = request.path_info, settings.DESIGN.limits
        if request.face == "root" and path.startswith("/mcp"):
            return min(limits.media_request_bytes, MCP_BODY_BYTES)
        carries_media = (
            request.face == "v1"
            or (request.face == "text" and (path == "/" or path.startswith("/openai")))
            or (request.face == "image" and path.startswith("/prompt/"))
        )
        return limits.media_request_bytes if carries_media else limits.request_bytes

    async def read_body_of(self, request: LeanRequest, receive: Receive) -> bytes:
        """The whole body. TooLarge as soon as that is known, 408 after a minute, RequestAborted if the client left."""
        limit = self.largest_body(request)
        length = request.META.get("CONTENT_LENGTH", "")
        if length and not (length.isascii() and length.isdigit()):
            raise BadRequest("Content-Length is not a number.")
        announced = int(length or 0)
        if announced > limit:
            raise _too_large(limit)
        if self.bytes_in_flight + announced > BODIES_IN_FLIGHT:
            raise Unavailable("Too many large requests are being read at this moment.")
        if not announced and "HTTP_TRANSFER_ENCODING" not in request.META:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            if not message.get("more_body"):
                return _within(message.get("body", b""), limit)
            chunks = [message.get("body", b"")]
        else:
            chunks = []
        try:
            connection = request.scope.get("pollweb.connection")
            if connection is not None and connection.body_is_here:
                return await self._read_rest(chunks, limit, receive)  # nothing is waited for
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read_rest(chunks, limit, receive)
        except TimeoutError as exc:
            raise PollwebError("The request body took too long.", code="request_timeout", status=408) from exc

    async def _read_rest(self, chunks: list[bytes], limit: int, receive: Receive) -> bytes:
        size = sum(map(len, chunks))
        held = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestAborted
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                self.bytes_in_flight += len(chunk)
                held += len(chunk)
                if self.bytes_in_flight > BODIES_IN_FLIGHT:
                    raise Unavailable("Too many large requests are being read at this moment.")
                chunks.append(chunk)
                if not message.get("more_body"):
                    return b"".join(chunks)
        finally:
            self.bytes_in_flight -= held

    # --- the answer ---------------------------------------------------------------------------------------------------

    async def answer(self, request: LeanRequest, receive: Receive, send: Send) -> int:
        """Run the view and send what it answers, unless the client leaves first. Its status, or 499."""
        # The view runs in this very task: another for each request would cost as much as the rest of the handler.
        here, over, left, pieces = asyncio.current_task(), False, False, 0
        assert here is not None

        def leave(_: object = None) -> None:
            nonlocal left
            if not over:
                left = True
                here.cancel()

        async def guarded(message: Message) -> None:
            nonlocal pieces
            await send(message)
            # uvicorn's send() on a closed connection returns at once and raises nothing: a generator that waits for
            # nothing else would then hold the loop for ever. Give the loop its turn now and then, and look.
            pieces += 1
            if pieces % TURN == 0 and message.get("more_body"):
                await asyncio.sleep(0)
                if left:
                    raise RequestAborted

        connection, gone = request.scope.get("pollweb.connection"), None
        if connection is not None:
            connection.watch(leave)
        else:  # another server than ours; after the body the only message is "http.disconnect"
            gone = asyncio.ensure_future(receive())
            gone.add_done_callback(leave)
        try:
            return await self.respond(request, guarded)
        except RequestAborted:
            return 499
        except asyncio.CancelledError:
            if not left or here.cancelling() > 1:
                raise  # it is the server that stops
            return 499
        finally:
            over = True
            if connection is not None:
                connection.watch(None)
            if gone is not None:
                gone.cancel()
            if left:
                here.uncancel()

    async def respond(self, request: LeanRequest, send: Send) -> int:
        response = await self.get_response_async(request)
        try:
            store = response.headers._store
            if request.method == "HEAD":
                await self.send_response(_without_body(response), send)
            elif response.streaming or "connection" in store or "pollweb.cycle" not in request.scope:
                await self.send_response(response, send)
            else:
                head = b"".join([line(field) for field in store.values()])
                scope, status = request.scope, response.status_code
                await scope["pollweb.connection"].send_whole(scope["pollweb.cycle"], status, head, response.content)
        finally:
            if response.streaming and hasattr(response._iterator, "aclose"):
                await response._iterator.aclose()
            for close in response._resource_closers:
                close()
            response.closed = True
        return response.status_code

    async def send_response(self, response: Any, send: Send) -> None:
        """As Django does it, without the generators that it lays around a stream and around each piece of it."""
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.headers._store.values()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        if not response.streaming:
            await send({"type": "http.response.body", "body": response.content})
            return
        async for piece in response._iterator:
            if piece:
                await send({"type": "http.response.body", "body": response.make_bytes(piece), "more_body": True})
        await send({"type": "http.response.body"})

    async def answer_unread(self, request: LeanRequest, receive: Receive, send: Send) -> int:
        """Refuse a request whose body was not read to its end, and close the connection.

        A connection closed over unread bytes is reset, and the answer lost with it: the whole answer leaves first, then
        what still comes is thrown away for a moment, then the answer ends.
        """
        response = await self.get_response_async(request)
        response["Connection"] = "close"

        async def lingering(message: Message) -> None:
            await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

        await self.send_response(response, lingering)
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while (message := await receive())["type"] != "http.disconnect" and message.get("more_body"):
                    pass
        except TimeoutError:
            pass
        await send({"type": "http.response.body"})
        return response.status_code

    async def get_response_async(self, request: Any) -> Any:
        response: Any = await self._middleware_chain(request)
        response._resource_closers.append(request.close)
        return response

    async def _get_response_async(self, request: Any) -> HttpResponseBase:
        if request.refused is not None:
            raise request.refused
        match = self.resolve_request(request)
        response = await match.func(request, *match.args, **match.kwargs)
        self.check_response(response, match.func)
        if response.streaming and not response.is_async:
            raise RuntimeError(f"{match.func} streams from a synchronous iterator, which would hold the loop.")
        return response

    def resolve_request(self, request: Any) -> ResolverMatch:
        """The view. A slash at the end is accepted everywhere, and is a part of the prompt in /prompt/…"""
        path: str = request.path_info
        if len(path) > 1 and path[-1] == "/" and not path.startswith("/prompt/"):
            path = path[:-1]
        match = self.fixed.get((request.face, path))
        if match is None:
            try:
                match = self.resolvers[request.face].resolve(path)
            except Resolver404 as exc:
                raise NotFound("There is nothing at this address.") from exc
            if match.route == path[1:]:  # nothing of it varies: there are no more of these than routes
                self.fixed[request.face, path] = match
        request.resolver_match = match
        return match


def _refuse_synchronous(patterns: Iterable[URLPattern | URLResolver]) -> None:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            _refuse_synchronous(pattern.url_patterns)
        elif not iscoroutinefunction(pattern.callback):
            raise ImproperlyConfigured(
                f"{pattern.lookup_str} at {str(pattern.pattern)!r} is no async view; the API lane has no others."
            )


def _without_body(response: HttpResponseBase) -> HttpResponse:
    return HttpResponse(status=response.status_code, headers=dict(response.items()))


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request body is larger than the {limit} bytes that are taken here.")


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body
