"""Reading single values as the public API takes them: permissive where it is, a clear sentence where it cannot be."""

import math
import re
import secrets
from typing import Any
from urllib.parse import unquote

from generation.errors import InvalidParameter
from generation.requests import Drawn

LARGEST_INTEGER = 2**63 - 1
# The range that the guide documents for seeds.
LARGEST_SEED = 1_844_674_407_370_955


def flag(value: Any) -> bool:
    """Only `true`, in any case, is true: not 1, not yes, not nothing."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def truthy(value: Any) -> bool:
    """Anything that is something, but for the words that mean no."""
    return bool(value) and str(value).lower() not in ("false", "0", "no", "off", "null")


def private_flag(value: Any) -> bool:
    """The one that must not be misunderstood: all but a clear no is yes, so that nothing is public by mistake."""
    return str("" if value is None else value).strip().lower() not in ("", "false", "0", "no")


def stream_flag(value: Any) -> bool:
    """The one flag with more words: true, 1 and yes."""
    return value is True or (isinstance(value, int) and value == 1) or str(value).lower() in ("true", "1", "yes")


ESCAPED = re.compile(r"\S*%[0-9A-Fa-f]{2}\S*")


def unescaped(text: str) -> str:
    """A text of a query that was percent-encoded twice, as it was meant; whatever else as it is.

    Several clients of the public service, its guide's sample among them, encode `system` twice. A text with white space
    was encoded once only: a second encoding would have left none.
    """
    if not ESCAPED.fullmatch(text):
        return text
    try:
        meant = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text
    return text if "\0" in meant else meant


def _finite(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise InvalidParameter(f"{name} is {str(value)[:60]!r}; a number is needed.")
    return number


def clamped(name: str, value: Any, least: float, most: float) -> float:
    """A number, brought into its range."""
    return min(max(_finite(name, value), least), most)


def side(name: str, value: Any) -> int:
    """A picture's side in pixels, as asked: a whole number from 1 on; how large it may be is the model's business."""
    try:
        pixels = int(str(value).strip()) if len(str(value)) <= 30 else 0
    except ValueError:
        pixels = 0
    if pixels < 1:
        raise InvalidParameter(f"{name} is {str(value)[:60]!r}; a whole number of pixels from 1 on is needed.")
    return pixels


def fitted(width: int, height: int, largest: int) -> tuple[int, int]:
    """The size that is really made: within the model's area and longest side, its proportion kept; 0 is left open."""
    if not (width and height):
        return min(width, largest), min(height, largest)
    scale = min(1.0, math.sqrt(largest * largest / (width * height)), largest / max(width, height))
    if scale == 1.0:
        return width, height
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))


def seed(value: Any, default: int) -> int:
    """A seed; −1 draws one, and what cannot be read is the default, as the public service has it."""
    try:
        number = int(str(value).strip()) if len(str(value)) <= 30 else default
    except ValueError:
        return default
    if number == -1:
        return Drawn(secrets.randbelow(LARGEST_SEED))
    return number if abs(number) <= LARGEST_INTEGER else default


def count(name: str, value: Any, least: int, most: int) -> int:
    number = _finite(name, value)
    if number != int(number) or not least <= number:
        raise InvalidParameter(f"{name} is {str(value)[:60]!r}; a whole number from {least} on is needed.")
    return min(int(number), most)
