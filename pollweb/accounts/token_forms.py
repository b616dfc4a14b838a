"""The forms of the token pages: what a token is called, what it may do, and how long."""

from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pollweb.accounts import money, scopes
from pollweb.accounts.models import App, Team, Token

MOST_NETWORKS = 50
EXPIRIES = {
    "30": _("in 30 days"),
    "90": _("in 90 days"),
    "365": _("in a year"),
    "date": _("on a date"),
    "never": _("never"),
}
OVERLAPS = {
    "0": _("ends at once"),
    "1": _("works for an hour more"),
    "24": _("works for a day more"),
    "168": _("works for a week more"),
}


def model_names() -> list[str]:
    """All public model names of this installation."""
    kinds = settings.DESIGN.models
    return sorted({name for kind in type(kinds).model_fields for name in getattr(kinds, kind)})


def networks(text: str) -> list[str]:
    """Address ranges, one a line or between commas, in their usual spelling. ValidationError names the wrong one."""
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(str(ip_network(word, strict=False)))
        except ValueError as exc:
            raise ValidationError(
                _("%(word)s is no address range. Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."),
                params={"word": word[:60]},
            ) from exc
    if len(found) > MOST_NETWORKS:
        raise ValidationError(_("These are more than %(most)s ranges."), params={"most": MOST_NETWORKS})
    return found


class Limits(forms.Form):
    """What may be changed on a token at any time."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Where it will be used, such as “nightly job”."))
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=list(scopes.WORDS.items()), widget=forms.CheckboxSelectMultiple
    )
    visibility = forms.ChoiceField(
        label=_("Its results are"),
        required=False,
        choices=[("", _("as the team has chosen")), ("private", _("private")), ("public", _("public"))],
        help_text=_("Public results appear in the gallery and the feed."),
    )
    app = forms.ModelChoiceField(
        label=_("For the app"), queryset=App.objects.none(), required=False, empty_label=_("none")
    )
    allowed_models = forms.MultipleChoiceField(
        label=_("Only these models"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None checked: all that the team may use."),
    )
    interval = forms.FloatField(
        label=_("Seconds between two starts"),
        required=False,
        min_value=0,
        max_value=86_400,
        help_text=_("Slower than the team's tier; nothing: as the tier."),
    )
    concurrency = forms.IntegerField(
        label=_("Requests at once"), required=False, min_value=1, max_value=10_000, help_text=_("Nothing: as the tier.")
    )
    monthly_quota = forms.IntegerField(
        label=_("Requests a month"), required=False, min_value=1, max_value=2**40, help_text=_("Nothing: no limit.")
    )
    monthly_budget = money.Field(label=_("Money a month"), required=False)
    networks = forms.CharField(
        label=_("Only from these addresses"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One range on each line, such as 192.0.2.0/24. Nothing: from everywhere."),
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["app"].queryset = team.apps.order_by("name")  # type: ignore[attr-defined]
        if not team.apps.exists():
            del self.fields["app"]
        money.offer(self, _("In %(currency)s. Nothing: no limit."), self.initial.get("monthly_budget"))
        known = set(model_names()) | set(self.initial.get("allowed_models", ()))
        self.fields["allowed_models"].choices = [(name, name) for name in sorted(known)]  # type: ignore[attr-defined]

    def clean_networks(self) -> list[str]:
        return networks(self.cleaned_data["networks"])

    def limits(self) -> dict[str, Any]:
        """The fields of a Token that the form says."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("expiry", "date")}

    @staticmethod
    def initial_of(token: Token) -> dict[str, Any]:
        return {
            "name": token.name,
            "scopes": sorted(scopes.of(token.scopes)),
            "visibility": token.visibility,
            "app": token.app_id,
            "allowed_models": token.allowed_models,
            "interval": token.interval,
            "concurrency": token.concurrency,
            "monthly_quota": token.monthly_quota,
            "monthly_budget": token.monthly_budget,
            "networks": "\n".join(token.networks),
        }


class NewToken(Limits):
    expiry = forms.ChoiceField(label=_("It expires"), choices=list(EXPIRIES.items()), initial="90")
    date = forms.DateField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    field_order = ("name", "scopes", "expiry", "date", "visibility", "app")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].initial = sorted(scopes.USUAL)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("expiry") == "date":
            if cleaned.get("date") is None:
                self.add_error("date", _("Choose the date."))
            elif cleaned["date"] < timezone.now().date():
                self.add_error("date", _("This day is over."))
        return cleaned

    def limits(self) -> dict[str, Any]:
        return {**super().limits(), "expires_at": self._expires_at()}

    def _expires_at(self) -> datetime | None:
        match self.cleaned_data["expiry"]:
            case "never":
                return None
            case "date":
                return datetime.combine(self.cleaned_data["date"], time.max, UTC)
            case days:
                return timezone.now() + timedelta(days=int(days))


class Rotation(forms.Form):
    overlap = forms.ChoiceField(
        label=_("The secret until now"), choices=list(OVERLAPS.items()), initial="24", widget=forms.RadioSelect
    )


class Revocation(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=200, help_text=_("Whoever still uses it is told this.")
    )
