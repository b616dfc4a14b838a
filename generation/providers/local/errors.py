"""The engines' own errors in our words. Each engine is a library that knows nothing of ours."""

from generation.errors import (
    EngineNotReady,
    InvalidParameter,
    InvalidRequest,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    Unspeakable,
)
from pollweb.lib.errors import PollwebError


def translate(exc: Exception) -> Exception:
    """By the class's name, since importing every engine to compare classes would load them all."""
    if isinstance(exc, PollwebError):
        return exc
    match type(exc).__name__:
        case "Stopped":
            return ProviderTimeout("The engine was stopped at the deadline.", retry_after=5)
        case "OutOfTime":
            return ProviderTimeout(str(exc))
        case "UnsupportedLanguage" | "EmptyText":
            return Unspeakable(str(exc))
        case "UnreadableAudio":
            return InvalidRequest(str(exc), code="invalid_audio")
        case "UnknownVoice" | "UnknownLanguage":
            return InvalidParameter(str(exc))
        case "CannotDo":
            return InvalidRequest(str(exc), code="edit_not_understood")
        case "ContextTooLong":
            return InvalidRequest(str(exc), code="input_too_long")
        case "RequestRefused":
            return InvalidRequest(str(exc))
        case "EngineBusy":
            return ProviderUnavailable(str(exc), retry_after=10)
        case "EngineFailed":
            return ProviderError(str(exc))
        case "ModelMissing" | "ModelDamaged" | "EngineMissing" | "Unavailable":
            return EngineNotReady(str(exc), retry_after=30)
        case _:
            return exc
