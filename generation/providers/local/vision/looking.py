"""Looking at a picture: tags, words, colours and size, and how they are told to a model that cannot see."""

import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from generation.providers.local.vision.colours import colours
from generation.providers.local.vision.tags import Tag, Tagger, is_drawn
from generation.providers.local.vision.text import TextReader

INSTRUCTIONS = (
    "The user shows you {count}. This is what you see:\n\n{notes}\n\nAnswer from this alone, in one to three plain "
    "sentences. Quote words exactly. Do not add what is not said here; if it does not tell what the user asks, say "
    "that you cannot see it."
)
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Facts:
    width: int
    height: int
    tags: list[Tag]
    lines: list[str]
    colours: list[str]
    drawn: bool

    def told(self) -> str:
        """The facts as plain sentences: a small model repeats them better than it reads a table."""
        return " ".join((*self._shown(), *self._written(), *self._looks()))

    def _shown(self) -> Iterator[str]:
        if self.drawn:
            yield "It is a drawing, a page, a sign or a screenshot."
        elif not self.tags:
            yield "It cannot be recognised what it shows."
        elif self.tags[0].share < SURE:
            yield f"It is not certain what it shows; it may be: {_listed([tag.name for tag in self.tags], 'or')}."
        else:
            yield f"It shows: {self.tags[0].name}."
            if others := [tag.name for tag in self.tags[1:]]:
                yield f"Perhaps more exactly: {_listed(others, 'or')}."

    def _written(self) -> Iterator[str]:
        if self.lines:
            yield "These words are written in it: " + " / ".join(f'"{line}"' for line in self.lines) + "."
        else:
            yield "No words are written in it."

    def _looks(self) -> Iterator[str]:
        if self.colours:
            yield f"Its main colours are {_listed(self.colours, 'and')}."
        shape = "square" if self.width == self.height else "wide" if self.width > self.height else "tall"
        yield f"It is a {shape} picture of {self.width} x {self.height} pixels."


def _listed(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


class VisionEngine:
    """Loads its networks on first use; looks at one picture at a time."""

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        self.model = model
        self._threads = threads
        self._turn = threading.Lock()
        self._tagger: Tagger | None = None
        self._reader: TextReader | None = None

    def look(self, data: bytes) -> Facts:
        """Facts about a PNG or JPEG. Raises ModelMissing, ModelDamaged."""
        with self._turn, Image.open(io.BytesIO(data)) as opened:
            self._tagger = self._tagger or Tagger(self.model)
            self._reader = self._reader or TextReader(threads=self._threads)
            image = _flat(opened)
            drawn = is_drawn(image)
            tags = [] if drawn else self._tagger.tags(image)
            return Facts(*image.size, tags, self._reader.lines(image), colours(image), drawn)


def _flat(image: Image.Image) -> Image.Image:
    """On white, where something shows through."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def instructions(facts: Sequence[Facts]) -> str:
    """What a model is told that is to answer as if it had looked."""
    if len(facts) == 1:
        return INSTRUCTIONS.format(count="a picture", notes=facts[0].told())
    notes = "\n\n".join(f"Picture {number}:\n{fact.told()}" for number, fact in enumerate(facts, 1))
    return INSTRUCTIONS.format(count=f"{len(facts)} pictures", notes=notes)
