"""From what an upstream says to an event of ours.

Two shapes for each kind: that of the guide's servers, and ours, which says more (`origin`, `url`). All of it is a
stranger's: texts lose their control characters, addresses are http or https and never lead inside unless the feed
itself comes from there, everything has a limit, and what does not fit is Junk.

The origin. `<installation>:<id>` names an item wherever it goes. A pollweb gives it along; for others it is made from
the feed's host and what the event says. Our event's ids are made from it: two pollwebs that follow each other, or the
same feed, recognise what they already have.
"""

import base64
import hashlib
import re
import uuid
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from feeds import events
from feeds.events import FeedEvent
from feeds.relay.sources import Source, is_inner

MOST_URL = 2048
NAMESPACE = uuid.UUID("6f1c1c0e-7f0b-5d0c-9d0e-3c6d6a1b7a52")
ORIGIN = r"^[0-9A-Za-z.:\[\]-]{1,260}:[0-9A-Za-z_-]{8,64}$"
# Control characters but tab and line feed; and those that turn the direction of what follows them.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
SPACES = re.compile(r"[\x00-\x20\x7f]")


class Unwanted(Exception):
    """Nothing to tell. `outcome` says what it is counted as."""

    outcome = "junk"


class Junk(Unwanted):
    pass


class Private(Unwanted):
    outcome = "private"


class Ours(Unwanted):
    """It was made here."""

    outcome = "ours"


def clean(value: Any) -> Any:
    return CONTROLS.sub("", value.replace("\r\n", "\n")) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(clean)]
Line = Annotated[str, BeforeValidator(clean), Field(max_length=200)]
Name = Annotated[str, BeforeValidator(clean), Field(min_length=1, max_length=100)]
Flag = Annotated[bool, BeforeValidator(bool)]
Side = Annotated[int, Field(ge=0, le=65_536)]


class Said(BaseModel):
    """What both kinds have."""

    model: Name
    origin: Annotated[str, Field(pattern=ORIGIN)] = ""
    url: str = ""
    made_by: Line = ""
    private: Flag = False
    isPrivate: Flag = False
    isChild: Flag = False
    isMature: Flag = False
    nsfw: Flag = False
    maturity: dict[str, Any] | None = None
    concurrentRequests: Annotated[int, Field(ge=0, le=10**9)] | None = None

    def flag(self, name: str) -> bool:
        return bool(getattr(self, name) or (self.maturity or {}).get(name))


class Picture(Said):
    status: Literal["end_generating"]
    imageURL: str
    prompt: Text
    width: Side
    height: Side
    seed: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = None
    enhance: Flag = False
    nologo: Flag = False
    safe: Flag = False
    transparent: Flag = False
    wasPimped: Flag = False
    negative_prompt: Annotated[str, BeforeValidator(clean), Field(max_length=4000)] | None = None
    quality: Line | None = None


class Message(BaseModel):
    role: Line
    content: Any = None


class Parameters(BaseModel):
    model: Line | None = None
    messages: Annotated[list[Message], Field(max_length=1000)] = []
    private: Flag = False
    isPrivate: Flag = False


class Answer(Said):
    model: Line = ""
    response: Annotated[str, BeforeValidator(clean), Field(min_length=1)]
    messages: Annotated[list[Message], Field(max_length=1000)] = []
    parameters: Parameters = Parameters()


def read(source: Source, data: str) -> FeedEvent:
    """The event that `data`, an event's JSON, is for us; Unwanted when it is none."""
    try:
        said = orjson.loads(data)
        made = (_picture if source.kind == "image" else _answer)(source, said)
    except (orjson.JSONDecodeError, ValidationError, ValueError) as exc:
        raise Junk(str(exc)) from exc
    return made


def _picture(source: Source, data: Any) -> FeedEvent:
    said = Picture.model_validate(data)
    named = (said.imageURL, said.prompt, said.model, said.seed, said.width, said.height)
    shared = _shared(source, said, named)
    address = _address(source, said.imageURL)
    given = said.model_dump(
        include={"enhance", "nologo", "safe", "transparent", "wasPimped", "negative_prompt", "quality"},
        exclude_none=True,
    )
    return FeedEvent(
        **shared,
        prompt=said.prompt,
        width=said.width,
        height=said.height,
        seed=said.seed,
        image_url=address,
        href=_address(source, said.url) if said.url else address,
        parameters=given,
    )


def _answer(source: Source, data: Any) -> FeedEvent:
    said = Answer.model_validate(data)
    if said.parameters.private or said.parameters.isPrivate:
        raise Private
    messages = [
        {"role": message.role, "content": text}
        for message in said.messages or said.parameters.messages
        if (text := _words(message.content))
    ]
    model = said.model or said.parameters.model
    if not model:
        raise Junk("no model")
    parts = urlsplit(source.url)
    shared = _shared(source, said, (said.response, model, messages))
    return FeedEvent(
        **{**shared, "model": model},
        prompt=next((each["content"] for each in reversed(messages) if each["role"] == "user"), ""),
        response=said.response,
        messages=messages,
        href=_address(source, said.url) if said.url else f"{parts.scheme}://{parts.netloc}/",
    )


def _shared(source: Source, said: Said, named: Any) -> dict[str, Any]:
    if said.private or said.isPrivate or said.flag("isChild"):
        raise Private
    origin = said.origin or f"{source.host}:{hashlib.sha256(orjson.dumps(named)).hexdigest()[:32]}"
    if origin.startswith(f"{events.installation()}:"):
        raise Ours
    id = uuid.uuid5(NAMESPACE, origin)
    return {
        "id": str(id),
        "public_id": base64.urlsafe_b64encode(id.bytes).decode().rstrip("="),
        "origin": origin,
        "kind": source.kind,
        "model": said.model,
        "is_mature": said.flag("isMature") or said.flag("nsfw"),
        "made_by": said.made_by,
        "concurrent": said.concurrentRequests or 0,
        "remote": True,
        "source": source.host,
    }


def _words(content: Any) -> str:
    """A message's text. A picture or a recording in it, bytes or an address, becomes `[image]` or `[audio]`."""
    if isinstance(content, str):
        return clean(content)
    words = []
    for part in content if isinstance(content, list) else []:
        kind = str(part.get("type", "")) if isinstance(part, dict) else ""
        if kind == "text" and isinstance(part.get("text"), str):
            words.append(part["text"])
        elif "image" in kind or "audio" in kind:
            words.append("[image]" if "image" in kind else "[audio]")
    return clean(" ".join(words))


def _address(source: Source, url: str) -> str:
    """`url` when people may be led there; Junk otherwise."""
    parts = urlsplit(url)
    if (
        len(url) > MOST_URL
        or SPACES.search(url)
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or (is_inner(parts.hostname) and not source.is_inner)
    ):
        raise Junk("an address that nobody should follow")
    return url
