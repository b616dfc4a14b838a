"""Tools for pictures: an address of one, one made, one changed."""

from typing import Any

from django.conf import settings

from generation import catalogue
from generation.errors import InvalidRequest
from generation.intake import Answer
from generation.mcp_server.arguments import Argument
from generation.mcp_server.call import Call, bytes_of
from generation.mcp_server.tools.base import ABOUT, Made, Tool, about, as_json, card, picture, said
from generation.wire import pollinations

PROMPT = Argument(name="prompt", about="What the picture shows.", required=True, also=("text", "description"))
MODEL = Argument(name="model", about="The image model, as listImageModels names it.", nested=True)
SEED = Argument(
    name="seed",
    kind="integer",
    about="The same seed gives the same picture again; -1 gives another one each time.",
    nested=True,
)
SIDES = tuple(
    Argument(name=name, kind="integer", about=f"{name.capitalize()} in pixels.", default=1024, least=1, nested=True)
    for name in ("width", "height")
)
FURTHER = (
    Argument(name="negativePrompt", about="What is to be avoided.", nested=True, also=("negative",)),
    Argument(name="quality", about="How much effort is spent.", choices=("low", "medium", "high", "hd"), nested=True),
    Argument(name="enhance", kind="boolean", about="Let a text model enrich the prompt first.", nested=True),
    Argument(name="safe", kind="boolean", about="Refuse mature content.", nested=True),
    Argument(name="transparent", kind="boolean", about="A transparent background where the model can.", nested=True),
    Argument(name="nologo", kind="boolean", about="No logo of this service on it.", nested=True),
)


def _query(values: dict[str, Any]) -> dict[str, str]:
    """The arguments that were given as the image API's query says them, in its order."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }


async def image_url(call: Call, prompt: str, is_private: bool, **values: Any) -> Made:
    chosen = card("image", values["model"] or "")
    names = ("model", "seed", "width", "height", *(further.key for further in FURTHER))
    query = _query({name: values[name] for name in names})
    call.check(pollinations.image_request(prompt, query, chosen), chosen)
    address = pollinations.address(f"{settings.IMAGE_URL}/prompt", prompt, query)
    if is_private:
        address += "&private=true"
    told = {
        "imageUrl": address,
        "prompt": prompt,
        "width": values["width"],
        "height": values["height"],
        "model": values["model"],
        "seed": values["seed"],
    }
    told = {name: value for name, value in told.items() if value is not None}
    return Made([said(as_json(told))], told)


async def image(call: Call, prompt: str, is_private: bool, **values: Any) -> Made:
    chosen = card("image", values["model"] or "")
    answer = await call.make(pollinations.image_request(prompt, _query(values), chosen), is_private=is_private)
    return await _made(answer, prompt, "Generated image from prompt")


async def edit(call: Call, prompt: str, image: str, **values: Any) -> Made:
    editor = next((known.name for known in catalogue.cards("image").values() if known.edits), "")
    chosen = card("image", values["model"] or editor)
    pictures = pollinations.image_addresses([address(image)])
    if not pictures:
        raise InvalidRequest("image is empty: the address of a picture, or its bytes in base64, is needed.")
    answer = await call.make(pollinations.image_request(prompt, _query(values), chosen, pictures))
    return await _made(answer, prompt, "Edited image with instruction")


def address(given: str) -> str:
    """A picture as its address: bare base64 becomes a data: address."""
    given = given.strip()
    is_address = given[:8].lower().startswith(("http://", "https://", "data:")) or "://" in given[:20]
    return given if is_address or not given else f"data:;base64,{given}"


async def _made(answer: Answer, prompt: str, words: str) -> Made:
    row = answer.row
    assert row.artifact is not None
    told = {"prompt": prompt, "width": row.width, "height": row.height, "model": row.model, "seed": row.seed}
    if enhanced := row.notes.get("enhanced_prompt"):
        told["enhancedPrompt"] = enhanced
    media_type = row.artifact.media_type
    parts = [
        picture(await bytes_of(answer), media_type),
        said(f'{words}: "{prompt}"\n\nImage metadata: {as_json(told)}'),
    ]
    return Made(parts, {**told, **about(answer), "mimeType": media_type})


PICTURE = {
    "prompt": "string",
    "width": "integer",
    "height": "integer",
    "seed": "integer",
    "enhancedPrompt?": "string",
    "mimeType": "string",
    **ABOUT,
}

TOOLS = (
    Tool(
        name="generateImageUrl",
        title="Address of a picture",
        about=(
            "Gives an address at which a picture of the prompt is made when it is opened, for embedding in a page or "
            "a document. Whoever has the address can open it; what is made there is public unless isPrivate is true."
        ),
        doing="generating image URL",
        run=image_url,
        arguments=(
            PROMPT,
            MODEL,
            SEED,
            *SIDES,
            *FURTHER,
            Argument(
                name="isPrivate",
                kind="boolean",
                about="Keep what is made there off the public feed.",
                default=False,
                nested=True,
                also=("private",),
            ),
        ),
        gives={
            "imageUrl": "string",
            "prompt": "string",
            "width": "integer",
            "height": "integer",
            "model?": "string",
            "seed?": "integer",
        },
    ),
    Tool(
        name="generateImage",
        title="Make a picture",
        about="Makes a picture of the prompt and returns it with its metadata. It may take from seconds to minutes.",
        doing="generating image",
        run=image,
        arguments=(
            PROMPT,
            MODEL,
            SEED,
            *SIDES,
            *FURTHER,
            Argument(
                name="isPrivate",
                kind="boolean",
                about="Keep it off the public gallery and feed.",
                default=True,
                nested=True,
                also=("private",),
            ),
        ),
        gives=PICTURE,
        makes=True,
    ),
    Tool(
        name="editImage",
        title="Change a picture",
        about="Changes a given picture as the prompt says and returns the new one.",
        doing="editing image",
        run=edit,
        arguments=(
            Argument(
                name="prompt", about="What is to be changed.", required=True, also=("instruction", "instructions")
            ),
            Argument(
                name="image",
                about="The picture: a public http(s) address, a data: address, or its bytes in base64 (up to 3 MB).",
                required=True,
                also=("imageUrl", "url", "imageData"),
            ),
            MODEL,
            SEED,
            *(
                Argument(
                    name=name,
                    kind="integer",
                    about=f"{name.capitalize()} in pixels; the given picture's own if left out.",
                    least=1,
                    nested=True,
                )
                for name in ("width", "height")
            ),
        ),
        gives=PICTURE,
        makes=True,
    ),
)
