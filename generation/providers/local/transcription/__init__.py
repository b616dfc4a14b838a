"""Embedded speech to text: OpenAI's Whisper by CTranslate2, on the processor.

A synchronous library: it knows of bytes, samples and text only.
"""

from .decoding import LONGEST_SECONDS, decode
from .engine import Segment, Transcription, TranscriptionEngine, Word
from .errors import ModelMissing, Stopped, TranscriptionError, UnknownLanguage, UnreadableAudio

__all__ = [
    "LONGEST_SECONDS",
    "ModelMissing",
    "Segment",
    "Stopped",
    "Transcription",
    "TranscriptionEngine",
    "TranscriptionError",
    "UnknownLanguage",
    "UnreadableAudio",
    "Word",
    "decode",
]
