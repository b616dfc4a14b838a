"""Code that makes the same thing again, with this installation's own addresses, coloured on the server."""

import json
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from generation.requests import DEFAULT_IMAGE_SEED, ChatRequest, ImageRequest, Request, SpeechRequest

PLAIN_OPTIONS = ("seed", "temperature", "top_p", "presence_penalty", "frequency_penalty")
LONGEST_ADDRESS = 2000  # characters; longer ones are cut by clients and proxies


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of code under its name. `language` is Pygments' name of its language."""

    name: str
    language: str
    code: str

    @property
    def html(self) -> SafeString:
        """Coloured by classes, escaped by Pygments."""
        lexer = get_lexer_by_name(self.language, stripnl=False)
        return mark_safe(highlight(self.code, lexer, HtmlFormatter(nowrap=True)))  # noqa: S308


def samples(request: Request) -> list[Sample]:
    """Every way of asking for exactly this, the shortest first; empty for a kind that no code is known for."""
    if isinstance(request, ChatRequest):
        return _chat(request)
    if isinstance(request, SpeechRequest):
        return _from_address(_address(request), f"speech.{request.format}")
    if isinstance(request, ImageRequest):
        return _from_address(_address(request), "picture.jpg")
    return []


def address(request: Request) -> str:
    """The plain GET address that makes this result; empty when it needs a body, or is too long for an address."""
    if isinstance(request, ChatRequest) and not _is_plain(request):
        return ""
    url = _address(request)
    return url if len(url) <= LONGEST_ADDRESS else ""


def _address(request: Request) -> str:
    if isinstance(request, ImageRequest):
        asked: dict[str, Any] = {
            "model": request.model,
            "width": request.width,
            "height": request.height,
            "seed": request.seed,
        }
        optional = {
            "negative_prompt": request.negative_prompt,
            "quality": request.quality,
            "guidance_scale": request.guidance_scale,
            "transparent": request.transparent,
            "enhance": request.enhance,
            "safe": request.safe,
            "nologo": request.nologo,
            "private": request.private,
        }
        defaults = ImageRequest(model=request.model, seed=DEFAULT_IMAGE_SEED)
        asked |= {name: value for name, value in optional.items() if value != getattr(defaults, name)}
        return _url(f"{settings.IMAGE_URL}/prompt/", request.prompt, asked)
    if isinstance(request, SpeechRequest):
        spoken: dict[str, Any] = {"model": request.model, "voice": request.voice, "private": request.private or None}
        spoken["format"] = request.format if request.format != SpeechRequest.format else None
        spoken["speed"] = request.speed if request.speed != SpeechRequest.speed else None
        return _url(f"{settings.TEXT_URL}/", request.prompt, spoken)
    assert isinstance(request, ChatRequest)
    system = next((str(m.get("content", "")) for m in request.messages if m.get("role") == "system"), None)
    options = {name: request.options.get(name) for name in PLAIN_OPTIONS}
    asked = {"model": request.model, **options, "system": system, "json": request.json_mode or None}
    return _url(f"{settings.TEXT_URL}/", request.prompt, {**asked, "private": request.private or None})


def _url(base: str, prompt: str, asked: dict[str, Any]) -> str:
    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    query = urlencode({name: text(value) for name, value in asked.items() if value is not None}, quote_via=quote)
    return f"{base}{quote(prompt, safe='')}?{query}"


def _is_plain(request: ChatRequest) -> bool:
    """One question, perhaps with a system message before it, and nothing that only a body can say."""
    roles = [message.get("role", "user") for message in request.messages]
    return (
        roles in (["user"], ["system", "user"])
        and all(isinstance(message.get("content"), str) for message in request.messages)
        and set(request.options) <= {*PLAIN_OPTIONS, "response_format"}
        and (not request.json_mode or request.options["response_format"] == {"type": "json_object"})
    )


def _from_address(url: str, file: str) -> list[Sample]:
    python = f"""import requests

answer = requests.get(
    {_python(url)},
    timeout=300,
)
answer.raise_for_status()
with open({_python(file)}, "wb") as file:
    file.write(answer.content)
"""
    javascript = f"""const answer = await fetch(
  {_javascript(url)},
);
if (!answer.ok) throw new Error(await answer.text());
const file = URL.createObjectURL(await answer.blob());
"""
    curl = f"curl --fail --output {file} \\\n  {shlex.quote(url)}\n"
    return [Sample("URL", "text", url), *_three(curl, python, javascript)]


def _chat(request: ChatRequest) -> list[Sample]:
    body: dict[str, Any] = {"model": request.model, "messages": list(request.messages), **request.own_options}
    if request.private:
        body["private"] = True
    shown = json.dumps(body, ensure_ascii=False, indent=2)
    endpoint = f"{settings.TEXT_URL}/openai"
    curl = f"curl --fail {shlex.quote(endpoint)} \\\n  --json {shlex.quote(shown)}\n"
    python = f"""import requests

answer = requests.post(
    {_python(endpoint)},
    json={_indent(_literal(body), 4)},
    timeout=300,
)
answer.raise_for_status()
print(answer.json()["choices"][0]["message"]["content"])
"""
    javascript = f"""const answer = await fetch({_javascript(endpoint)}, {{
  method: "POST",
  headers: {{ "Content-Type": "application/json" }},
  body: JSON.stringify({_indent(shown, 2)}),
}});
if (!answer.ok) throw new Error(await answer.text());
console.log((await answer.json()).choices[0].message.content);
"""
    named = {name: value for name, value in body.items() if name != "private"}
    arguments = "".join(f"    {name}={_indent(_literal(value), 4)},\n" for name, value in named.items())
    extra = '    extra_body={"private": True},\n' if request.private else ""
    openai = f"""import os

from openai import OpenAI

client = OpenAI(base_url={_python(f"{settings.TEXT_URL}/v1")}, api_key=os.environ.get("POLLWEB_TOKEN", "none"))
answer = client.chat.completions.create(
{arguments}{extra})
print(answer.choices[0].message.content)
"""
    found = [*_three(curl, python, javascript), Sample("OpenAI SDK", "python", openai)]
    url = address(request)
    return [Sample("URL", "text", url), *found] if url else found


def _three(curl: str, python: str, javascript: str) -> list[Sample]:
    return [
        Sample("cURL", "bash", curl),
        Sample("Python", "python", python),
        Sample("JavaScript", "javascript", javascript),
    ]


def _python(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_javascript = _python  # a JSON string is a string of both languages


def _literal(value: Any) -> str:
    """A JSON value as Python writes it, indented."""
    if isinstance(value, dict) and value:
        inner = "".join(f"    {_python(str(k))}: {_indent(_literal(v), 4)},\n" for k, v in value.items())
        return f"{{\n{inner}}}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + "".join(f"    {_indent(_literal(v), 4)},\n" for v in value) + "]"
    return _python(value) if isinstance(value, str) else repr(value)


def _indent(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)
