"""Chat on the embedded language model: requests and answers in OpenAI's chat-completions shapes."""

from generation.providers.local.chat.engine import ChatEngine
from generation.providers.local.chat.errors import (
    ContextTooLong,
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineMissing,
    ModelDamaged,
    ModelMissing,
    OutOfTime,
    RequestRefused,
)

__all__ = [
    "ChatEngine",
    "ContextTooLong",
    "EngineBusy",
    "EngineError",
    "EngineFailed",
    "EngineMissing",
    "ModelDamaged",
    "ModelMissing",
    "OutOfTime",
    "RequestRefused",
]
