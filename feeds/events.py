"""What is told: one event for each public generation, in the words of the guide's feeds and of the wall.

The guide's fields stand at the top level. Beside them stand those that its servers sent, since published clients read
both; never a token, never an address.
"""

import time
import uuid
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, Self

import orjson
from django.conf import settings
from django.utils.crypto import salted_hmac

from pollweb.lib.plain import plain

MESSAGE_BYTES = 32 * 1024  # all messages together
TEXT_BYTES = 32 * 1024  # prompt, response
PARAMETER_BYTES = 16 * 1024
URL_CHARS = 16 * 1024
PLACEHOLDER_CHARS = 4096
TIMING_STEPS = 50
WALL_PROMPT_CHARS = 1000
WALL_RESPONSE_CHARS = 2000

IMAGE_PARAMETERS: dict[str, Any] = {
    "nofeed": False,
    "nologo": False,
    "enhance": False,
    "safe": False,
    "negative_prompt": "",
    "quality": "medium",
    "image": [],
    "transparent": False,
    "guidance_scale": None,
}
TEXT_PARAMETERS = (
    "jsonMode",
    "seed",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stream",
    "voice",
    "modalities",
    "audio",
    "reasoning_effort",
    "response_format",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """Something public that was made. Texts that are too long are cut, so that an event has a bounded size.

    `id` is the generation's UUID, `kind` image, text or audio, `image_url` the public address of the request, `src` the
    media address of the picture or sound, `srcset` its other sizes in HTML's notation, `placeholder` a data: address or
    nothing, `duration` seconds of sound, `at` seconds since 1970, `messages` user and assistant text as
    `{"role", "content"}`, `timing` `{"step", "timestamp"}` in milliseconds from the first step, `concurrent` the jobs
    running or waiting at the time.

    `remote` events were made elsewhere: `source` is the host that told us, `origin` the name that the item has wherever
    it goes (`<installation>:<id>`), `href` its address there.

    `team`, `app` (their keys) and `score` (the classifier's, 0 to 1) are for moderation and for walls of a team; no
    frame says them.
    """

    id: str
    public_id: str
    kind: str
    model: str
    prompt: str = ""
    response: str = ""
    messages: list[dict[str, str]] = field(default_factory=list)
    width: int = 0
    height: int = 0
    seed: int | None = None
    image_url: str = ""
    src: str = ""
    srcset: str = ""
    href: str = ""
    colour: str = ""
    placeholder: str = ""
    duration: float = 0.0
    is_mature: bool = False
    made_by: str = ""
    referrer: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    timing: list[dict[str, Any]] = field(default_factory=list)
    concurrent: int = 0
    remote: bool = False
    source: str = ""
    origin: str = ""
    team: int | None = None
    app: int | None = None
    score: float | None = None
    at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "id", str(uuid.UUID(str(self.id))))
        for each in fields(self):
            keep(self, each.name, _clean(getattr(self, each.name)))
        keep(self, "prompt", _cut(self.prompt, TEXT_BYTES))
        keep(self, "response", _cut(self.response, TEXT_BYTES))
        keep(self, "messages", _conversation(self.messages))
        keep(self, "timing", self.timing[:TIMING_STEPS])
        if len(self.image_url) > URL_CHARS:
            keep(self, "image_url", self.src)
        if len(self.placeholder) > PLACEHOLDER_CHARS:
            keep(self, "placeholder", "")
        if len(orjson.dumps(self.parameters, default=str)) > PARAMETER_BYTES:
            keep(self, "parameters", {})
        if not self.href:
            keep(self, "href", f"/p/{self.public_id}")
        if not self.origin:
            keep(self, "origin", f"{installation()}:{self.public_id}")

    # --- for rows and the stream --------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """JSON values only, for the outbox row."""
        return orjson.loads(orjson.dumps(asdict(self), default=str))

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), default=str)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `as_dict`; fields that a newer version wrote are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        return cls.from_dict(orjson.loads(data))

    # --- for the doors ------------------------------------------------------------------------------------------------

    def image_frame(self) -> dict[str, Any]:
        """An event of the guide's image feed."""
        given = self.parameters
        return {
            "width": self.width,
            "height": self.height,
            "seed": self.seed,
            "model": self.model,
            "imageURL": self.image_url,
            "prompt": self.prompt,
            "status": "end_generating",
            "concurrentRequests": self.concurrent,
            "timingInfo": self.timing,
            "isChild": False,
            "isMature": self.is_mature,
            "nsfw": self.is_mature,
            "maturity": {"isChild": False, "isMature": self.is_mature, "nsfw": self.is_mature},
            "private": False,
            **{name: given.get(name, usual) for name, usual in IMAGE_PARAMETERS.items()},
            "referrer": self.referrer,
            "wasPimped": bool(given.get("wasPimped", False)),
            "made_by": self.made_by,
            **self._whence(),
        }

    def text_frame(self) -> dict[str, Any]:
        """An event of the guide's text feed."""
        given = {name: self.parameters[name] for name in TEXT_PARAMETERS if name in self.parameters}
        return {
            "response": self.response,
            "model": self.model,
            "messages": self.messages,
            "status": "end_generating",
            "concurrentRequests": self.concurrent,
            "timingInfo": self.timing,
            "referrer": self.referrer,
            "made_by": self.made_by,
            "parameters": {
                "messages": self.messages,
                "model": self.model,
                **given,
                "referrer": self.referrer,
                "isPrivate": False,
            },
            **self._whence(),
        }

    def _whence(self) -> dict[str, Any]:
        """What those who follow us read (feeds.relay.remote)."""
        page = self.href if self.remote else f"{settings.SITE_URL}{self.href}"
        return {"remote": self.remote, "source": self.source, "origin": self.origin, "url": page}

    def wall_item(self, id: str, sent_ns: int) -> dict[str, Any]:
        """An `item` frame of the wall. `id` is the place in the stream, which a client gives back as `after`.

        Addresses of the site are without its host: whichever name the page was opened under, they are its own.
        """
        return {
            "t": "item",
            "id": id,
            "kind": self.kind,
            "model": self.model,
            "prompt": _shorten(self.prompt, WALL_PROMPT_CHARS),
            "response": plain(_shorten(self.response, WALL_RESPONSE_CHARS)),
            "w": self.width,
            "h": self.height,
            "ar": round(self.width / self.height, 4) if self.width and self.height else 1,
            "seed": self.seed,
            "lqip": self.placeholder,
            "colour": self.colour,
            "src": self._picture() if self.remote else self.src.removeprefix(settings.SITE_URL),
            "srcset": self.srcset.replace(f"{settings.SITE_URL}/", "/"),
            "duration": self.duration,
            "href": self.href,
            "made_by": self.made_by,
            "remote": self.remote,
            "source": self.source,
            "at": self.at,
            "sent_ns": sent_ns,
        }

    def _picture(self) -> str:
        """Where a picture that was made elsewhere is shown from, as the operator wants it."""
        if self.kind != "image":
            return ""
        shown = settings.DESIGN.feeds.pictures
        return {"thumbnails": f"/media/{self.public_id}/relayed", "direct": self.image_url}.get(shown, "")


def installation() -> str:
    """The name of this installation, the same in all its processes, for those who follow it and are followed by it."""
    return _installation(settings.SECRET_KEY)


@cache
def _installation(secret: str) -> str:
    return salted_hmac("feeds.origin", "installation", secret, algorithm="sha256").hexdigest()[:16]


def _clean(value: Any) -> Any:
    """Without NUL, which PostgreSQL refuses, and without halves of surrogate pairs, which no encoding takes."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return str(value)
    return value


def _cut(text: str, most: int) -> str:
    """At most `most` bytes of UTF-8, never half a character."""
    data = text.encode()
    return text if len(data) <= most else data[:most].decode("utf-8", "ignore")


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _conversation(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What user and assistant said, as text. The newest messages are kept when all together are too long."""
    kept: list[dict[str, str]] = []
    left = MESSAGE_BYTES
    for message in reversed(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant") or not isinstance(content, str) or not content:
            continue
        text = _cut(content, left)
        left -= len(text.encode())
        if text:
            kept.append({"role": role, "content": text})
        if left <= 0:
            break
    return kept[::-1]
