"""Embedded text to speech: Kokoro-82M in six voices, English and Chinese; hibari as the voice that is always there.

A synchronous library: it knows of texts, files and samples only.
"""

from .engine import Speech, SpeechEngine
from .errors import EmptyText, SpeechError, Stopped, Unavailable, UnknownVoice, UnsupportedLanguage

__all__ = [
    "EmptyText",
    "Speech",
    "SpeechEngine",
    "SpeechError",
    "Stopped",
    "Unavailable",
    "UnknownVoice",
    "UnsupportedLanguage",
]
