"""What the chat engine can answer instead of an answer.

EngineError
├── EngineMissing        the inference library is not installed, or a system library of its own is not
├── ModelMissing         the model file is not there
├── ModelDamaged         the model file does not load
├── EngineBusy           others had the engine for as long as this request could wait
├── EngineFailed         the engine broke off
├── OutOfTime            the deadline came before the first word
└── RequestRefused       the caller can mend it
    └── ContextTooLong   the prompt alone exceeds what the model can read
"""


class EngineError(Exception):
    """The root: its text is one sentence, without paths."""


class EngineMissing(EngineError):
    pass


class ModelMissing(EngineError):
    pass


class ModelDamaged(EngineError):
    pass


class EngineBusy(EngineError):
    pass


class EngineFailed(EngineError):
    pass


class OutOfTime(EngineError):
    pass


class RequestRefused(EngineError):
    pass


class ContextTooLong(RequestRefused):
    """`limit` is in tokens."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the prompt is too long: this model reads at most {limit} tokens")
