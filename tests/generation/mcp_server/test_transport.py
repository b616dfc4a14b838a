"""Streamable HTTP without sessions: what is taken and refused, progress, leaving, memory; resources and prompts."""

import asyncio
import gc
import json
import tracemalloc

import httpx
import pytest
from asgiref.sync import sync_to_async
from mcp import MCPError

from generation.mcp_server import call
from generation.models import Generation
from tests.fakes import jpeg

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def message(method: str, id: int | str | None = 1, **params) -> dict:
    asked = {"jsonrpc": "2.0", "method": method, "params": params}
    return asked if id is None else {**asked, "id": id}


def initialize(version: str = "2025-11-25") -> dict:
    return message(
        "initialize", protocolVersion=version, capabilities={}, clientInfo={"name": "a test", "version": "1"}
    )


@pytest.fixture
def post(client):
    async def posted(body, path: str = "/mcp", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.post(path, content=content, headers=ACCEPT | named)

    return posted


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/text/mcp"])
async def test_it_shakes_hands_with_every_client(post, version, path):
    answer = await post(initialize(version), path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    result = answer.json()["result"]
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] == "pollinations-multimodal-api"
    assert set(result["capabilities"]) == {"tools", "resources", "prompts"}
    assert "mcp-session-id" not in answer.headers
    assert (await post(message("notifications/initialized", None))).status_code == 202


async def test_a_call_needs_no_handshake_and_is_answered_as_json(post):
    answer = await post(message("tools/call", "a", name="generateText", arguments={"prompt": "hi"}))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["id"] == "a"
    assert answer.json()["result"]["content"] == [{"type": "text", "text": "Hello"}]
    answer = await post(message("tools/list"), Accept="application/json")
    assert len(answer.json()["result"]["tools"]) == 13


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_is_no_stream_of_its_own_and_no_session_to_end(client, method):
    answer = await client.request(method, "/mcp", headers=ACCEPT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "MCP clients" in answer.json()["error"]


# --- who may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.example"])
async def test_another_host_name_is_refused(post, host):
    answer = await post(initialize(), Host=host)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_host")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://localhost:8000", 200),
        ("http://localhost:6274", 200),
        ("http://127.0.0.1:3000", 200),
        ("http://[::1]:3000", 200),
        ("https://inspector.example", 200),
    ],
)
async def test_pages_of_other_origins_are_refused(post, settings, origin, status):
    settings.MCP_ORIGINS = frozenset({"https://inspector.example"})
    answer = await post(initialize(), Origin=origin)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "origin_not_allowed"
    settings.MCP_ORIGINS = frozenset({"*"})
    assert (await post(initialize(), Origin=origin)).status_code == 200


async def test_five_megabytes_are_too_many(post, working):
    big = message("tools/call", name="sayText", arguments={"text": "x" * (5 * 2**20)})
    answer = await post(big)
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
    assert working.calls == []
    fits = message("tools/call", name="sayText", arguments={"text": "x" * (3 * 2**20)})
    assert (await post(fits)).json()["result"]["isError"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[" * 5000, -32600),
        (b'{"a":' * 500 + b"1" + b"}" * 500, -32700),
        (json.dumps([message("ping")]).encode(), -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"id":1}', -32600),
    ],
)
async def test_what_is_no_request_is_refused(post, body, code):
    answer = await post(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["id"] is None


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (message("tools/call", arguments={}), -32602),
        (message("tools/call", name="sayText", arguments=[]), -32602),
        (message("sampling/createMessage"), -32601),
        (message("logging/setLevel", level="debug"), -32601),
        (message("resources/read", uri="pollweb://items/../../etc"), -32002),
        (message("prompts/get", name="nothing"), -32602),
        (message("initialize"), -32602),
    ],
)
async def test_a_request_that_cannot_be_answered_is_an_error_of_the_protocol(post, asked, code):
    answer = await post(asked)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == code


async def test_other_types_are_refused(client, post):
    plain = await client.post("/mcp", content=b"{}", headers={"Content-Type": "text/plain"})
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media_type")
    answer = await post(initialize(), Accept="image/png")
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


async def test_a_version_that_is_not_known_is_refused_with_those_that_are(post):
    answer = await post(message("tools/list"), mcp_protocol_version="2099-01-01")
    assert answer.status_code == 400
    assert "error" in answer.json()


# --- progress, and leaving --------------------------------------------------------------------------------------------


async def test_a_long_call_reports_progress_and_ends_with_its_result(connect, era, working, monkeypatch):
    monkeypatch.setattr(call, "TOLD_EVERY", 0.05)
    working.held = True
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async def let_go() -> None:
        await asyncio.sleep(0.6)
        working.held = False

    letting = asyncio.create_task(let_go())
    async with connect(era) as assistant:
        result = await assistant.call_tool(
            "generateImage", {"prompt": "slow", "width": 64, "height": 64}, progress_callback=hear
        )
    await letting
    assert result.content[0].type == "image"
    assert len(heard) >= 3
    assert [progress for progress, _, _ in heard] == sorted(progress for progress, _, _ in heard)
    assert heard[-1][2] == "Being made"


