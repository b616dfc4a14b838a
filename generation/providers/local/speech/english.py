"""English text as Kokoro's phonemes, by hibari's port of misaki's rules (no espeak)."""

import re
import unicodedata
from functools import cached_property
from typing import Any

_long_number = re.compile(r"\d{13,}")
_long_word = re.compile(r"\S{40}(?=\S)")
_rare_letter = re.compile(r"[^\W\d_]")


class English:
    """Turns a sentence into phonemes, American or British. The lexicons (0.5 s) load with the first sentence."""

    def __init__(self, *, british: bool = False) -> None:
        self.british = british

    def __call__(self, sentence: str) -> str:
        sentence = _long_number.sub(lambda digits: " ".join(digits[0]), sentence)  # no name for such a number
        sentence = _long_word.sub(r"\g<0> ", sentence)
        return str(self._rules(_rare_letter.sub(_plain, sentence)))

    @cached_property
    def _rules(self) -> Any:
        from hibari.g2p import G2P

        return G2P(british=self.british)


def _plain(letter: re.Match[str]) -> str:
    """A Latin letter beyond hibari's tables without its marks: ế as e."""
    return letter[0] if letter[0] <= "ɏ" else unicodedata.normalize("NFKD", letter[0])[0]
