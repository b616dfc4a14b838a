"""What a provider yields: any number of pieces, then exactly one Result."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # web processes pass results on and need no numpy for it
    import numpy as np


WORDS = ("content", "reasoning_content", "refusal")  # what of a delta is text, said bit by bit


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer, in the shape of `choices[0].delta` of an OpenAI chunk.

    `event` is that chunk as an upstream wrote it, where it says the very same and may be passed on as it is.
    """

    delta: dict[str, Any]
    event: bytes = b""


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of encoded audio, in the format that was asked for."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is, 0 to 1, where the engine knows."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What it took: tokens in and out."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def as_dict(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end. A picture or sound has `data` and `media_type`; an answer has `message` (OpenAI's shape); texts that
    became vectors have `vectors`, one array of float32 for each.

    `made_by` is `provider/model` as X-Model-Used tells it; `duration` is seconds of sound; `body` is a completion of
    OpenAI's as an upstream wrote it, where it says the very same as `message`.
    """

    made_by: str
    data: bytes = b""
    media_type: str = ""
    message: dict[str, Any] | None = None
    body: bytes = b""
    vectors: "list[np.ndarray]" = field(default_factory=list)
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    width: int = 0
    height: int = 0
    duration: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


Piece = Delta | Sound | Progress | Result
