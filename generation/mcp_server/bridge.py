"""The MCP server over standard input and output: what an assistant starts as a program, in front of a running pollweb.

Every request is passed on to `/mcp` of that installation, so identity, limits, cache and visibility are the ones of
HTTP, and this program needs neither database nor Redis. When nobody answers there, tools can still be listed, and a
call says what to do; it works again as soon as the server does.
"""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceResult,
    Result,
)
from mcp_types.jsonrpc import INTERNAL_ERROR
from pydantic import ValidationError

import pollweb
from generation.mcp_server import server as own
from pollweb.lib.errors import PollwebError, Unavailable

# A call is answered by a stream that is never silent for longer than a ping (15 s): after these the server is gone.
SILENCE = 60.0
LARGEST_ANSWER = 64 * 2**20  # bytes: a picture in base64, and far more
VERSION = "2025-11-25"  # of the protocol towards the installation

# What an answer is read as: the SDK then writes it in the words of the assistant's own version of the protocol.
RESULTS: dict[str, type[Result]] = {
    "tools/list": ListToolsResult,
    "tools/call": CallToolResult,
    "resources/list": ListResourcesResult,
    "resources/templates/list": ListResourceTemplatesResult,
    "resources/read": ReadResourceResult,
    "prompts/list": ListPromptsResult,
    "prompts/get": GetPromptResult,
}

Context = ServerRequestContext[Any, Any]


class Remote:
    """An installation by its base address. Raises Unavailable, a PollwebError for an HTTP error, and MCPError."""

    def __init__(self, base_url: str, token: str = "", *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.base_url = base_url.strip().rstrip("/").removesuffix("/mcp")
        self.ids = itertools.count(1)
        self.client = httpx.AsyncClient(
            headers={
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": VERSION,
                "User-Agent": f"pollweb-mcpstdio/{pollweb.__version__}",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
            timeout=httpx.Timeout(SILENCE, connect=10),
            # A proxy of the environment does not lead to this machine.
            trust_env=httpx.URL(self.base_url).host not in ("localhost", "127.0.0.1", "::1"),
            transport=transport,
        )

    async def ask(self, context: Context) -> Result:
        """The result of the same request there; its progress is reported here."""
        number = next(self.ids)
        params = {name: value for name, value in (context.params or {}).items() if name != "_meta"}
        # Asked for in any case: a stream that tells progress also tells that the server is alive.
        asked = {"jsonrpc": "2.0", "id": number, "method": context.method}
        asked["params"] = {**params, "_meta": {"progressToken": number}}
        try:
            async with self.client.stream("POST", f"{self.base_url}/mcp", json=asked) as answer:
                if answer.status_code != 200:
                    raise self._refusal(answer.status_code, await _whole(answer))
                async for message in _messages(answer):
                    if message.get("method") == "notifications/progress":
                        told = message.get("params") or {}
                        await context.session.report_progress(
                            told.get("progress", 0), told.get("total"), told.get("message")
                        )
                    elif message.get("id") == number:
                        return _result(context.method, message)
        except httpx.HTTPError as exc:
            raise self._away(exc) from exc
        raise self._away()

    def _away(self, exc: Exception | None = None) -> Unavailable:
        if isinstance(exc, httpx.ReadTimeout):
            what = f"has said nothing for {SILENCE:g} seconds"
        elif isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
            what = "cannot be reached"
        else:
            what = "broke the connection off"
        return Unavailable(
            f"pollweb at {self.base_url} {what}. Is it running (make run)? Is the address right (--base-url)?",
            code="server_away",
        )

    def _refusal(self, status: int, body: bytes) -> PollwebError:
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError:
            told = {}
        said = told.get("error") if isinstance(told, dict) else None
        said = said.get("message") if isinstance(said, dict) else said
        code = told.get("code") if isinstance(told, dict) else None
        if isinstance(said, str) and said:
            return PollwebError(said[:500], code=str(code or "unavailable")[:40], status=status)
        return PollwebError(
            f"{self.base_url}/mcp answers with status {status}; no MCP server seems to be there.",
            code="server_away",
            status=status,
        )


async def _whole(answer: httpx.Response) -> bytes:
    data = bytearray()
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > LARGEST_ANSWER:
            raise httpx.ReadError("The answer is too large.")
    return bytes(data)


async def _messages(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The one message of a JSON answer, or those of a stream as they come."""
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        yield _parsed(await _whole(answer))
        return
    buffer = bytearray()
    async for piece in answer.aiter_bytes():
        buffer += piece
        if len(buffer) > LARGEST_ANSWER:
            raise httpx.ReadError("The answer is too large.")
        *frames, rest = buffer.split(b"\n\n") if b"\n\n" in buffer else (buffer,)
        buffer = rest
        for frame in frames:
            lines = [line[5:].strip() for line in frame.split(b"\n") if line.startswith(b"data:")]
            data = b"\n".join(lines)
            if data:
                yield _parsed(data)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise httpx.DecodingError("The answer is no JSON.") from exc
    if not isinstance(message, dict):
        raise httpx.DecodingError("The answer is no JSON-RPC message.")
    return message


def _result(method: str, message: dict[str, Any]) -> Result:
    error = message.get("error")
    if isinstance(error, dict):
        raise MCPError(int(error.get("code") or INTERNAL_ERROR), str(error.get("message") or ""), error.get("data"))
    try:
        return RESULTS[method].model_validate(message.get("result"))
    except ValidationError as exc:
        raise httpx.DecodingError("The answer is no result.") from exc


def server(remote: Remote) -> Server[dict[str, Any]]:
    """The server that an assistant talks to: as the one at `/mcp`, and honest when that is away."""

    async def pass_on(context: Context, params: object) -> Any:
        try:
            return await remote.ask(context)
        except PollwebError as exc:
            raise MCPError(INTERNAL_ERROR, exc.message) from exc

    async def list_tools(context: Context, params: object) -> Any:
        """Those of the server, which may be of another version; while it is away, the ones known here."""
        try:
            return await remote.ask(context)
        except PollwebError:
            return await own.list_tools(context, None)

    async def call_tool(context: Context, params: Any) -> Any:
        try:
            return await remote.ask(context)
        except PollwebError as exc:
            error = {"code": exc.code, "status": exc.status, "message": exc.message}
            return own.refusal(f"Error calling {params.name[:60]}: {exc.message}", error)

    return Server(
        own.NAME,
        version=pollweb.__version__,
        title="pollweb",
        instructions=own.INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=pass_on,
        on_list_resource_templates=pass_on,
        on_read_resource=pass_on,
        on_list_prompts=pass_on,
        on_get_prompt=pass_on,
    )


@asynccontextmanager
async def opened(base_url: str, token: str) -> AsyncIterator[Server[dict[str, Any]]]:
    remote = Remote(base_url, token)
    try:
        yield server(remote)
    finally:
        await remote.client.aclose()


async def serve(base_url: str, token: str) -> None:
    """Until standard input ends. The SDK turns whatever else prints to standard output over to standard error."""
    async with opened(base_url, token) as bridge, stdio_server() as (incoming, outgoing):
        await bridge.run(incoming, outgoing, bridge.create_initialization_options())
