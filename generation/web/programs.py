"""The same request for other people's programs: OpenAI's SDK, our React hooks, an assistant that speaks MCP.

Each says exactly this or nothing: what a program has no word for makes its code "".
"""

import json
import shlex
from typing import Any

from django.conf import settings

from generation import catalogue
from generation.requests import ChatRequest, ImageRequest, SpeechRequest
from generation.web.literals import in_javascript, in_python, indented


def openai_picture(request: ImageRequest) -> str:
    usual = ImageRequest(model=request.model)
    unsaid = ("negative_prompt", "guidance_scale", "enhance", "safe")
    if any(getattr(request, name) != getattr(usual, name) for name in unsaid):
        return ""
    named: dict[str, Any] = {
        "model": request.model,
        "prompt": request.prompt,
        "size": f"{request.width}x{request.height}",
        "quality": request.quality,
        "response_format": "b64_json",
    }
    if request.transparent:
        named["background"] = "transparent"
    extra = {"seed": request.seed, **({"private": True} if request.private else {})}
    return f"""{_client("import base64\nimport os")}
made = client.images.generate(
{_named({**named, "extra_body": extra})})
with open("picture.jpg", "wb") as file:
    file.write(base64.b64decode(made.data[0].b64_json))
"""


def openai_speech(request: SpeechRequest) -> str:
    named: dict[str, Any] = {
        "model": request.model,
        "voice": request.voice,
        "input": request.prompt,
        "response_format": request.format,
    }
    if request.speed != SpeechRequest.speed:
        named["speed"] = request.speed
    return f"""{_client("import os")}
said = client.audio.speech.create(
{_named(named)})
said.write_to_file({in_python(f"speech.{request.format}")})
"""


def _client(imports: str) -> str:
    base = f"{settings.SITE_URL}/v1"
    return f"""{imports}

from openai import OpenAI

client = OpenAI(base_url={in_python(base)}, api_key=os.environ.get("POLLWEB_TOKEN", "none"))"""


def _named(values: dict[str, Any]) -> str:
    return "".join(f"    {name}={indented(in_python(value), 4)},\n" for name, value in values.items())


# --- React ------------------------------------------------------------------------------------------------------------


def react_picture(prompt: str, asked: dict[str, Any]) -> str:
    return _component("useImage", prompt, asked, "Picture", f"<img src={{data.src}} alt={{{in_javascript(prompt)}}} />")


def react_speech(prompt: str, asked: dict[str, Any]) -> str:
    return _component("useSpeech", prompt, asked, "Speech", "<audio controls src={data.src} />")


def react_answer(prompt: str, asked: dict[str, Any]) -> str:
    return _component("useText", prompt, asked, "Answer", "<p>{data}</p>")


def _component(hook: str, prompt: str, asked: dict[str, Any], name: str, shown: str) -> str:
    options = {key: value for key, value in asked.items() if value is not None}
    base = (
        in_javascript(settings.SITE_URL)
        if f"{settings.SITE_URL}/image" == settings.IMAGE_URL and f"{settings.SITE_URL}/text" == settings.TEXT_URL
        else in_javascript({"image": settings.IMAGE_URL, "text": settings.TEXT_URL, "v1": f"{settings.SITE_URL}/v1"})
    )
    return f"""import {{ PollwebProvider, {hook} }} from "pollweb-react";

function {name}() {{
  const {{ data, error }} = {hook}({in_javascript(prompt)}, {indented(in_javascript(options, 2), 2)});
  if (error) return <p role="alert">{{error.message}}</p>;
  return data ? {shown} : <p>…</p>;
}}

export const App = () => (
  <PollwebProvider baseUrl={{{base}}}>
    <{name} />
  </PollwebProvider>
);
"""


# --- MCP --------------------------------------------------------------------------------------------------------------


def mcp_picture(request: ImageRequest) -> str:
    if request.guidance_scale is not None:
        return ""
    usual = ImageRequest(model=request.model)
    chosen = {
        "negativePrompt": request.negative_prompt if request.negative_prompt != usual.negative_prompt else None,
        "quality": request.quality if request.quality != usual.quality else None,
        "enhance": request.enhance or None,
        "safe": request.safe or None,
        "transparent": request.transparent or None,
        "nologo": request.nologo or None,
    }
    asked = {
        "prompt": request.prompt,
        "model": request.model,
        "seed": request.seed,
        "width": request.width,
        "height": request.height,
        **{name: value for name, value in chosen.items() if value is not None},
    }
    return _call("generateImage", {**asked, "isPrivate": request.private})


def mcp_answer(request: ChatRequest) -> str:
    """One question, perhaps with a system message: whoever calls has looked."""
    names = {"seed": "seed", "temperature": "temperature", "max_tokens": "maxTokens"}
    options = request.own_options
    if set(options) - {*names, "response_format"}:
        return ""
    asked: dict[str, Any] = {"prompt": request.prompt, "model": request.model}
    system = next((message["content"] for message in request.messages if message.get("role") == "system"), None)
    asked |= {"systemPrompt": system} if system is not None else {}
    asked |= {named: options[name] for name, named in names.items() if name in options}
    asked |= {"json": True} if request.json_mode else {}
    return _call("generateText", {**asked, "isPrivate": request.private})


def mcp_speech(request: SpeechRequest) -> str:
    if request.speed != SpeechRequest.speed or request.model != catalogue.default("audio").name:
        return ""
    return _call("sayText", {"text": request.prompt, "voice": request.voice, "format": request.format})


def _call(tool: str, arguments: dict[str, Any]) -> str:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    body = shlex.quote(json.dumps(message, ensure_ascii=False, indent=2))
    return f"""curl --fail {shlex.quote(f"{settings.SITE_URL}/mcp")} \\
  --header 'Accept: application/json, text/event-stream' \\
  --json {body}
"""