async def test_a_quick_call_is_json_though_progress_was_asked_for(post):
    asked = message("tools/call", name="listImageModels", arguments={}, _meta={"progressToken": 5})
    assert (await post(asked)).headers["content-type"] == "application/json"


async def test_a_client_that_takes_no_stream_is_answered_as_json(post, working, monkeypatch):
    monkeypatch.setattr(call, "TOLD_EVERY", 0.01)
    asked = message("tools/call", name="generateText", arguments={"prompt": "x"}, _meta={"progressToken": 5})
    answer = await post(asked, Accept="application/json")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("token", [None, 7])
async def test_a_client_that_leaves_ends_its_work(working, client, token, monkeypatch):
    from pollweb.asgi import application

    monkeypatch.setattr(call, "TOLD_EVERY", 0.02)
    working.held = True
    meta = {} if token is None else {"_meta": {"progressToken": token}}
    asked = message("tools/call", name="generateImage", arguments={"prompt": "x", "width": 64, "height": 64}, **meta)
    body = [{"type": "http.request", "body": json.dumps(asked).encode()}]
    headers = [(b"host", b"localhost:8000"), (b"content-type", b"application/json"), (b"accept", b"*/*")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[dict] = []

    async def receive() -> dict:
        if body:
            return body.pop()
        while not working.calls or (token is not None and len(sent) < 3):
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(said: dict) -> None:
        sent.append(said)

    await asyncio.wait_for(application(scope, receive, send), 10)
    assert bool(sent) == (token is not None)
    async with asyncio.timeout(10):  # the worker hears of it through Redis
        while (await sync_to_async(Generation.objects.get)()).state != "cancelled":
            await asyncio.sleep(0.02)


async def _grown(post, times: int) -> int:
    """Bytes that `times` handshakes leave behind."""
    for _ in range(20):
        await post(initialize())
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(times):
        assert (await post(initialize())).status_code == 200
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


async def test_handshakes_leave_nothing_behind(post, caplog):
    caplog.set_level("ERROR")
    await post(initialize())  # the first request of a loop starts what goes on for its life
    tasks = len(asyncio.all_tasks())
    assert await _grown(post, 200) < 512 * 1024
    await asyncio.sleep(0)  # the last request's watch over its client ends in the next round of the loop
    assert len(asyncio.all_tasks()) <= tasks + 1


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_ten_thousand_handshakes_leave_nothing_behind(post, caplog):
    caplog.set_level("ERROR")
    assert await _grown(post, 10_000) < 2 * 2**20


# --- resources and prompts --------------------------------------------------------------------------------------------


async def test_the_models_and_public_items_are_resources(connect, era, client):
    await client.get("/prompt/a boat?width=64&height=64")
    row = await sync_to_async(Generation.objects.get)()
    async with connect(era) as assistant:
        [models] = (await assistant.list_resources()).resources
        [content] = (await assistant.read_resource(models.uri)).contents
        assert json.loads(content.text)["image"] == ["flux", "turbo", "kontext", "rare"]
        [template] = (await assistant.list_resource_templates()).resource_templates
        uri = template.uri_template.replace("{id}", row.public_id)
        told, picture = (await assistant.read_resource(uri)).contents
        assert json.loads(told.text)["prompt"] == "a boat"
        assert picture.mime_type == "image/jpeg"
        assert len(picture.blob) > len(jpeg(16, 16)) // 2


async def test_a_private_item_is_no_resource(connect, client):
    await client.get("/prompt/a boat?width=64&height=64&private=true")
    row = await sync_to_async(Generation.objects.get)()
    async with connect() as assistant:
        with pytest.raises(MCPError, match="not public"):
            await assistant.read_resource(f"pollweb://items/{row.public_id}")
        with pytest.raises(MCPError, match="not public"):
            await assistant.get_prompt("remix", {"id": row.public_id, "change": "at night"})


async def test_prompts_lead_to_the_tools(connect, era, client):
    await client.get("/prompt/a boat?width=64&height=64&seed=9")
    row = await sync_to_async(Generation.objects.get)()
    async with connect(era) as assistant:
        assert [prompt.name for prompt in (await assistant.list_prompts()).prompts] == ["illustrate", "remix"]
        [said] = (await assistant.get_prompt("illustrate", {"text": "A storm.", "style": "woodcut"})).messages
        assert "generateImage" in said.content.text
        assert "woodcut" in said.content.text
        given = {"id": f"http://localhost:8000/p/{row.public_id}", "change": "at night"}
        [said] = (await assistant.get_prompt("remix", given)).messages
        assert '"seed": 9' in said.content.text
        assert "at night" in said.content.text
        with pytest.raises(MCPError, match="needs text"):
            await assistant.get_prompt("illustrate", {})
