"""The forms of the operator's feed page and of walls."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from feeds import collected
from feeds.choices import Choices
from feeds.models import Screen, Wall
from pollweb.accounts.models import Team, User
from pollweb.accounts.team_forms import model_names

MOST_WORDS = 500
MOST_WALL_WORDS = 20
KINDS = [("", _("Everything")), ("image", _("Images")), ("text", _("Text")), ("audio", _("Audio"))]


class Words(forms.CharField):
    """One to a line; the value is a list, each once."""

    widget = forms.Textarea(attrs={"rows": 5, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = str(super().clean(value) or "").replace("\0", "").splitlines()
        return list(dict.fromkeys(line.strip()[:100] for line in lines if line.strip()))[:MOST_WORDS]


class Decide(forms.Form):
    """What holds for the whole feed. An empty number means what the operator's file says."""

    approves_first = forms.BooleanField(
        label=_("Approve first"),
        help_text=_("Nothing is told before somebody has approved it here."),
        required=False,
    )
    follows = forms.TypedChoiceField(
        label=_("Follow the public feeds"),
        help_text=_("What the feeds named in the operator's file tell appears here too, marked with its source."),
        choices=[("", _("As the operator's file says")), ("on", _("On")), ("off", _("Off"))],
        coerce=lambda value: {"on": True, "off": False}.get(value),
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    delay = forms.FloatField(
        label=_("Delay in seconds"),
        help_text=_("Between a result and its appearance. Empty: as the operator's file says."),
        required=False,
        min_value=0,
        max_value=86_400,
    )
    threshold = forms.FloatField(
        label=_("Hold pictures from this score on"),
        help_text=_("The classifier's, from 0 to 1; mature ones never come here. Empty: none is held for its score."),
        required=False,
        min_value=0,
        max_value=1,
    )
    words = Words(
        label=_("Hold what has one of these words"),
        help_text=_("One word or phrase to a line. They are found inside of other words too."),
        required=False,
        max_length=60_000,
    )
    blocked = Words(
        label=_("Blocked sources"),
        help_text=_("One to a line: referrer:example.org, team:12, feed:image.example.org. All of it is held."),
        required=False,
        max_length=60_000,
    )


class WallForm(forms.Form):
    """A named wall of a team. `own`, `app` and `collection` are one choice: everything public, the team's, an
    application's, or what a collection holds. One that another person chose stays to be chosen."""

    name = forms.CharField(label=_("Name"), help_text=_("It stands on the wall and in its address."), max_length=80)
    source = forms.ChoiceField(
        label=_("It shows"),
        help_text=_("What is private never appears, whatever is chosen."),
        required=False,
        widget=forms.RadioSelect,
    )
    kind = forms.ChoiceField(
        label=_("Kind"), choices=KINDS, required=False, widget=forms.Select(attrs={"class": "input select"})
    )
    words = Words(
        label=_("Only with one of these words"),
        help_text=_("One word or phrase to a line, at most 20. They are sought in the prompt and in the answer."),
        required=False,
        max_length=3000,
    )

    def __init__(self, *args: Any, team: Team, person: User, wall: Wall | None = None, **kwargs: Any) -> None:
        if wall is not None:
            kwargs["initial"] = {"name": wall.name, "source": _source(wall), "kind": wall.kind, "words": wall.words}
        super().__init__(*args, **kwargs)
        apps = [
            (f"app:{app.pk}", _("Only what %(app)s makes") % {"app": app.name})
            for app in team.apps.order_by("name")[:50]
        ]
        offered = dict(collected.keeper.offered(team, person))
        if wall is not None and wall.collection:
            titles = collected.keeper.titles([wall.collection])
            offered.setdefault(wall.collection, titles.get(wall.collection, "—"))
        self.fields["source"].choices = [  # type: ignore[attr-defined]
            ("", _("Everything that is public")),
            ("own", _("Only what %(team)s makes") % {"team": team.name}),
            *apps,
            *(
                (f"collection:{name}", _("Only the collection “%(title)s”") % {"title": title})
                for name, title in offered.items()
            ),
        ]

    def clean_words(self) -> list[str]:
        words: list[str] = self.cleaned_data["words"]
        if len(words) > MOST_WALL_WORDS:
            raise forms.ValidationError(_("These are too many words; 20 is the most."))
        return words

    @property
    def values(self) -> dict[str, Any]:
        """What the row is made of."""
        given = self.cleaned_data
        source, _colon, key = given["source"].partition(":")
        return {
            "name": given["name"],
            "own": source in ("own", "app"),
            "app_id": int(key) if source == "app" else None,
            "collection": key if source == "collection" else "",
            "kind": given["kind"],
            "words": given["words"],
        }


def _source(wall: Wall) -> str:
    if wall.collection:
        return f"collection:{wall.collection}"
    return f"app:{wall.app_id}" if wall.own and wall.app_id else "own" if wall.own else ""


class ScreenForm(forms.Form):
    """A screen's name, and what its display key locks it to: the fields of feeds.choices."""

    name = forms.CharField(
        label=_("Name"), help_text=_("Where it hangs, such as “Entrance hall”. Only the team sees it."), max_length=80
    )
    layout = forms.ChoiceField(
        label=_("Layout"),
        choices=[("mosaic", _("Mosaic")), ("stream", _("Stream")), ("spotlight", _("Spotlight"))],
        widget=forms.RadioSelect,
    )
    speed = forms.ChoiceField(
        label=pgettext_lazy("of what appears", "Speed"),
        choices=[
            ("calm", _("Calm")),
            ("normal", pgettext_lazy("speed or density", "Normal")),
            ("fast", _("Fast")),
            ("all", _("As it comes")),
        ],
        widget=forms.RadioSelect,
    )
    density = forms.ChoiceField(
        label=_("Density"),
        choices=[
            ("roomy", _("Roomy")),
            ("normal", pgettext_lazy("speed or density", "Normal")),
            ("dense", _("Dense")),
        ],
        widget=forms.RadioSelect,
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, required=False)
    model = forms.ChoiceField(label=_("Model"), required=False)
    theme = forms.ChoiceField(
        label=_("Theme"),
        choices=[("", _("As the screen has it")), ("light", _("Light")), ("dark", _("Dark"))],
        required=False,
    )
    lang = forms.ChoiceField(label=_("Language"), required=False)
    title = forms.CharField(
        label=_("Title on the screen"), help_text=_("Empty: the wall’s name."), max_length=100, required=False
    )
    qr = forms.ChoiceField(
        label=_("QR code"),
        choices=[("", _("None")), ("wall", _("To the wall")), ("create", _("To Create"))],
        required=False,
    )
    captions = forms.BooleanField(label=_("Show captions"), required=False)

    def __init__(self, *args: Any, screen: Screen | None = None, **kwargs: Any) -> None:
        shown = screen.shown if screen else Choices()
        known = {name: getattr(shown, name) for name in Choices.__slots__}
        kwargs["initial"] = {**known, "name": screen.name if screen else ""}
        super().__init__(*args, **kwargs)
        names = sorted({*model_names(), *filter(None, [shown.model])})
        self.fields["model"].choices = [("", _("All models")), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.fields["lang"].choices = [("", _("As the screen has it")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        for name in ("kind", "model", "theme", "lang", "qr"):
            self.fields[name].widget.attrs["class"] = "input select"

    @property
    def shown(self) -> Choices:
        return Choices.read(self.cleaned_data)
