"""A generation as pages show it: its shape in the grid, its words, its addresses."""

from collections.abc import Hashable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Left
from django.utils.translation import gettext as _

from generation import variants
from generation.models import Generation
from pollweb.lib.ages import age_step
from pollweb.lib.plain import plain

STEP, NARROWEST, WIDEST = 5, 40, 300  # ratio × 100: the steps that static/css/rows.css knows
ROW = 264  # pixels: the height rows are laid out for
SHOWN = {"prompt": 400, "response": 700}  # characters at most
SEEN = (
    *("public_id", "kind", "model", "state", "visibility", "is_mature", "hidden_at", "created_at"),
    *("width", "height", "duration", "artifact__placeholder", "artifact__variants"),
)
EAGER = 8  # pictures that are loaded at once; the rest when they come near


def ratio_step(width: int, height: int) -> int:
    """Width to height, × 100, rounded to the grid's step and held within its bounds; square when unknown."""
    if not width or not height:
        return 100
    return min(WIDEST, max(NARROWEST, round(width / height * 100 / STEP) * STEP))


@dataclass(frozen=True, slots=True)
class Tile:
    """One generation in a grid; `position` counts from 0 and decides what is loaded first."""

    generation: Generation
    position: int = EAGER
    own: bool = False
    of_team: bool = False  # seen by a member of the team that made it

    @property
    def looks(self) -> Hashable:
        """Everything that a drawing of it depends on: what of the row may change, and how old it is told to be."""
        it, file = self.generation, self.generation.artifact
        return (
            it.pk,
            self.position if self.is_eager else None,
            self.own,
            self.of_team,
            it.state,
            it.visibility,
            it.is_visible,
            it.is_mature,
            it.model,
            it.width,
            it.height,
            it.duration,
            self._start("prompt"),
            self._start("response"),
            (file.pk, file.placeholder, *file.variants) if file else None,
            age_step(it.created_at),
        )

    @property
    def prompt(self) -> str:
        """The prompt, or as much of it as `for_tiles` has fetched."""
        return self._start("prompt")

    @property
    def response(self) -> str:
        return plain(self._start("response"))

    def _start(self, name: str) -> str:
        fetched = vars(self.generation)
        return str(fetched.get(f"{name}_start", "")) if f"{name}_start" in fetched else getattr(self.generation, name)

    @property
    def ratio(self) -> int:
        return ratio_step(self.generation.width, self.generation.height) if self.is_picture else 150

    @property
    def is_picture(self) -> bool:
        return self.generation.kind == "image"

    @property
    def href(self) -> str:
        """Its page; for what is not public, the page of its maker's job."""
        folder = (
            "p" if self.generation.is_visible or (self.of_team and self.generation.state == "succeeded") else "jobs"
        )
        return f"/{folder}/{self.generation.public_id}"

    @property
    def media_url(self) -> str:
        """Where its bytes are: for everybody, or for its maker only."""
        if self.generation.is_visible:
            return f"/media/{self.generation.public_id}/original"
        if self.of_team:
            return f"/p/{self.generation.public_id}/media"
        return f"/jobs/{self.generation.public_id}/media"

    @property
    def sizes(self) -> str:
        """How wide the grid shows it, for the browser's choice of file."""
        return f"(max-width: 480px) 100vw, {round(self.ratio * ROW / 100)}px"

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Smaller forms of a public picture, best first: (media type, srcset). None until they are made."""
        made = self.generation.artifact.variants if self.is_picture and self.generation.artifact else {}
        if not self.generation.is_visible:
            return []
        folder = f"/media/{self.generation.public_id}"
        found = []
        for format, (_name, media_type, _options) in variants.FORMATS.items():
            forms = [f"{folder}/{format}-{width} {width}w" for width in variants.WIDTHS if f"{format}-{width}" in made]
            if forms:
                # The largest form may be smaller than the picture: those who need more take the picture itself.
                found.append((media_type, ", ".join(forms)))
        return found

    @property
    def placeholder(self) -> str:
        """A picture of a few pixels, as a data: address, to lie below until the picture has come."""
        return self.generation.artifact.placeholder if self.generation.artifact else ""

    @property
    def is_eager(self) -> bool:
        return self.position < EAGER

    @property
    def alt(self) -> str:
        words = self.prompt.strip()
        return _("Generated image: %(prompt)s") % {"prompt": words[:150]} if words else _("Generated image")


def for_tiles(rows: QuerySet[Generation], *more: str) -> QuerySet[Generation]:
    """Only what a tile shows, and `more`: texts may be very long, and to read a column of sixty rows takes time too."""
    starts = {f"{name}_start": Left(name, most) for name, most in SHOWN.items()}
    related = {name.partition("__")[0] for name in (*SEEN, *more) if "__" in name}
    return rows.select_related(*related).only(*SEEN, *more).annotate(**starts)


def tiles(generations: list[Generation]) -> list[Tile]:
    return [Tile(generation, position) for position, generation in enumerate(generations)]
