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

from generation.inputs import KEPT
from generation.requests import (
    DEFAULT_IMAGE_SEED,
    ChatRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TranscriptionRequest,
)
from generation.web import programs
from generation.web.literals import in_javascript, in_python, indented

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
    """Every way of asking for exactly this, the shortest first; empty for a kind that no code is known for. Pictures
    to work on that have no address are files whose names are made up."""
    if isinstance(request, ChatRequest):
        return _chat(request)
    if isinstance(request, SpeechRequest):
        further = [
            Sample("OpenAI SDK", "python", programs.openai_speech(request)),
            Sample("React", "javascript", programs.react_speech(request.prompt, _spoken(request))),
            Sample("MCP", "bash", programs.mcp_speech(request)),
        ]
        return _from_address(_address(request), f"speech.{request.format}", further)
    if isinstance(request, TranscriptionRequest):
        return _transcription(request)
    if isinstance(request, ImageRequest) and not request.images:
        further = [
            Sample("OpenAI SDK", "python", programs.openai_picture(request)),
            Sample("React", "javascript", programs.react_picture(request.prompt, _pictured(request))),
            Sample("MCP", "bash", programs.mcp_picture(request)),
        ]
        return _from_address(_address(request), "picture.jpg", further)
    if isinstance(request, ImageRequest):
        files = _files(request)
        return _with_files(_address(request), files) if files else _from_address(_address(request), "picture.jpg", [])
    return []


def address(request: Request) -> str:
    """The plain GET address that makes this result; empty when it needs a body, or is too long for an address."""
    if isinstance(request, ChatRequest) and not _is_plain(request):
        return ""
    if isinstance(request, ImageRequest) and _files(request):
        return ""
    url = _address(request)
    return url if len(url) <= LONGEST_ADDRESS else ""


def _files(request: ImageRequest) -> list[str]:
    """Names for the pictures to work on that only a body can carry: those without an address of their own."""
    number = sum(1 for image in request.images if not _is_address(image))
    return [f"input-{n}.png" for n in range(1, number + 1)] if number > 1 else ["input.png"] * number


def _is_address(image: str | bytes) -> bool:
    return isinstance(image, str) and image.lower().startswith(("http://", "https://"))


def _address(request: Request) -> str:
    if isinstance(request, ImageRequest):
        return _url(f"{settings.IMAGE_URL}/prompt/", request.prompt, _pictured(request))
    if isinstance(request, SpeechRequest):
        return _url(f"{settings.TEXT_URL}/", request.prompt, _spoken(request))
    assert isinstance(request, ChatRequest)
    return _url(f"{settings.TEXT_URL}/", request.prompt, _asked(request))


def _pictured(request: ImageRequest) -> dict[str, Any]:
    """The parameters of a picture, what is usual left out."""
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
    usual = ImageRequest(model=request.model, seed=DEFAULT_IMAGE_SEED)
    return {
        "model": request.model,
        "width": request.width or None,  # 0 is a given picture's own, which is the usual one
        "height": request.height or None,
        "seed": request.seed,
        "image": ",".join(str(image) for image in request.images if _is_address(image)) or None,
        **{name: value for name, value in optional.items() if value != getattr(usual, name)},
    }


def _spoken(request: SpeechRequest) -> dict[str, Any]:
    return {
        "model": request.model,
        "voice": request.voice,
        "private": request.private or None,
        "format": request.format if request.format != SpeechRequest.format else None,
        "speed": request.speed if request.speed != SpeechRequest.speed else None,
    }


def _asked(request: ChatRequest) -> dict[str, Any]:
    """The parameters of a plain question."""
    system = next((str(m.get("content", "")) for m in request.messages if m.get("role") == "system"), None)
    options = {name: request.options.get(name) for name in PLAIN_OPTIONS}
    asked = {"model": request.model, **options, "system": system, "json": request.json_mode or None}
    return {**asked, "private": request.private or None}


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


def _from_address(url: str, file: str, further: list[Sample]) -> list[Sample]:
    python = f"""import requests

answer = requests.get(
    {in_python(url)},
    timeout=300,
)
answer.raise_for_status()
with open({in_python(file)}, "wb") as file:
    file.write(answer.content)
"""
    javascript = f"""const answer = await fetch(
  {in_javascript(url)},
);
if (!answer.ok) throw new Error(await answer.text());
const file = URL.createObjectURL(await answer.blob());
"""
    curl = f"curl --fail --output {file} \\\n  {shlex.quote(url)}\n"
    return [Sample("URL", "text", url), *_three(curl, python, javascript), *_known(further)]


def _with_files(url: str, files: list[str]) -> list[Sample]:
    """The same address, to which pictures are sent as files of a form."""
    parts = "".join(f" \\\n  --form image=@{file}" for file in files)
    curl = f"curl --fail --output picture.jpg{parts} \\\n  {shlex.quote(url)}\n"
    opened = "".join(f'        ("image", open({in_python(file)}, "rb")),\n' for file in files)
    python = f"""import requests

answer = requests.post(
    {in_python(url)},
    files=[
{opened}    ],
    timeout=300,
)
answer.raise_for_status()
with open("picture.jpg", "wb") as file:
    file.write(answer.content)
"""
    javascript = f"""const body = new FormData();
for (const file of document.querySelector("input[type=file]").files) body.append("image", file);
const answer = await fetch(
  {in_javascript(url)},
  {{ method: "POST", body }},
);
if (!answer.ok) throw new Error(await answer.text());
const file = URL.createObjectURL(await answer.blob());
"""
    return _three(curl, python, javascript)


