"""Reading an instruction: which steps it asks for.

`instructions.toml` says which words stand for which step. What one pattern has taken, no later one sees, so that "black
and white" makes nothing black. Things to be added, styles, hours and weathers are read with the painter's own lexicon.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..painter import vocabulary
from ..painter.icons import COLOURS

READ_CHARACTERS = 4000
SKY = 2.0  # the amount of a "recolour" step that means the sky


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `kind` is a member of editing.ORDER; `value` and `amount` are that step's own."""

    kind: str
    value: str = ""
    amount: float = 1.0


_COLOUR = "|".join(sorted((*COLOURS, "gray", "gold"), key=len, reverse=True))
_IT = (
    r"(?:it|this|that|everything|(?:the|this|my)\s+(?:whole\s+)?(?:image|picture|photo|photograph|logo|drawing|thing))"
)
_MUCH = r"(?P<much>(?:a\s+(?:little|bit|touch|lot)|slightly|much|very|way|far|strongly|really|一点|很)\s*)?"

OBJECTS = {
    "cake": r"(?:birthday\s+|wedding\s+|chocolate\s+)?cakes?|蛋糕",
    "mug": r"(?:coffee\s+|tea\s+)?(?:mug|cup)s?|杯子|马克杯",
    "shirt": r"t[\s-]?shirts?|tee|shirts?|hoodie|sweater|T恤|衬衫",
    "poster": r"(?:movie\s+)?posters?|billboard|framed\s+(?:picture|print)|picture\s+frame|海报",
    "pillow": r"pillows?|cushions?|抱枕|枕头",
    "sticker": r"stickers?|贴纸",
}
_OBJECT = "|".join(f"(?P<{name}>{words})" for name, words in OBJECTS.items())
_ADJECTIVES = r"(?:(?:" + _COLOUR + r"|big|large|small|nice|beautiful|delicious|simple|cute|lovely|round)\s+){0,3}"

_PHRASES = {"it": _IT, "much": _MUCH, "colour": _COLOUR, "object": _OBJECT, "adjectives": _ADJECTIVES}
INSTRUCTIONS = Path(__file__).with_name("instructions.toml")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Step], ...]:
    """The rows of `instructions.toml`: what to look for, and the step it stands for."""
    rows = tomllib.loads(INSTRUCTIONS.read_text(encoding="utf-8"))["step"]
    found = []
    for row in rows:
        pattern = re.sub(r"%(\w+)%", lambda name: _PHRASES[name[1]], row["pattern"])
        step = Step(row["kind"], row.get("value", ""), float(row.get("amount", 1)))
        found.append((re.compile(rf"(?<![a-z0-9])(?:{pattern})", re.IGNORECASE), step))
    return tuple(found)


_ADD = re.compile(
    r"\b(?:add|put|place|insert|draw|include|give)\b(?P<what>[^.;]*)|\b(?:with|wearing|holding|beside|next\s+to)\s+(?P<more>(?:an?|some|the|\d+|two|three|four|five|many)\b[^.;]*)"
    r"|(?:加上?|添加|放)(?P<zh>[^。;，]*)",
    re.IGNORECASE,
)
# Where what is to be added ends, and the next instruction begins.
_ANOTHER = re.compile(
    r"\s*(?:,|;|\band\b|\bthen\b)(?:\s+then)?\s+(?=(?:make|turn|give|set|crop|change|flip|rotate|upscale|print|put|add|render|"
    r"paint|let|bring|blur|sharpen|use|in\s+the\s+style)\b)",
    re.IGNORECASE,
)
_PLACES = (
    ("left", r"\bleft|左"),
    ("right", r"\bright|右"),
    ("top", r"\btop|\babove|\bupper|上面|上方"),
    ("bottom", r"\bbottom|\blower|\bbelow|下面|下方"),
    ("middle", r"\bcent(?:er|re)|\bmiddle|中间"),
)
_TIMES = ("sunrise", "sunset", "dusk", "night")
_FORCE = {"a little": 0.5, "a bit": 0.5, "a touch": 0.4, "slightly": 0.5, "一点": 0.5}
_STRONG = ("a lot", "much", "very", "way", "far", "strongly", "really", "很")


