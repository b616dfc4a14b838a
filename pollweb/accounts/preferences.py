"""How a person wants to see the site, kept in `User.settings`: for those who are signed in it goes before cookies."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from pollweb.accounts.models import User

VISIBILITIES = [
    ("public", _("Public: pictures and plain texts appear in the gallery and on the live wall")),
    ("private", _("Private: only the team sees them")),
]
ASKED = "visibility_asked"
SPOKEN = "spoken"


def keep(user: User, **values: Any) -> None:
    """Remember these beside the others; an empty value forgets."""
    kept = {**user.settings, **values}
    user.settings = {name: value for name, value in kept.items() if value != ""}
    user.save(update_fields=["settings"])


def language_of(user: User) -> str:
    """What is written to this person is written in: as they chose, or as the pages spoke when they last signed in;
    empty where neither is known."""
    return str(user.settings.get("language") or user.settings.get(SPOKEN, ""))


def has_chosen_visibility(user: User) -> bool:
    """Whether this person was asked if what their own team makes is public. Nobody answers for them."""
    return bool(user.settings.get(ASKED))


def choose_visibility(user: User, visibility: str) -> None:
    team = user.personal_team
    team.visibility = visibility
    team.save(update_fields=["visibility"])
    keep(user, **{ASKED: True})


class Welcome(forms.Form):
    """The one question after signing up."""

    visibility = forms.ChoiceField(
        label=_("What your team makes is"), choices=VISIBILITIES, widget=forms.RadioSelect, initial=None
    )


@cache
def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name or name == "UTC"]


class Preferences(forms.Form):
    first_name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        help_text=_("How others in your teams see you; nothing: your address."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    theme = forms.ChoiceField(
        label=_("Theme"),
        required=False,
        choices=[("", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    motion = forms.ChoiceField(
        label=_("Motion"), required=False, choices=[("", _("As the system")), ("reduced", _("Reduced"))]
    )
    captions = forms.ChoiceField(
        label=_("Captions in the gallery"),
        required=False,
        choices=[("", _("When pointed at")), ("always", _("Always"))],
    )
    sensitive = forms.ChoiceField(
        label=_("Sensitive content"),
        required=False,
        choices=[("", _("Blurred until I ask for it")), ("show", _("Shown")), ("hide", _("Hidden"))],
    )
    paging = forms.ChoiceField(
        label=_("Long lists"),
        required=False,
        choices=[("", _("Go on by themselves")), ("pages", _("In plain pages"))],
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    visibility = forms.ChoiceField(label=_("What your own team makes is"), choices=VISIBILITIES)

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        self.user = user
        kept = {name: user.settings.get(name, "") for name in self.base_fields}
        kept |= {"first_name": user.first_name, "visibility": user.personal_team.visibility}
        super().__init__(*args, **{"initial": kept, **options})
        language, zone = self.fields["language"], self.fields["time_zone"]
        language.choices = [("", _("As the browser says")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        zone.choices = [("", _("As the browser says")), *_zones()]  # type: ignore[attr-defined]

    def save(self) -> None:
        said = dict(self.cleaned_data)
        self.user.first_name = said.pop("first_name")
        self.user.save(update_fields=["first_name"])
        choose_visibility(self.user, said.pop("visibility"))
        keep(self.user, **said)
