"""What a picture shows: the scene that was understood, and its telling in words."""

from __future__ import annotations

from dataclasses import dataclass

from . import vocabulary
from .vocabulary import Subject


@dataclass(frozen=True, slots=True)
class Wanted:
    """One kind of thing in the scene: how many, and painted in which colour ("" for its own)."""

    subject: Subject
    count: int = 1
    colour: str = ""
    rides: bool = False  # sits on the subject that comes next

    def words(self) -> str:
        name = self.subject.name
        many = _plural_name(name) if self.count > 1 else name
        number = _NUMBERS.get(self.count, str(self.count))
        if self.count == 1:
            number = "an" if (self.colour or name)[0] in "aeiou" and not name.startswith("uni") else "a"
        if self.count == 1 and name in _WITHOUT_ARTICLE:
            number = ""
        return " ".join(part for part in (number, self.colour, many) if part)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a prompt asks for, with everything left open already decided."""

    environment: str = "field"
    backdrop: str = ""  # a second environment, behind the first
    time: str = "day"
    weather: str = "clear"
    style: str = "illustration"
    subjects: tuple[Wanted, ...] = ()
    # rainbow, aurora, fireworks, shooting star, full moon, crescent moon, sun, neon, fireflies
    wonders: tuple[str, ...] = ()
    water: str = ""  # "lake" or "beach" when the sea is one or has one
    sky: str = ""  # the colour the sky was asked to have
    close: bool = False  # a portrait, a close-up

    def words(self) -> str:
        """A short English sentence of the scene, as "Three red boats on a lake at sunset, in watercolour."."""
        things = [wanted.words() for wanted in self.subjects]
        if len(things) > 1 and self.subjects[0].rides:
            things[:2] = [f"{things[0]} on {things[1]}"]
        listed = ", ".join(things[:-1]) + " and " + things[-1] if len(things) > 1 else "".join(things)
        place = self.water if self.environment == "sea" and self.water else self.environment
        parts = [f"{listed} {_PLACES[place]}" if listed else _VIEWS[place]]
        if self.environment not in ("space", "underwater", "table"):
            parts.append(_TIMES[self.time])
        sentence = " ".join(parts)
        if self.weather != "clear" and self.environment not in ("space", "underwater", "table"):
            sentence += f", {_WEATHERS[self.weather]}"
        if self.wonders:
            sentence += ", with " + " and ".join(_wonder(wonder) for wonder in self.wonders)
        if self.style != "illustration":
            sentence += f", {_STYLES[self.style]}"
        return sentence[0].upper() + sentence[1:] + "."


_NUMBERS = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven",
    12: "twelve",
}  # fmt: skip


_PLACES = {
    "snow": "in the snow", "sea": "by the sea", "lake": "on a lake", "beach": "on the beach",
    "underwater": "under water", "forest": "in the forest", "city": "in the city", "desert": "in the desert",
    "space": "in space", "mountain": "in the mountains", "field": "in the fields", "table": "on a table",
}  # fmt: skip


_VIEWS = {
    "snow": "a snowy landscape", "sea": "the sea", "lake": "a lake", "beach": "a beach",
    "underwater": "a world under water", "forest": "a forest", "city": "a city", "desert": "a desert",
    "space": "deep space", "mountain": "a mountain landscape", "field": "rolling fields", "table": "a quiet room",
}  # fmt: skip
_TIMES = {"sunrise": "at sunrise", "day": "by day", "sunset": "at sunset", "dusk": "at dusk", "night": "at night"}


_WEATHERS = {
    "rain": "in the rain", "snow": "in falling snow", "fog": "in fog", "clouds": "under clouds",
    "storm": "in a storm", "wind": "in the wind",
}  # fmt: skip


_STYLES = {
    "watercolour": "in watercolour", "oil": "in oil", "pencil": "in pencil", "ink": "in ink", "pixel": "as pixel art",
    "comic": "as a comic", "glass": "in stained glass", "polygons": "in triangles",
}  # fmt: skip


_WITHOUT_ARTICLE = {
    "coffee", "tea", "wine", "beer", "bread", "cheese", "honey", "sushi", "ramen", "bubble tea", "corn", "coral",
    "santa",
}  # fmt: skip


_WITHOUT_PLURAL = {"fish", "deer", "sheep", "bison", "moose", "jellyfish", "tropical fish"}


def _plural_name(name: str) -> str:
    special = {"man": "men", "woman": "women", "mouse": "mice", "wolf": "wolves", "goose": "geese", "elf": "elves",
               "snowman": "snowmen", "old man": "old men", "old woman": "old women", "cactus": "cacti",
               "police officer": "police officers", "bread": "breads"}  # fmt: skip
    return name if name in _WITHOUT_PLURAL else special.get(name) or vocabulary.plural(name)


def _wonder(name: str) -> str:
    return {
        "aurora": "an aurora",
        "fireworks": "fireworks",
        "sun": "the sun",
        "neon": "neon lights",
        "fireflies": "fireflies",
    }.get(name, f"a {name}")
