"""The style guide: every component in every state, drawn by the templates that the pages use, for eyes and for tests.

`?theme=` and `?hl=` show it in another theme and language. What it shows is made up here, and stored nowhere.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from generation import requests
from generation.models import Artifact, Generation, State
from generation.web import progress
from generation.web.answers import to_html
from generation.web.brought import Brought
from generation.web.limits import Standing
from generation.web.originals import Original
from generation.web.result import result_context
from generation.web.tiles import Tile
from pollweb.accounts import charts
from pollweb.accounts.pages import staff_page
from pollweb.views import THEMES

COLOURS = {
    "bg": gettext_lazy("page"),
    "surface": gettext_lazy("cards and bars"),
    "sunken": gettext_lazy("wells and code"),
    "line": gettext_lazy("hairlines"),
    "control": gettext_lazy("edges of inputs"),
    "text": gettext_lazy("text"),
    "muted": gettext_lazy("quiet text"),
    "faint": gettext_lazy("faint text"),
    "link": gettext_lazy("links and pictures"),
    "accent": gettext_lazy("the one thing to do"),
    "accent-text": gettext_lazy("accent as text"),
    "ok": gettext_lazy("well"),
    "warn": gettext_lazy("with care"),
    "bad": gettext_lazy("bad"),
    "info": gettext_lazy("to know"),
    "kind-text": gettext_lazy("answers"),
    "kind-audio": gettext_lazy("speech"),
    "chart-1": gettext_lazy("first of a chart"),
    "chart-2": gettext_lazy("second"),
    "chart-3": gettext_lazy("third"),
    "chart-4": gettext_lazy("fourth"),
    "chart-5": gettext_lazy("fifth"),
}
STATES = ("ok", "waiting", "running", "failed", "private", "off")
ICONS = (
    "search",
    "x",
    "copy",
    "download",
    "share-2",
    "repeat-2",
    "flag",
    "lock",
    "eye-off",
    "sparkles",
    "radio",
    "bot",
)
LONG = "an endless corridor of doors, each of another colour, painted with great patience and no ruler at all, " * 4


@dataclass(frozen=True, slots=True)
class Specimen(Tile):
    """A tile of something that was never made."""

    @property
    def media_url(self) -> str:
        return static("img/specimen.svg")


class Sent(Brought):
    """A picture that nobody sent."""

    @property
    def href(self) -> str:
        return static("img/specimen.svg")


@dataclass(frozen=True, slots=True)
class Said:
    """A message, as django.contrib.messages has them."""

    level_tag: str
    words: str

    def __str__(self) -> str:
        return self.words


class Fields(forms.Form):
    """One field of each sort."""

    words = forms.CharField(
        label=gettext_lazy("A line of text"), help_text=gettext_lazy("Help stands below the label.")
    )
    long = forms.CharField(label=gettext_lazy("Several lines"), widget=forms.Textarea(attrs={"rows": 3}))
    number = forms.IntegerField(label=gettext_lazy("A number"), min_value=1, max_value=10)
    choice = forms.ChoiceField(
        label=gettext_lazy("One of many"), choices=[("a", gettext_lazy("The first")), ("b", gettext_lazy("The second"))]
    )
    radio = forms.ChoiceField(
        label=gettext_lazy("One of few"),
        choices=[("a", gettext_lazy("The first")), ("b", gettext_lazy("The second"))],
        widget=forms.RadioSelect,
    )
    check = forms.BooleanField(label=gettext_lazy("A box to tick"), help_text=gettext_lazy("What ticking it does."))


def _generation(request: requests.Request, **values: Any) -> Generation:
    now = timezone.now()
    return Generation(
        public_id="specimen00000000000000",
        kind=request.kind,
        model=request.model,
        prompt=request.prompt,
        params=requests.store(request),
        made_by="embedded/specimen",
        created_at=now - timedelta(minutes=5),
        started_at=now - timedelta(seconds=4),
        finished_at=now - timedelta(seconds=2),
        **{"visibility": "public", "state": State.SUCCEEDED, **values},
    )


def _picture(prompt: str, width: int = 900, height: int = 600, **values: Any) -> Generation:
    artifact = Artifact(digest="0" * 64, media_type="image/jpeg", size=123_456)
    wish = requests.ImageRequest(model="flux", text=prompt, seed=7, width=width, height=height)
    return _generation(wish, artifact=artifact, width=width, height=height, seed=7, **values)


def _answer(prompt: str, response: str) -> Generation:
    wish = requests.ChatRequest(model="openai", messages=({"role": "user", "content": prompt},))
    return _generation(wish, response=response)


def _speech(text: str) -> Generation:
    artifact = Artifact(digest="0" * 64, media_type="audio/mpeg", size=12_345)
    return _generation(requests.SpeechRequest(model="openai-audio", text=text), artifact=artifact, duration=3.4)


def _tiles() -> list[Specimen]:
    rows = [
        _picture("a lake between mountains"),
        _picture("山间的湖", 600, 900),
        _picture("", 1600, 600),
        _picture("a lake, for its maker alone", visibility="private"),
        _picture("a lake that not everybody wants to see", is_mature=True),
        _answer("What is a haiku?", "Three lines, seventeen syllables, and a season."),
        _answer(LONG, LONG),
        _answer("什么是俳句?", "三行，十七个音节，再加一个季节。"),
    ]
    return [Specimen(row, place) for place, row in enumerate(rows)]


def _standings() -> list[Standing]:
    """Nobody waits; two do; there is no place."""
    return [
        Standing("anonymous", interval=15, most=1, places=taken + 2, taken=taken, wait=wait, anonymous=True)
        for taken, wait in ((0, 0), (2, 31))
    ] + [Standing("seed", interval=0, most=2, places=4, taken=4, wait=0, anonymous=False)]


def _jobs() -> list[Generation]:
    """In line, being made, failed."""
    wish = requests.ImageRequest(model="flux", text=LONG)
    failed = {"error_code": "provider_failed", "error_message": _("The engine gave no reason.")}
    return [
        _generation(wish, state=state, queued_at=timezone.now(), **more)
        for state, more in ((State.QUEUED, {}), (State.RUNNING, {}), (State.FAILED, failed))
    ]


def _progress(job: Generation) -> dict[str, Any]:
    if job.state != State.QUEUED:
        return progress.of(job)
    return {"title": _("In line"), "detail": _("You are next."), "elapsed": 3, "expected": None}


@require_safe
@staff_page
def page(request: HttpRequest) -> HttpResponse:
    picture = _picture("three red boats on a lake at sunset")
    hours = [timezone.now() - timedelta(hours=23 - n) for n in range(24)]
    stacks = [(name, [(n * k) % 11 + k for n in range(24)]) for k, name in enumerate(("flux", "turbo", "kontext"), 1)]
    context = {
        **result_context(picture),
        "tile": Specimen(picture),
        "download_url": "#",
        "original": Original(Sent("0" * 64, "image/jpeg", 900, 600), item_id="", fits=True),
        "colours": COLOURS.items(),
        "icons": ICONS,
        "states": STATES,
        "kinds": ("image", "text", "audio"),
        "messages": [
            Said("info", _("Something to know.")),
            Said("success", _("It worked.")),
            Said("error", _("It did not work.")),
        ],
        "form": Fields(),
        "wrong": Fields({"number": "12", "long": LONG}),
        "bars": charts.stacked(hours, stacks, timedelta(hours=1)),
        "line": charts.line([(n * 7) % 13 + 2 for n in range(24)]),
        "tiles": _tiles(),
        "standings": _standings(),
        "jobs": [(job, _progress(job)) for job in _jobs()],
        "answer": to_html("# Haiku\n\nThree lines, **seventeen** syllables, `5-7-5`.\n\n> A season"),
        "long": LONG,
        "themes": THEMES,
    }
    if request.GET.get("theme") in THEMES:
        context["theme"] = request.GET["theme"]
    return render(request, "staff/styleguide.html", context)
