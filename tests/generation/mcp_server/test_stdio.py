"""`manage.py mcpstdio` as an assistant starts it, and the bridge in it: every tool, progress, a server that is away."""

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters

from generation.mcp_server import bridge, call
from generation.mcp_server.tools import TOOLS
from tests.fakes import jpeg
from tests.generation.sounds import sound_file
from tests.site import ROOT

PICTURE = base64.b64encode(jpeg(16, 16)).decode()
CALLS = {
    "generateImageUrl": {"prompt": "a boat"},
    "generateImage": {"prompt": "a boat", "options": {"width": 64, "height": 64}},
    "editImage": {"prompt": "make it red", "image": PICTURE},
    "respondAudio": {"prompt": "How are you?"},
    "sayText": {"text": "Good morning"},
    "transcribeAudio": {"audio": base64.b64encode(sound_file("mp3")).decode()},
    "generateText": {"prompt": "Say hello"},
    "describeImage": {"image": PICTURE},
    "listImageModels": {},
    "listAudioVoices": {},
    "listTextModels": {},
    "listModels": {"type": "audio"},
    "searchGallery": {"query": "boat"},
}


def program(base_url: str, *arguments: str, **environment: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=[str(ROOT / "manage.py"), "mcpstdio", "--base-url", base_url, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "pollweb.settings",
            "POLLWEB_HOME": os.environ["POLLWEB_HOME"],
            **environment,
        },
    )


@pytest.mark.timeout(120)
async def test_every_tool_is_listed_and_called_by_the_program(served, alice, era):
    token = alice["Authorization"].removeprefix("Bearer ")
    async with Client(program(served, POLLWEB_TOKEN=token), mode=era) as assistant:
        assert {tool.name for tool in (await assistant.list_tools()).tools} == set(TOOLS) == set(CALLS)
        for tool, given in CALLS.items():
            result = await assistant.call_tool(tool, given)
            assert not result.is_error, f"{tool}: {result.content[0].text}"
            assert result.structured_content
        result = await assistant.call_tool(
            "generateImage", {"prompt": "x", "options": {"model": "rare", "width": 64, "height": 64}}
        )
        assert not result.is_error  # the token's tier may
        assert (await assistant.list_resources()).resources
        assert len((await assistant.list_prompts()).prompts) == 2


@pytest.mark.timeout(60)
async def test_standard_output_holds_the_protocol_only(served):
    who = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    said = {"name": "generateText", "arguments": {"prompt": "hi"}}
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": who},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": said},
    ]
    given = program(served)
    process = await asyncio.create_subprocess_exec(
        given.command, *given.args, env=given.env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in asked))
    await process.stdin.drain()
    answers = [json.loads(await process.stdout.readline()) for _ in range(2)]
    process.stdin.close()
    assert await process.stdout.read() == b""
    assert await process.wait() == 0
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["content"][0]["text"] == "Hello"


@pytest.fixture
async def bridged(client) -> AsyncIterator[bridge.Remote]:
    from pollweb.asgi import application

    remote = bridge.Remote("http://localhost:8000/mcp", transport=httpx.ASGITransport(application))
    yield remote
    await remote.client.aclose()


async def test_progress_and_errors_come_through(bridged, working, monkeypatch, era):
    monkeypatch.setattr(call, "TOLD_EVERY", 0.05)
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async def let_go() -> None:
        await asyncio.sleep(0.4)
        working.held = False

    async with Client(bridge.server(bridged), mode=era) as assistant:
        working.held = True
        letting = asyncio.create_task(let_go())
        result = await assistant.call_tool("generateText", {"prompt": "slow"}, progress_callback=hear)
        await letting
        assert result.content[0].text == "Hello"
        assert len(heard) >= 2
        result = await assistant.call_tool("generateText", {"prompt": "x", "model": "nothing"})
        assert result.is_error
        assert result.meta["pollweb.error"]["code"] == "model_not_found"
        with pytest.raises(MCPError, match="There is no tool"):
            await assistant.call_tool("makeCoffee", {})
        result = await assistant.call_tool("sayText", {"text": "x" * (5 * 2**20)})
        assert result.meta["pollweb.error"]["code"] == "request_too_large"


async def test_a_server_that_is_away_is_told_and_the_tools_are_listed_all_the_same(era):
    remote = bridge.Remote("http://127.0.0.1:9")
    async with Client(bridge.server(remote), mode=era) as assistant:
        assert {tool.name for tool in (await assistant.list_tools()).tools} == set(TOOLS)
        result = await assistant.call_tool("generateImage", {"prompt": "x"})
        assert result.is_error
        assert result.content[0].text == (
            "Error calling generateImage: pollweb at http://127.0.0.1:9 cannot be reached. "
            "Is it running (make run)? Is the address right (--base-url)?"
        )
        with pytest.raises(MCPError, match="cannot be reached"):
            await assistant.list_resources()
    await remote.client.aclose()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (httpx.Response(404, text="<h1>no</h1>"), "no MCP server seems to be there"),
        (httpx.Response(403, json={"error": "Not you.", "code": "forbidden"}), "Not you."),
        (httpx.Response(200, text="<h1>hello</h1>"), "broke the connection off"),
        (httpx.Response(200, json=[1]), "broke the connection off"),
        (httpx.Response(200, json={"jsonrpc": "2.0", "id": 999, "result": {}}), "broke the connection off"),
        (httpx.Response(200, headers={"content-type": "text/event-stream"}, text=": ping\n\n"), "broke the connection"),
    ],
)
async def test_what_is_no_answer_is_told(answer, sentence):
    remote = bridge.Remote("http://elsewhere.example", transport=httpx.MockTransport(lambda request: answer))
    async with Client(bridge.server(remote), mode="legacy") as assistant:
        result = await assistant.call_tool("generateText", {"prompt": "x"})
    assert result.is_error
    assert sentence in result.content[0].text
    await remote.client.aclose()


async def test_a_stream_is_read_however_it_is_cut():
    frames = b'event: message\ndata: {"a": 1}\n\n: ping\n\nevent: message\ndata: {"b":\ndata: 2}\n\ndata: {"c": 3}\n\n'
    for size in range(1, len(frames)):

        async def pieces(size: int = size) -> AsyncIterator[bytes]:
            for start in range(0, len(frames), size):
                yield frames[start : start + size]

        answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=pieces())
        assert [message async for message in bridge._messages(answer)] == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("page", ["mcp.md", "mcp.zh-CN.md"])
async def test_the_program_of_the_documents_runs(served, page, tmp_path):
    [code] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.M | re.S)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code.replace("http://localhost:8000", served)),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (0, b"Hello\n")
    assert (tmp_path / "fox.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
