"""How a wall is shown: everything that its address may say. Each value is one of a short list, or bounded; what is
unknown is as usual, so that a mistyped address of a screen in a room is never an error."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import urlencode

LAYOUTS = ("mosaic", "stream", "spotlight")
SPEEDS = ("calm", "normal", "fast", "all")
DENSITIES = ("roomy", "normal", "dense")
KINDS = ("", "image", "text", "audio")
THEMES = ("", "light", "dark")
CODES = ("", "wall", "create")  # where the QR code leads
LISTS = {"layout": LAYOUTS, "speed": SPEEDS, "density": DENSITIES, "kind": KINDS, "theme": THEMES, "qr": CODES}
MOST_WORDS = 20
OFF = ("", "0", "no", "false", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """`words` show only what has one of them, `mute` hides what has one; both are given with commas."""

    kind: str = ""
    model: str = ""
    layout: str = "mosaic"
    speed: str = "normal"
    density: str = "normal"
    captions: bool = False
    sound: bool = False
    theme: str = ""
    lang: str = ""
    words: str = ""
    mute: str = ""
    qr: str = ""
    title: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From a query, or from what was stored."""
        values: dict[str, Any] = {}
        for each in fields(cls):
            said = given.get(each.name)
            if said is None:
                continue
            text = str(said).replace("\0", "").strip()
            if each.name in LISTS:
                if text in LISTS[each.name]:
                    values[each.name] = text
            elif each.type is bool:
                values[each.name] = text.lower() not in OFF
            elif each.name in ("words", "mute"):
                values[each.name] = ", ".join(
                    word.strip()[:100] for word in text.split(",")[:MOST_WORDS] if word.strip()
                )
            else:
                values[each.name] = text[:100]
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """What differs from the usual."""
        usual = type(self)()
        return {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) != getattr(usual, each.name)
        }

    def query(self, **other: Any) -> str:
        """As a query, with `?`; nothing when all is as usual."""
        values = {**self.as_dict(), **other}
        told = {name: "1" if value is True else value for name, value in values.items() if value not in ("", False)}
        return f"?{urlencode(told)}" if told else ""
