"""What can keep a recording from being written down. Each message is a sentence for the person who asked."""


class TranscriptionError(Exception):
    """Anything that keeps a recording from being written down."""


class UnreadableAudio(TranscriptionError):
    """The bytes hold no sound that can be read, or too much of it."""


class UnknownLanguage(TranscriptionError):
    """The language is none that the model hears."""

    def __init__(self, language: str, known: tuple[str, ...]) -> None:
        super().__init__(f"The language {language!r:.20} is not understood here. Understood are {', '.join(known)}.")


class ModelMissing(TranscriptionError):
    """The model's files are not there, or cannot be loaded."""


class Stopped(TranscriptionError):
    """The caller's `stop` said so."""

    def __init__(self) -> None:
        super().__init__("Stopped before the recording was written down to its end.")