def _chat(request: ChatRequest) -> list[Sample]:
    body: dict[str, Any] = {"model": request.model, "messages": [_told(message) for message in request.messages]}
    body |= request.own_options
    if request.private:
        body["private"] = True
    shown = json.dumps(body, ensure_ascii=False, indent=2)
    endpoint = f"{settings.TEXT_URL}/openai"
    curl = f"curl --fail {shlex.quote(endpoint)} \\\n  --json {shlex.quote(shown)}\n"
    python = f"""import requests

answer = requests.post(
    {in_python(endpoint)},
    json={indented(in_python(body), 4)},
    timeout=300,
)
answer.raise_for_status()
print(answer.json()["choices"][0]["message"]["content"])
"""
    javascript = f"""const answer = await fetch({in_javascript(endpoint)}, {{
  method: "POST",
  headers: {{ "Content-Type": "application/json" }},
  body: JSON.stringify({indented(shown, 2)}),
}});
if (!answer.ok) throw new Error(await answer.text());
console.log((await answer.json()).choices[0].message.content);
"""
    named = {name: value for name, value in body.items() if name != "private"}
    arguments = "".join(f"    {name}={indented(in_python(value), 4)},\n" for name, value in named.items())
    extra = '    extra_body={"private": True},\n' if request.private else ""
    openai = f"""import os

from openai import OpenAI

client = OpenAI(base_url={in_python(f"{settings.TEXT_URL}/v1")}, api_key=os.environ.get("POLLWEB_TOKEN", "none"))
answer = client.chat.completions.create(
{arguments}{extra})
print(answer.choices[0].message.content)
"""
    found = [*_three(curl, python, javascript), Sample("OpenAI SDK", "python", openai)]
    if _is_plain(request):
        react = programs.react_answer(request.prompt, _asked(request))
        mcp = programs.mcp_answer(request)
        found += _known([Sample("React", "javascript", react), Sample("MCP", "bash", mcp)])
    url = address(request)
    return [Sample("URL", "text", url), *found] if url else found


def _told(message: dict[str, Any]) -> dict[str, Any]:
    """The message with how an address begins in place of each picture that is in our store."""
    if not isinstance(message.get("content"), list):
        return message
    parts = []
    for part in message["content"]:
        picture = part.get("image_url") if isinstance(part, dict) else None
        stored = isinstance(picture, dict) and str(picture.get("url", "")).startswith(KEPT)
        parts.append({"type": "image_url", "image_url": {"url": "data:image/png;base64,"}} if stored else part)
    return {**message, "content": parts}


def _transcription(request: TranscriptionRequest) -> list[Sample]:
    """A form with a recording, as OpenAI's clients send it."""
    endpoint = f"{settings.SITE_URL}/v1/audio/transcriptions"
    fields = {"model": request.model, "response_format": "srt", "language": request.language, "prompt": request.hint}
    fields = {name: value for name, value in fields.items() if value}
    parts = "".join(f" \\\n  --form-string {shlex.quote(f'{name}={value}')}" for name, value in fields.items())
    curl = f"curl --fail {shlex.quote(endpoint)} \\\n  --form file=@recording.mp3{parts}\n"
    python = f"""import requests

answer = requests.post(
    {in_python(endpoint)},
    files={{"file": open("recording.mp3", "rb")}},
    data={indented(in_python(fields), 4)},
    timeout=300,
)
answer.raise_for_status()
print(answer.text)
"""
    appended = "".join(f"body.append({in_javascript(n)}, {in_javascript(v)});\n" for n, v in fields.items())
    javascript = f"""const body = new FormData();
body.append("file", document.querySelector("input[type=file]").files[0]);
{appended}const answer = await fetch({in_javascript(endpoint)}, {{ method: "POST", body }});
if (!answer.ok) throw new Error(await answer.text());
console.log(await answer.text());
"""
    arguments = "".join(f"    {name}={in_python(value)},\n" for name, value in fields.items())
    openai = f"""import os

from openai import OpenAI

client = OpenAI(base_url={in_python(f"{settings.SITE_URL}/v1")}, api_key=os.environ.get("POLLWEB_TOKEN", "none"))
print(client.audio.transcriptions.create(
    file=open("recording.mp3", "rb"),
{arguments}))
"""
    return [*_three(curl, python, javascript), Sample("OpenAI SDK", "python", openai)]


def _three(curl: str, python: str, javascript: str) -> list[Sample]:
    return [
        Sample("cURL", "bash", curl),
        Sample("Python", "python", python),
        Sample("JavaScript", "javascript", javascript),
    ]


def _known(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.code]
