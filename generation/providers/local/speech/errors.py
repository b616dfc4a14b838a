"""What can keep a text from being spoken. Each message is a sentence for the person who asked."""


class SpeechError(Exception):
    """Anything that keeps a text from being spoken."""


class EmptyText(SpeechError):
    """Nothing to say: the text holds no letter and no digit."""

    def __init__(self) -> None:
        super().__init__("The text holds nothing that can be spoken: no letter and no digit.")


class UnsupportedLanguage(SpeechError):
    """The text holds letters of a language that no voice speaks."""

    def __init__(self, language: str) -> None:
        super().__init__(f"No voice speaks {language}. English and Chinese are spoken.")
        self.language = language


class UnknownVoice(SpeechError):
    def __init__(self, voice: str, known: tuple[str, ...]) -> None:
        super().__init__(f"There is no voice {voice!r:.60}. The voices are {', '.join(known)}.")
        self.voice = voice


class Unavailable(SpeechError):
    """The language is spoken, but a file it needs is missing or damaged."""


class Stopped(SpeechError):
    """The caller's `stop` said so."""

    def __init__(self) -> None:
        super().__init__("Stopped before the text was spoken to its end.")
