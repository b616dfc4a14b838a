"""The forms of a team's own pages. Each lists its fields: a tier, a role or a team never comes from a browser."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from pollweb.accounts import money, second_factor
from pollweb.accounts.models import Team, TierRequest, User
from pollweb.accounts.permissions import RANK
from pollweb.accounts.words import role_choices

VISIBILITIES = [
    ("private", _("Private: only the team sees what it makes")),
    ("public", _("Public: in the gallery, in feeds and on the wall")),
]
PROMPT_DAYS = [
    (90, _("90 days")),
    (30, _("30 days")),
    (7, _("7 days")),
    (0, _("Not at all: they are blanked within minutes of the result")),
]


def model_names() -> list[str]:
    """Every public model name, each once, pictures first."""
    names: dict[str, None] = {}
    for kind in ("image", "text", "audio", "transcription"):
        names.update(dict.fromkeys(getattr(settings.DESIGN.models, kind)))
    return list(names)


class NewTeam(forms.ModelForm):
    """A name, and who may see results: asked, never assumed."""

    visibility = forms.ChoiceField(
        label=_("Who sees what the team makes?"),
        help_text=_("For requests that do not say. It can be changed later, and any request may say otherwise."),
        choices=VISIBILITIES,
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Team
        fields = ["name", "visibility"]
        labels = {"name": _("Name")}

    def clean_name(self) -> str:
        return _shown_name(self.cleaned_data["name"])


class TeamSettings(forms.ModelForm):
    visibility = forms.ChoiceField(
        label=_("Visibility"),
        help_text=_("Who sees a result when its request does not say."),
        choices=VISIBILITIES,
        widget=forms.RadioSelect,
    )
    prompt_days = forms.TypedChoiceField(
        label=_("Prompts of private results are kept for"),
        help_text=_("The results stay; the words that they were made from are blanked."),
        choices=PROMPT_DAYS,
        coerce=int,
        widget=forms.RadioSelect,
    )
    allowed_models = forms.MultipleChoiceField(
        label=_("Allowed models"),
        help_text=_("With none ticked, every model that the tier opens may be used."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    monthly_budget = money.Field(label=_("Money a month"), required=False)

    class Meta:
        model = Team
        fields = [
            "name",
            "slug",
            "visibility",
            "always_private",
            "always_safe",
            "allowed_models",
            "requires_second_factor",
            "prompt_days",
            "monthly_quota",
            "monthly_budget",
        ]
        labels = {
            "name": _("Name"),
            "slug": _("Name in addresses"),
            "always_private": _("Always private"),
            "always_safe": _("Always safe"),
            "requires_second_factor": _("Require a second factor"),
            "monthly_quota": _("Requests a month"),
        }
        help_texts = {
            "slug": _("Links to the team's pages change with it."),
            "always_private": _("Whatever a request says, nothing of this team becomes public."),
            "always_safe": _("Mature pictures are refused, as if every request said safe=true."),
            "requires_second_factor": _("Members without one can open none of the team's pages until they have it."),
            "monthly_quota": _("All tokens together. Leave it empty for no limit of your own."),
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        known = model_names()
        kept = [name for name in self.instance.allowed_models if name not in known]
        set_choices(self, "allowed_models", [(name, name) for name in (*known, *kept)])
        if not second_factor.is_offered():
            del self.fields["requires_second_factor"]
        money.offer(
            self,
            _("In %(currency)s, all tokens together. Owners and admins get a mail when it runs low, and at its end."),
            self.instance.monthly_budget,
        )

    def clean_name(self) -> str:
        return _shown_name(self.cleaned_data["name"])

    def clean_slug(self) -> str:
        return self.cleaned_data["slug"].lower()

    def clean_requires_second_factor(self) -> bool:
        wanted = self.cleaned_data["requires_second_factor"]
        if wanted and not self.instance.requires_second_factor and not second_factor.has(self.user):
            raise ValidationError(_("Set up a second factor for yourself first: you would lock yourself out."))
        return wanted


class Invite(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("Only an account with this address can use the link. Leave it empty for a link that you pass on."),
        required=False,
    )
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, initial="member")

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "role", role_choices(roles))


class Role(forms.Form):
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "role", role_choices(roles))


class TypedName(forms.Form):
    """Typing the name of what is to be deleted."""

    typed = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["typed"].label = _("Type “%(name)s” to confirm") % {"name": name}

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"].strip() != self.name:
            raise ValidationError(_("This is not the name."))
        return self.name


class AskForTier(forms.ModelForm):
    class Meta:
        model = TierRequest
        fields = ["wanted", "purpose", "load", "links"]
        labels = {
            "wanted": _("Tier"),
            "purpose": _("What is it for?"),
            "load": _("Expected load"),
            "links": _("Links"),
        }
        help_texts = {
            "purpose": _("What you build and who uses it."),
            "load": _("For example: 200 pictures a day, most of them in the evening."),
            "links": _("A page, a repository, a demo; where there is one."),
        }
        widgets = {"purpose": forms.Textarea(attrs={"rows": 5, "maxlength": 4000}), "wanted": forms.RadioSelect}

    def __init__(self, *args: Any, tiers: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "wanted", [(tier, tier.capitalize()) for tier in tiers])

    def clean_purpose(self) -> str:
        purpose = self.cleaned_data["purpose"]
        if len(purpose) > 4000:
            raise ValidationError(_("Say it in 4,000 characters."))
        return purpose


class Decide(forms.Form):
    """The operator's answer to a wish."""

    verdict = forms.ChoiceField(
        label=_("Answer"), choices=[("granted", _("Grant")), ("denied", _("Deny"))], widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("The team reads it."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class SetTier(forms.Form):
    team = forms.SlugField(label=_("Team"), help_text=_("Its name in addresses."), max_length=60)
    tier = forms.ChoiceField(
        label=_("Tier"), choices=[(name, name.capitalize()) for name in ("seed", "flower", "nectar")]
    )
    reason = forms.CharField(label=_("Reason"), help_text=_("The team reads it in its audit log."), max_length=300)


def set_choices(form: forms.BaseForm, name: str, choices: list[tuple[str, str]]) -> None:
    cast(forms.ChoiceField, form.fields[name]).choices = choices


def roles_given_by(role: str) -> list[str]:
    """The roles that a member of this one may give, the least first."""
    return [name for name in RANK if name != "owner" or role == "owner"]


def _shown_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or "\0" in name:
        raise ValidationError(_("A team needs a name."))
    return name
