"""The examples in docs/api.md and README.md work: each is run against the whole application."""

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from pollweb.lib.errors import PollwebError
from tests.generation.api.conftest import alice, client  # noqa: F401
from tests.generation.sounds import sound_file

ROOT = Path(__file__).parents[2]
PAGES = (
    *("docs/api.md", "README.md", "README.zh-CN.md", "docs/mcp.md", "docs/mcp.zh-CN.md", "docs/clients.zh-CN.md"),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "guides").glob("*.md")),
)
WITH_VALUE = {"-o": "output", "-X": "method", "-H": "header", "-d": "data", "-F": "field", "-D": "output"}
ALONE = set("NsSifL")
ENDLESS = ("/feed", "/live/events")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def curls(page: str) -> list[str]:
    """Each curl command of the page's shell blocks, on one line."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def as_request(command: str) -> dict[str, Any]:
    """What curl would send. ValueError for an option that this reader does not know."""
    request: dict[str, Any] = {"method": "", "url": "", "headers": {}, "content": None, "files": {}}
    words = iter(shlex.split(command)[1:])
    for word in words:
        if word in WITH_VALUE:
            value = next(words)
            match WITH_VALUE[word]:
                case "method":
                    request["method"] = value
                case "header":
                    name, _, said = value.partition(": ")
                    request["headers"][name] = said
                case "data":
                    request["content"] = value
                case "field":
                    name, _, said = value.partition("=")
                    request["files"][name] = (said[1:], sound_file("mp3")) if said[0] == "@" else (None, said)
        elif word.startswith("-"):
            if not set(word[1:]) <= ALONE:
                raise ValueError(f"this test does not know curl's option {word}")
        else:
            request["url"] = word
    request["method"] = request["method"] or ("POST" if request["content"] or request["files"] else "GET")
    return request


class LeavingEarly:
    """An ASGI application whose client goes away with the first bytes of the answer: for feeds, which do not end."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        begun = asyncio.Event()
        asked = ended = False

        async def hear() -> Any:
            nonlocal asked
            if not asked:
                message = await receive()
                asked = not message.get("more_body")
                return message
            await begun.wait()
            return {"type": "http.disconnect"}

        async def say(message: Any) -> None:
            nonlocal ended
            if not begun.is_set():
                ended = message["type"] == "http.response.body" and not message.get("more_body")
                await send(message)
            if message.get("body"):
                begun.set()

        await self.application(scope, hear, say)
        if not ended:  # a refusal is whole
            await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def feed_client(client, ears):  # noqa: F811
    from pollweb.asgi import application

    transport = httpx.ASGITransport(LeavingEarly(application))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as opened:
        yield opened


@pytest.fixture
async def ears():
    """What a feed opened in this test's loop is closed with it."""
    from feeds import hub

    yield
    await hub.stop()


async def public_id(client: httpx.AsyncClient) -> str:  # noqa: F811
    """A public picture's."""
    from generation.models import Generation

    await client.get("/prompt/an%20example?width=64&height=64")
    return await sync_to_async(lambda: Generation.objects.get(prompt="an example").public_id)()


COMMANDS = [pytest.param(page, command, id=f"{page}-{n}") for page in PAGES for n, command in enumerate(curls(page), 1)]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
async def test_it_answers_the_examples(page, command, client, feed_client, alice, working):  # noqa: F811
    working.words = ['{"a": ', "1}"] if "json" in command else ["Hel", "lo"]
    command = command.replace("$TOKEN", alice["Authorization"].removeprefix("Bearer "))
    if "PUBLIC_ID" in command:
        command = command.replace("PUBLIC_ID", await public_id(client))
    asked = as_request(command)
    assert asked["url"].startswith("http://localhost:8000/"), f"{page} has an example elsewhere: {command}"
    chosen = feed_client if asked["url"].partition("?")[0].endswith(ENDLESS) else client
    answer = await chosen.request(**asked)
    expected = 202 if asked["headers"].get("Prefer") == "respond-async" else 200
    assert answer.status_code == expected, f"{page}: {command}\nanswers {answer.status_code} {answer.text[:300]}"
    assert answer.content
    if asked["content"]:
        assert json.loads(asked["content"])


def codes_in_code() -> set[str]:
    """The codes that errors have: as keyword, of a class that is used, and of what the protocol refuses."""
    sources = [
        p.read_text(encoding="utf-8") for d in ("pollweb", "generation", "feeds") for p in (ROOT / d).rglob("*.py")
    ]
    text = "\n".join(sources)
    given = re.findall(r'code="([a-z_]+)"', text) + re.findall(r'Refused\(\s*\d+,\s*"([a-z_]+)"', text)
    raised = [each for each in descendants(PollwebError) if len(re.findall(rf"\b{each.__name__}\(", text)) > 1]
    return {*given, *(each.code for each in raised)}


def descendants(parent: type[PollwebError]) -> list[type[PollwebError]]:
    return [parent, *(each for child in parent.__subclasses__() for each in descendants(child))]


def test_it_names_every_code_that_an_error_can_have():
    import pollweb.asgi  # noqa: F401 - everything that raises errors is loaded

    table = (ROOT / "docs/api.md").read_text(encoding="utf-8").partition("## Errors")[2]
    missing = {code for code in codes_in_code() if f"`{code}`" not in table}
    assert not missing, f"docs/api.md does not name the error {', '.join(sorted(missing))}."


def test_each_page_has_examples():
    assert len(curls("docs/api.md")) >= 20
    for page in PAGES[1:3]:
        assert len(curls(page)) >= 4


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
async def test_the_official_client_runs_the_readmes_program(page, client, monkeypatch, capsys):  # noqa: F811
    import openai

    [program] = blocks(page, "python")
    loop, transport = asyncio.get_running_loop(), client._transport

    class Bridge(httpx.BaseTransport):
        """From the client's thread into the application's loop."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            async def ask() -> httpx.Response:
                sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
                answer = await transport.handle_async_request(sent)
                body = b"".join([part async for part in answer.stream])
                return httpx.Response(answer.status_code, headers=answer.headers, content=body)

            request.read()
            return asyncio.run_coroutine_threadsafe(ask(), loop).result(20)

    class Bridged(openai.OpenAI):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options, http_client=httpx.Client(transport=Bridge()))

    monkeypatch.setattr(openai, "OpenAI", Bridged)
    await asyncio.to_thread(exec, compile(program, page, "exec"), {})
    assert capsys.readouterr().out.strip() == "Hello"
