"""Pictures in OpenAI's dialect (API reference, images/create and images/createEdit): what is asked, and the answer."""

import base64
import dataclasses
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from generation.catalogue import ModelCard
from generation.errors import InvalidParameter, InvalidRequest
from generation.models import Generation
from generation.requests import Drawn, ImageRequest
from generation.wire import values
from pollweb.lib import schema

MOST_PICTURES = 4
LONGEST_PROMPT = 32_000
FORMATS = ("b64_json", "url")
# OpenAI's words for quality, old and new, in the guide's.
QUALITIES = {
    "": "medium",
    "auto": "medium",
    "standard": "medium",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "hd": "hd",
}
SIZE = re.compile(r"(\d{1,9})\s*[xX×]\s*(\d{1,9})")


PICTURE_FIELDS: schema.Fields = {
    "prompt": schema.text("What to paint.", minLength=1, maxLength=LONGEST_PROMPT),
    "model": schema.text("A name from `/image/models`."),
    "n": schema.whole("How many pictures; their seeds follow each other.", 1, MOST_PICTURES, default=1),
    "size": schema.text('"WIDTHxHEIGHT" in pixels, or "auto".', default="auto", pattern=f"^(auto|{SIZE.pattern})$"),
    "quality": schema.choice(QUALITIES, default="auto"),
    "background": schema.choice(("transparent", "opaque", "auto"), default="auto"),
    "seed": schema.whole("Without one each picture is another."),
    "response_format": schema.choice(
        FORMATS, "The bytes in base64, or an address that holds for an hour.", default=FORMATS[0]
    ),
    "token": schema.text("A token; a header is the better place."),
    "referrer": schema.text("Who sends this: a registered domain or identifier."),
}
_ADDRESSES = schema.either(schema.text("An http(s) or data: address."), schema.listed(schema.text()))
EDIT_FIELDS: schema.Fields = {**PICTURE_FIELDS, "image": _ADDRESSES}
EDIT_FORM: schema.Fields = {**PICTURE_FIELDS, "image": schema.listed(schema.binary("image/*"), minItems=1)}
PICTURES = schema.named(
    "Images",
    schema.record(
        {
            "created": schema.whole("Unix seconds."),
            "data": schema.listed(
                schema.record(
                    {
                        "b64_json": schema.text(contentEncoding="base64"),
                        "url": schema.text(format="uri"),
                        "revised_prompt": schema.text("Where the prompt was rewritten."),
                    }
                )
            ),
        },
        required=["created", "data"],
    ),
)


def requests(body: Mapping[str, Any], card: ModelCard, images: Sequence[str | bytes] = ()) -> tuple[ImageRequest, ...]:
    """One request for each of the `n` pictures: they differ in their seeds, which follow each other.

    InvalidParameter and InvalidRequest for what cannot be read. `user`, `style` and the like decide nothing.
    """
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequest("A prompt is needed: a text that says what to paint.", code="empty_prompt")
    if len(prompt) > LONGEST_PROMPT:
        raise InvalidRequest(
            f"The prompt has {len(prompt)} characters; up to {LONGEST_PROMPT} are taken.", code="input_too_long"
        )
    number = values.count("n", body["n"], 1, MOST_PICTURES + 1) if body.get("n") not in (None, "") else 1
    if number > MOST_PICTURES:
        raise InvalidParameter(f"n is {str(body['n'])[:20]}; up to {MOST_PICTURES} pictures are made at once.")
    quality = str(body.get("quality") or "").lower()
    if quality not in QUALITIES:
        raise InvalidParameter(f"quality is {quality[:40]!r}; allowed are {', '.join(filter(None, QUALITIES))}.")
    width, height = _size(body.get("size"), card, images)
    seed = values.seed(body["seed"], -1) if body.get("seed") not in (None, "") else -1
    # Whoever gives no seed wants another picture each time.
    first = seed if seed != -1 else Drawn(secrets.randbelow(values.LARGEST_SEED - MOST_PICTURES))
    one = ImageRequest(
        model=card.name,
        private=values.private_flag(body.get("private")),
        text=prompt,
        width=width,
        height=height,
        quality=QUALITIES[quality],
        transparent=body.get("background") == "transparent",
        images=tuple(images),
    )
    return tuple(dataclasses.replace(one, seed=_following(first, i)) for i in range(number))


def _following(first: int, steps: int) -> int:
    return type(first)(first + steps if first <= values.LARGEST_INTEGER - steps else first - steps)


def _size(given: Any, card: ModelCard, images: Sequence[str | bytes]) -> tuple[int, int]:
    """ "640x480" within the model's limits; without one, or with "auto", the given picture's own or the usual."""
    if given in (None, "", "auto"):
        usual = 0 if images else min(1024, card.largest_side)
        return usual, usual
    found = SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise InvalidParameter(f"size is {str(given)[:40]!r}; needed is a text like '1024x1024', or 'auto'.")
    return values.fitted(values.side("size", found[1]), values.side("size", found[2]), card.largest_side)


def format_of(body: Mapping[str, Any]) -> str:
    """`b64_json` or `url`."""
    asked = body.get("response_format") or "b64_json"
    if asked not in FORMATS:
        raise InvalidParameter(f"response_format is {str(asked)[:40]!r}; allowed are {', '.join(FORMATS)}.")
    return str(asked)


def datum(row: Generation, *, data: bytes = b"", url: str = "") -> dict[str, Any]:
    """One entry of `data`; a prompt that was rewritten is told."""
    revised = row.notes.get("enhanced_prompt")
    return {
        **({"url": url} if url else {"b64_json": base64.b64encode(data).decode("ascii")}),
        **({"revised_prompt": revised} if revised else {}),
    }
