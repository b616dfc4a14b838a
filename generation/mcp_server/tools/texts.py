"""Tools for words: an answer, and what is to be seen in a picture."""

from typing import Any

from generation import catalogue
from generation.errors import InvalidRequest
from generation.intake import Answer
from generation.mcp_server.arguments import Argument
from generation.mcp_server.call import Call
from generation.mcp_server.tools.base import ABOUT, Made, Tool, about, card, said
from generation.mcp_server.tools.pictures import address
from generation.requests import ChatRequest
from generation.wire import openai

QUESTION = "Describe this picture in detail."


async def text(
    call: Call,
    prompt: str,
    model: str,
    seed: int | None,
    system_prompt: str | None,
    json: bool,
    temperature: float | None,
    max_tokens: int | None,
    is_private: bool,
) -> Made:
    body = {
        "messages": [{"role": "user", "content": prompt}],
        "system": system_prompt,
        "seed": seed,
        "jsonMode": json,
        "temperature": temperature,
        "max_tokens": max_tokens,
    }
    answer = await call.make(openai.chat_request(body, card("text", model)), is_private=is_private)
    return _answered(answer)


async def describe(call: Call, image: str, question: str, model: str | None) -> Made:
    seeing = next((known.name for known in catalogue.cards("text").values() if known.vision), "")
    usual = catalogue.default("text")
    chosen = card("text", model or (usual.name if usual.vision else seeing))
    if not image.strip():
        raise InvalidRequest("image is empty: the address of a picture, or its bytes in base64, is needed.")
    content = [
        {"type": "text", "text": question},
        {"type": "image_url", "image_url": {"url": address(image)}},
    ]
    answer = await call.make(openai.chat_request({"messages": [{"role": "user", "content": content}]}, chosen))
    return _answered(answer)


async def reply(call: Call, prompt: str, instructions: str, seed: int | None) -> str:
    """The usual text model's answer, meant to be spoken."""
    system = "Answer in a few sentences that will be read aloud: plain words, no lists, no markup."
    body = {"messages": [{"role": "user", "content": prompt}], "system": f"{instructions}\n\n{system}".strip()}
    request: ChatRequest = openai.chat_request({**body, "seed": seed}, catalogue.default("text"))
    return words_of(await call.make(request))


def words_of(answer: Answer) -> str:
    return str((answer.row.message or {}).get("content") or "")


def _answered(answer: Answer) -> Made:
    words = words_of(answer)
    told: dict[str, Any] = {"text": words, **about(answer), "usage": openai.usage(answer.row)}
    return Made([said(words)], told)


TOOLS = (
    Tool(
        name="generateText",
        title="Ask a text model",
        about="Asks a text model and returns its answer.",
        doing="generating text",
        run=text,
        arguments=(
            Argument(name="prompt", about="What is asked.", required=True, also=("text", "question", "message")),
            Argument(name="model", about="The text model, as listTextModels names it.", default="openai"),
            Argument(name="seed", kind="integer", about="The same seed gives the same answer again.", nested=True),
            Argument(name="systemPrompt", about="Who the model is to be.", nested=True, also=("system",)),
            Argument(
                name="json",
                kind="boolean",
                about="Answer as valid JSON.",
                default=False,
                nested=True,
                also=("jsonMode",),
            ),
            Argument(name="temperature", kind="number", about="0 is sober, 2 wild.", least=0, most=3, nested=True),
            Argument(name="maxTokens", kind="integer", about="The longest answer, in tokens.", least=1, nested=True),
            Argument(
                name="isPrivate",
                kind="boolean",
                about="Keep it off the public gallery and feed.",
                default=True,
                nested=True,
                also=("private",),
            ),
        ),
        gives={"text": "string", "usage": "object", **ABOUT},
        makes=True,
    ),
    Tool(
        name="describeImage",
        title="Look at a picture",
        about="Lets a model that sees look at a picture and describe it, or answer a question about it.",
        doing="describing image",
        run=describe,
        arguments=(
            Argument(
                name="image",
                about="The picture: a public http(s) address, a data: address, or its bytes in base64 (up to 3 MB).",
                required=True,
                also=("imageUrl", "url", "imageData"),
            ),
            Argument(name="question", about="What is to be told about it.", default=QUESTION, also=("prompt", "text")),
            Argument(name="model", about="A text model that sees; the usual one if left out.", nested=True),
        ),
        gives={"text": "string", "usage": "object", **ABOUT},
        makes=True,
    ),
)
