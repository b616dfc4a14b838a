"""`/models`: what there is to ask, by kind, and a page for each of them."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from generation import catalogue, wellbeing
from generation.catalogue import ModelCard
from generation.models import Generation
from generation.requests import ChatRequest, ImageRequest, SpeechRequest
from generation.web.samples import Sample, samples
from generation.web.tiles import for_tiles, tiles
from pollweb.gallery import code

KINDS = {
    "image": _("Pictures"),
    "text": _("Text and chat"),
    "audio": _("Speech"),
    "transcription": _("Transcription"),
    "embedding": _("Embeddings"),
}
STATES = {wellbeing.OK: _("Works"), wellbeing.TROUBLED: _("A substitute answers"), wellbeing.AWAY: _("Away")}
# (in addresses, icon, words)
ABILITIES = {
    "vision": ("eye", _("Sees pictures")),
    "tools": ("wrench", _("Calls tools")),
    "json": ("braces", _("Writes JSON")),
    "reasoning": ("brain", _("Thinks first")),
    "edits": ("wand-sparkles", _("Changes pictures")),
    "voices": ("audio-lines", _("Speaks")),
    "hears": ("mic", _("Hears")),
}
RECENT = 12


@dataclass(frozen=True)
class Shown:
    """A card with what is known of it at this moment. `speed` is in seconds, None where nobody asked lately."""

    card: ModelCard
    state: str
    speed: float | None

    @property
    def word(self) -> Any:
        return STATES.get(self.state, _("Not looked at yet"))

    @property
    def kind_name(self) -> Any:
        return KINDS[self.card.kind]

    @property
    def abilities(self) -> list[tuple[str, str, Any]]:
        return [(name, *ABILITIES[name]) for name in abilities_of(self.card)]

    @property
    def is_open(self) -> bool:
        """Nobody needs a token for it."""
        return self.card.tier == "anonymous"

    @property
    def is_made_here(self) -> bool:
        """Whether the create page has it."""
        return self.card.kind in ("image", "text", "audio")


def abilities_of(card: ModelCard) -> list[str]:
    has = {
        "vision": card.vision,
        "tools": card.tools,
        "json": card.kind == "text",
        "reasoning": card.reasoning,
        "edits": card.edits,
        "voices": card.kind == "audio",
        "hears": card.kind == "transcription",
    }
    return [name for name in ABILITIES if has[name]]


def _shown(card: ModelCard, told: dict[str, Any]) -> Shown:
    states, speeds = (told.get("models", {}), told.get("speeds", {})) if told["known"] else ({}, {})
    return Shown(card, states.get(card.name, ""), speeds.get(card.name))


def _address(**filters: str) -> str:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in filters.items() if value})
    return f"/models?{query.urlencode()}" if query else "/models"


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Everything that can be asked; `kind` and `can` leave out the rest."""
    kind = request.GET.get("kind", "") if request.GET.get("kind", "") in KINDS else ""
    can = request.GET.get("can", "") if request.GET.get("can", "") in ABILITIES else ""
    told = wellbeing.seen()
    groups = []
    for name, words in KINDS.items():
        cards = [card for card in catalogue.cards(name).values() if not can or can in abilities_of(card)]
        if cards and (not kind or kind == name):
            groups.append((name, words, [_shown(card, told) for card in cards]))
    every = [card for name in KINDS for card in catalogue.cards(name).values()]
    offered = {ability for card in every for ability in abilities_of(card)}
    context = {
        "groups": groups,
        "kind": kind,
        "can": can,
        "kinds": [("", _("Everything"), _address(can=can))]
        + [(name, words, _address(kind=name, can=can)) for name, words in KINDS.items() if catalogue.cards(name)],
        "abilities": [
            (name, icon, words, _address(kind=kind, can="" if name == can else name))
            for name, (icon, words) in ABILITIES.items()
            if name in offered
        ],
    }
    return render(request, "gallery/models.html", context)


@require_safe
def model(request: HttpRequest, name: str) -> HttpResponse:
    """One model by its name; where a name stands for several kinds, each of them."""
    cards = [cards[name] for kind in KINDS if name in (cards := catalogue.cards(kind))]
    if not cards:
        raise Http404
    told = wellbeing.seen()
    rows = for_tiles(Generation.objects.public().filter(model=name).newest_first())[:RECENT]
    context = {
        "name": name,
        "shown": [(_shown(card, told), _code(card)) for card in cards],
        "tiles": tiles(list(rows)),
    }
    return render(request, "gallery/model.html", context)


def _code(card: ModelCard) -> list[Sample]:
    """How it is asked."""
    if card.kind == "image":
        return samples(ImageRequest(model=card.name, text=str(_("a lighthouse on a cliff at sunset")), seed=7))
    if card.kind == "text":
        said = {"role": "user", "content": str(_("Why is the sky blue? Two sentences."))}
        return samples(ChatRequest(model=card.name, messages=(said,)))
    if card.kind == "audio":
        voice = card.voices[0] if card.voices else "alloy"
        return samples(SpeechRequest(model=card.name, text=str(_("Good morning.")), voice=voice))
    return code.of(card)
