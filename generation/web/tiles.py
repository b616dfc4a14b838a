"""A generation as pages show it: its shape in the grid, its words, its addresses."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from generation.models import Generation

STEP, NARROWEST, WIDEST = 5, 40, 300  # ratio × 100: the steps that static/css/rows.css knows
ROW = 264  # pixels: the height rows are laid out for
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

    @property
    def ratio(self) -> int:
        return ratio_step(self.generation.width, self.generation.height) if self.is_picture else 150

    @property
    def is_picture(self) -> bool:
        return self.generation.kind == "image"

    @property
    def href(self) -> str:
        """Its page; for what is not public, the page of its maker's job."""
        name = "item" if self.generation.is_visible else "job"
        return reverse(name, args=[self.generation.public_id])

    @property
    def media_url(self) -> str:
        """Where its bytes are: for everybody, or for its maker only."""
        if self.generation.is_visible:
            return f"/media/{self.generation.public_id}/original"
        return reverse("job-media", args=[self.generation.public_id])

    @property
    def sizes(self) -> str:
        """How wide the grid shows it, for the browser's choice of file."""
        return f"(max-width: 480px) 100vw, {round(self.ratio * ROW / 100)}px"

    @property
    def is_eager(self) -> bool:
        return self.position < EAGER

    @property
    def alt(self) -> str:
        words = self.generation.prompt.strip()
        return _("Generated image: %(prompt)s") % {"prompt": words[:150]} if words else _("Generated image")


def tiles(generations: list[Generation]) -> list[Tile]:
    return [Tile(generation, position) for position, generation in enumerate(generations)]
