"""One request of an MCP client, from its JSON to the answer: the protocol's two eras over the SDK's own dispatch.

The SDK's session manager would keep a task group, and a transport with streams of its own for every request; in its
JSON mode it drops progress notifications. Here a request is one call of `serve_one`: nothing is started that could
leak, and a call is answered as JSON unless its client asked for progress and it takes long enough to tell some.
Formats: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports, and the same of 2026-07-28.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from mcp.server.connection import Connection
from mcp.server.runner import serve_one
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp.shared.jsonrpc_dispatcher import handler_exception_to_error_data, progress_token_from_params
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import DEFAULT_NEGOTIATED_VERSION, JSONRPCRequest
from mcp_types.jsonrpc import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError

from generation.mcp_server.server import SERVER
from pollweb.lib import http
from pollweb.lib.errors import BadRequest, PollwebError

PING_SECONDS = 15.0  # shorter than the minute after which proxies close a silent stream

logger = logging.getLogger("pollweb.mcp")


@dataclass
class Exchange:
    """What a handler is given to answer one request: mcp.shared.dispatcher.DispatchContext.

    `frames` are the notifications for its stream, then None; nobody reads them when the answer is JSON.
    """

    request: HttpRequest
    request_id: str | int
    token: str | int | None
    frames: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)
    can_send_request: bool = False

    @property
    def transport(self) -> TransportContext:
        return TransportContext(kind="streamable-http", can_send_request=False, headers=self.request.headers)

    @property
    def message_metadata(self) -> ServerMessageMetadata:
        return ServerMessageMetadata(request_context=self.request, can_send_request=False)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        if self.token is not None:
            self.frames.put_nowait(_frame({"jsonrpc": "2.0", "method": method, "params": dict(params or {})}))

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        told = {"progressToken": self.token, "progress": progress, "total": total, "message": message}
        await self.notify("notifications/progress", {name: value for name, value in told.items() if value is not None})


async def answer(request: HttpRequest) -> HttpResponseBase:
    """The answer to one POST."""
    takes_json, takes_stream = _accepted(request)
    if not (takes_json or takes_stream):
        raise PollwebError(
            "An MCP client accepts application/json and text/event-stream.", code="not_acceptable", status=406
        )
    try:
        message = http.json_body(request)
    except BadRequest as exc:
        is_batch = request.body.lstrip()[:1] == b"["
        return _refusal(None, INVALID_REQUEST if is_batch else PARSE_ERROR, exc.message, status=400)
    if "id" not in message or ("method" not in message and ("result" in message or "error" in message)):
        # Notifications and answers: there is no session that one could belong to.
        return HttpResponse(status=202)
    try:
        asked = JSONRPCRequest.model_validate(message)
    except ValidationError:
        return _refusal(None, INVALID_REQUEST, "The body must be one JSON-RPC 2.0 request.", status=400)
    named = request.headers.get(MCP_PROTOCOL_VERSION_HEADER)
    is_modern = named is not None and named not in HANDSHAKE_PROTOCOL_VERSIONS
    if is_modern:
        route = _route(request, message)
        if isinstance(route, InboundLadderRejection):
            return _refusal(asked.id, route.code, route.message, route.data)
        connection = Connection.from_envelope(route.protocol_version, route.client_info, route.client_capabilities)
    else:
        connection = Connection.from_envelope(named or DEFAULT_NEGOTIATED_VERSION, None, None)
    exchange = Exchange(request, asked.id, progress_token_from_params(asked.params) if takes_stream else None)
    work = _outcome(serve_one(SERVER, exchange, asked.method, asked.params, connection=connection, lifespan_state={}))
    if exchange.token is None:
        return _whole(asked.id, await work, is_modern)
    return await _as_it_comes(exchange, work, is_modern)


def _accepted(request: HttpRequest) -> tuple[bool, bool]:
    """Does the client take JSON, does it take a stream?"""
    kinds = {kind.partition(";")[0].strip().lower() for kind in request.headers.get("accept", "*/*").split(",")}
    return (
        bool(kinds & {"*/*", "application/*", "application/json"}),
        bool(kinds & {"*/*", "text/*", "text/event-stream"}),
    )


def _route(request: HttpRequest, message: dict[str, Any]) -> Any:
    """What the envelope of a request since 2026-07-28 says, or why it is refused."""
    raw = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]  # type: ignore[attr-defined]
    if (twice := find_duplicated_routing_header(raw)) is not None:
        return InboundLadderRejection(code=HEADER_MISMATCH, message=f"The header {twice} appears more than once.")
    return classify_inbound_request(message, headers=dict(raw))


async def _outcome(work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """`{"result": …}` or `{"error": …}`, whatever happens."""
    try:
        return {"result": await work}
    except Exception as exc:
        error = handler_exception_to_error_data(exc)
        if error is None:
            logger.exception("Unexpected %s", type(exc).__name__)
            return {"error": {"code": INTERNAL_ERROR, "message": "Something went wrong here."}}
        return {"error": error.model_dump(mode="json", by_alias=True, exclude_none=True)}


def _whole(request_id: str | int | None, outcome: dict[str, Any], is_modern: bool) -> HttpResponse:
    # Since 2026-07-28 some errors have a status of their own; before, an answered request is a 200.
    code = outcome.get("error", {}).get("code")
    status = ERROR_CODE_HTTP_STATUS.get(code, 200) if is_modern else 200
    return _json({"jsonrpc": "2.0", "id": request_id, **outcome}, status)


def _refusal(
    request_id: str | int | None, code: int, message: str, data: Any = None, *, status: int = 0
) -> HttpResponse:
    error = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return _json({"jsonrpc": "2.0", "id": request_id, "error": error}, status or ERROR_CODE_HTTP_STATUS.get(code, 400))


def _json(message: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(message, default=str),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _frame(message: dict[str, Any]) -> bytes:
    return b"event: message\ndata: " + orjson.dumps(message, default=str) + b"\n\n"


async def _as_it_comes(exchange: Exchange, work: Awaitable[dict[str, Any]], is_modern: bool) -> HttpResponseBase:
    """JSON when the work is done before there was anything to tell, a stream otherwise."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: exchange.frames.put_nowait(None))
    try:
        first = await exchange.frames.get()
    except asyncio.CancelledError:
        await _given_up(task)
        raise
    if first is None:
        return _whole(exchange.request_id, task.result(), is_modern)
    body = _frames(first, exchange, task)
    # An async generator that was never started has no `finally`: start it, so that closing it ends the work.
    await anext(body)
    return StreamingHttpResponse(
        body,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )


async def _frames(first: bytes, exchange: Exchange, task: "asyncio.Future[dict[str, Any]]") -> AsyncGenerator[bytes]:
    try:
        yield b""
        frame: bytes | None = first
        while frame is not None:
            yield frame
            try:
                frame = await asyncio.wait_for(exchange.frames.get(), PING_SECONDS)
            except TimeoutError:
                frame = b": ping\n\n"
        yield _frame({"jsonrpc": "2.0", "id": exchange.request_id, **task.result()})
    finally:
        await _given_up(task)


async def _given_up(task: "asyncio.Future[Any]") -> None:
    """The client has left, or everything was said: what still runs ends, and is waited for."""
    task.cancel()
    again: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as exc:
            again = exc  # the handler, which hears of the client's leaving twice
    if again is not None:
        raise again
