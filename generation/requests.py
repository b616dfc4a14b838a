"""What somebody wishes for: frozen, validated, storable, with a fingerprint.

A request says nothing about who asks. `model` is the public name that was asked for; which engine answers is the
catalogue's business.
"""

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

# Part of every fingerprint: raise it when the same request shall be made anew, since it would come out differently.
FINGERPRINT_VERSION = 2
# Who may see a result is its scope's business, and `nologo` decides nothing that `logo` does not say.
UNDECISIVE = frozenset({"private", "nologo"})

# The public service answers an image request without a seed as if it had asked for this one, so that an address
# always shows the same picture.
DEFAULT_IMAGE_SEED = 42

UNSTORED = {"unstored": True}


class Drawn(int):
    """A seed that nobody named: the same request, sent again, gets another one."""


@dataclass(frozen=True, kw_only=True)
class Request(ABC):
    """The part all kinds share. `kind` is what comes out: image, text or audio; `ability` which models can do it.

    A field with `metadata=UNSTORED` is given to the provider alone: no row holds it, and it decides nothing that
    another field does not.
    """

    kind: ClassVar[str]
    ability: ClassVar[str]
    model: str
    private: bool = False

    @property
    @abstractmethod
    def prompt(self) -> str:
        """The wish as one text, for people."""

    @property
    def has_media(self) -> bool:
        """Carries somebody's picture, recording or tool answer; such a request is private unless asked otherwise."""
        return False

    @property
    def undrawn(self) -> "Request":
        """The request as it was sent, without the seed that was drawn for it: equal for whoever sends it again."""
        return self

    def params(self) -> dict[str, Any]:
        """Everything but the defaults, as JSON values; `from_params` reads it back."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if "unstored" not in field.metadata
            and ((value := getattr(self, field.name)) != field.default or field.name == "model")
        }

    def fingerprint(self, made_by: str) -> str:
        """SHA-256 of all that decides the result, and of who makes it (`provider/model`)."""
        if (known := self.__dict__.get("_fingerprint")) is not None and known[0] == made_by:
            return str(known[1])
        effective = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in UNDECISIVE and "unstored" not in field.metadata
        }
        structure = [FINGERPRINT_VERSION, self.kind, type(self).__name__, made_by, effective]
        digest = hashlib.sha256(orjson.dumps(structure, option=orjson.OPT_SORT_KEYS)).hexdigest()
        self.__dict__["_fingerprint"] = made_by, digest  # a request is frozen, and one may be asked for many times
        return digest


@dataclass(frozen=True, kw_only=True)
class ImageRequest(Request):
    """One picture. Sides in pixels, 0 where the given picture decides; `seed` is already chosen (−1 has become one).

    `images` are pictures to work on: addresses or bytes as the caller gave them, digests in the media store once
    generation.inputs has taken them. A provider finds their bytes, PNG or JPEG, in `pictures`, and in `addresses` where
    an upstream may fetch them for an hour. `logo` names the operator's logo that it gets, if it gets one; `label` is
    the operator's words in its corner.
    """

    kind: ClassVar[str] = "image"
    ability: ClassVar[str] = "image"
    text: str = ""
    seed: int = DEFAULT_IMAGE_SEED
    width: int = 1024
    height: int = 1024
    negative_prompt: str = "worst quality, blurry"
    quality: str = "medium"
    guidance_scale: float | None = None
    transparent: bool = False
    enhance: bool = False
    safe: bool = False
    nologo: bool = False
    logo: str = ""
    label: str = ""
    images: tuple[str | bytes, ...] = ()
    pictures: tuple[bytes, ...] = dataclasses.field(default=(), repr=False, compare=False, metadata=UNSTORED)
    addresses: tuple[str, ...] = dataclasses.field(default=(), repr=False, compare=False, metadata=UNSTORED)

    @property
    def has_media(self) -> bool:
        return bool(self.images)

    @property
    def undrawn(self) -> "ImageRequest":
        return dataclasses.replace(self, seed=-1) if isinstance(self.seed, Drawn) else self

    @property
    def prompt(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class ChatRequest(Request):
    """A conversation to be continued. `messages` and `options` have OpenAI's chat-completions shapes.

    `options` holds what the caller really set: temperature, top_p, seed, max_tokens, stop, response_format, tools, …;
    under `extra` are the fields that mean nothing here, which only an upstream is sent.
    """

    kind: ClassVar[str] = "text"
    ability: ClassVar[str] = "text"
    messages: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """What the user said last."""
        for message in reversed(self.messages):
            if message.get("role", "user") == "user":
                return text_of(message.get("content"))
        return ""

    @property
    def has_media(self) -> bool:
        return any(m.get("role") in ("tool", "function") for m in self.messages) or bool(self._kinds() - {"text"})

    @property
    def undrawn(self) -> "ChatRequest":
        drawn = isinstance(self.options.get("seed"), Drawn)
        return dataclasses.replace(self, options={**self.options, "seed": -1}) if drawn else self

    @property
    def has_pictures(self) -> bool:
        return bool(self._kinds() & {"image_url", "input_image"})

    @property
    def has_recordings(self) -> bool:
        return "input_audio" in self._kinds()

    def _kinds(self) -> set[str]:
        """The kinds of the parts that its messages are made of."""
        parts = [part for m in self.messages if isinstance(m.get("content"), list) for part in m["content"]]
        return {str(part.get("type", "text")) for part in parts if isinstance(part, dict)}

    @property
    def own_options(self) -> dict[str, Any]:
        """The options without `extra`, which may name people: what strangers may be told."""
        return {name: value for name, value in self.options.items() if name != "extra"}

    @property
    def json_mode(self) -> bool:
        return (self.options.get("response_format") or {}).get("type") in ("json_object", "json_schema")


@dataclass(frozen=True, kw_only=True)
class SpeechRequest(Request):
    """A text to be read aloud, word for word. `format` is one of generation.audio.FORMATS, `speed` a factor."""

    kind: ClassVar[str] = "audio"
    ability: ClassVar[str] = "audio"
    text: str = ""
    voice: str = "alloy"
    format: str = "mp3"
    speed: float = 1.0

    @property
    def prompt(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class TranscriptionRequest(Request):
    """A recording to be written down: what comes out is a message.

    `recording` is the SHA-256 of the sound file in the media store; its bytes are `data` when a provider is asked.
    `language` is a code such as `en`, "" to be found out; `hint` is text whose spelling is followed; `words` asks for
    the times of every word.
    """

    kind: ClassVar[str] = "text"
    ability: ClassVar[str] = "transcription"
    recording: str = ""
    language: str = ""
    hint: str = ""
    temperature: float = 0.0
    words: bool = False
    data: bytes = dataclasses.field(default=b"", repr=False, compare=False, metadata=UNSTORED)

    @property
    def prompt(self) -> str:
        return "[audio]"

    @property
    def has_media(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class EmbeddingRequest(Request):
    """Texts to become vectors: `query` ones look for others, the rest are to be found. No row is made of it.

    `dimensions` is how many numbers are wanted, 0 for as many as the model has.
    """

    kind: ClassVar[str] = "embedding"
    ability: ClassVar[str] = "embedding"
    texts: tuple[str, ...] = ()
    query: bool = False
    dimensions: int = 0

    @property
    def prompt(self) -> str:
        return self.texts[0] if self.texts else ""


KINDS: dict[str, type[Request]] = {
    kind.__name__: kind for kind in (ImageRequest, ChatRequest, SpeechRequest, TranscriptionRequest)
}


def store(request: Request) -> dict[str, Any]:
    """The request as JSON values, its class named."""
    values = request.params()
    if "messages" in values:
        values["messages"] = list(values["messages"])
    return {"request": type(request).__name__, **values}


def restore(params: dict[str, Any]) -> Request:
    """The counterpart of `store`."""
    values = dict(params)
    kind = KINDS[values.pop("request")]
    for name in ("messages", "images"):
        if name in values:
            values[name] = tuple(values[name])
    return kind(**values)


def text_of(content: Any) -> str:
    """The words of a message's content; a picture or a recording among them becomes `[image]` or `[audio]`."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    words = []
    for part in content:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict):
            kind = str(part.get("type", "text"))
            words.append(str(part.get("text", "")) if kind == "text" else "[audio]" if "audio" in kind else "[image]")
    return "\n".join(word for word in words if word)