def read(prompt: str) -> tuple[Step, ...]:
    """The steps that `prompt` asks for, in the order of its words; () when it asks for none that we know."""
    text = " ".join(prompt[:READ_CHARACTERS].replace("_", " ").split())
    found: list[tuple[int, Step]] = []
    for pattern, step in _patterns():
        while match := pattern.search(text):
            if match.end() == match.start():
                break
            found.append((match.start(), _said(match, step)))
            text = text[: match.start()] + "\0" * (match.end() - match.start()) + text[match.end() :]
    text, added = _added(text)
    found += added
    found += _painted(text)
    return tuple(dict.fromkeys(step for _, step in sorted(found, key=lambda item: item[0])))


def _said(match: re.Match[str], step: Step) -> Step:
    """The step with what the groups of its pattern say."""
    kind, value, amount = step.kind, step.value, step.amount
    said = {name: text.lower() for name, text in match.groupdict().items() if text}
    if kind == "object":
        return Step(kind, next(name for name in OBJECTS if name in said))
    if kind == "upscale":
        times = next((said[name] for name in ("times", "times2", "times3") if name in said), "")
        if times:
            amount = float(times)
        elif "four" in said.get("word", "") or "quadruple" in said.get("word", ""):
            amount = 4
    elif kind in ("crop", "fit"):
        if "a" in said:
            value = f"{int(said['a'])}:{int(said['b'])}"
        value = said.get("shape", value)
    elif kind == "half":
        value = {"upper": "top", "lower": "bottom"}.get(said["part"], said["part"])
    elif kind == "rotate":
        amount = float(said.get("degrees", amount))
        if said.get("turn", "") in ("left",) or said.get("turn", "").startswith(("counter", "anti")):
            amount = -amount
    elif "colour" in said or "colour2" in said:
        value = said.get("colour") or said["colour2"]
        value = {"gray": "grey", "gold": "golden"}.get(value, value)
        amount = SKY if said.get("noun", "").strip() in ("sky", "skies") else amount
    if much := said.get("much", "").strip():
        amount = _forced(kind, amount, much)
    return Step(kind, value, amount)


def _forced(kind: str, amount: float, much: str) -> float:
    """The amount for "a little" and "much": factors move from 1, differences from 0."""
    force = 1.7 if much in _STRONG else _FORCE.get(" ".join(much.split()), 1.0)
    if kind in ("light", "contrast", "saturation"):
        return 1 + (amount - 1) * force
    return amount * force


def _added(text: str) -> tuple[str, list[tuple[int, Step]]]:
    """Subjects to be put into the picture, with their place, as "add" steps; the text without them."""
    found: list[tuple[int, Step]] = []
    end = 0
    while match := _ADD.search(text, end):
        group = match.lastgroup or ""
        what = _ANOTHER.split(match[group])[0]
        end = match.start(group) + len(what)
        if _names_a_subject(what):
            place = " ".join(name for name, pattern in _PLACES if re.search(pattern, what, re.IGNORECASE))
            found.append((match.start(), Step("add", f"{what.replace(chr(0), ' ').strip()}|{place}")))
            text = text[: match.start()] + "\0" * (end - match.start()) + text[end:]
    return text, found


def _names_a_subject(text: str) -> bool:
    return any(meaning.kind == "subject" for meanings in _lexical(text) for meaning in meanings)


def _painted(text: str) -> list[tuple[int, Step]]:
    """What the painter's own words ask for: a style, an hour, a weather."""
    found: list[tuple[int, Step]] = []
    for at, meanings in enumerate(_lexical(text)):
        for meaning in meanings:
            if meaning.kind == "style":
                found.append((10_000 + at, Step("style", meaning.value)))
            elif meaning.kind == "time" and meaning.value in _TIMES:
                found.append((10_000 + at, Step("hour", meaning.value)))
            elif meaning.kind == "weather" and meaning.value in ("rain", "snow", "fog", "storm"):
                found.append((10_000 + at, Step("weather", {"storm": "rain"}.get(meaning.value, meaning.value))))
    return found


def _lexical(text: str) -> list[tuple[vocabulary.Meaning, ...]]:
    from ..painter.reading import meanings_of

    return meanings_of(vocabulary.plain(text.replace("\0", " ")))


@cache
def colour_of(name: str) -> tuple[int, int, int]:
    """RGB of one of the painter's colours."""
    import colorsys

    hue, saturation, lightness = COLOURS[name]
    red, green, blue = colorsys.hls_to_rgb(hue or 0.0, lightness, saturation if hue is not None else 0.0)
    return round(red * 255), round(green * 255), round(blue * 255)
