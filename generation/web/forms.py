"""The forms of the create page: one for each kind, each of which becomes a request."""

import dataclasses
import secrets
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

from asgiref.sync import async_to_sync
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from generation import audio, catalogue, inputs, logo
from generation.catalogue import ModelCard
from generation.requests import ChatRequest, ImageRequest, Request, SpeechRequest, TranscriptionRequest
from generation.web import brought, conversations
from generation.web.contents import content_of
from generation.web.message_fields import WithMessages
from generation.web.picture_fields import WithPictures
from generation.web.tool_fields import EXAMPLE, Tools, shown
from generation.wire import tools, transcripts
from generation.wire.pictures import MOST_PICTURES as MOST_AT_ONCE
from generation.wire.pollinations import QUALITIES
from generation.wire.values import LARGEST_SEED
from pollweb.lib.errors import PollwebError

MODES = ("image", "text", "speech", "transcribe")
KIND = {"image": "image", "text": "text", "speech": "audio", "transcribe": "transcription"}
OPTIONS = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "max_tokens", "seed")
JSON_MODE = {"type": "json_object"}
TOOL_CHOICES = ("auto", "required", "none")
SHAPES = {"1:1": (1024, 1024), "3:2": (1200, 800), "2:3": (800, 1200), "16:9": (1280, 720), "9:16": (720, 1280)}
SMALLEST_SIDE = 64
LONGEST_ADDRESS = 2000  # characters
OWN_SHAPE = "own"  # of the picture that is given
SAY_WHAT = _("Say what you would like to have.")


def fitted(sides: tuple[int, int], most: int) -> tuple[int, int]:
    """These sides, made smaller in proportion until neither is longer than `most`."""
    scale = min(1.0, most / max(sides))
    return round(sides[0] * scale), round(sides[1] * scale)


class WishForm(forms.Form):
    """What all kinds share. `public` is ticked as the kind's default has it, and always says what it does."""

    mode = "image"
    is_public_at_first = True

    prompt = forms.CharField(
        max_length=4000,
        strip=True,
        widget=forms.Textarea,
        error_messages={"required": SAY_WHAT},
    )
    model = forms.ChoiceField()
    public = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cards = list(catalogue.cards(KIND[self.mode]).values())
        self.fields["model"].choices = [(card.name, card.name) for card in self.cards]  # type: ignore[attr-defined]
        self.fields["model"].initial = catalogue.default(KIND[self.mode]).name
        self.fields["public"].initial = self.is_public_at_first

    @property
    def card(self) -> ModelCard:
        """Of the model that is chosen, or of the usual one."""
        chosen = self.value("model")
        return next((card for card in self.cards if card.name == chosen), catalogue.default(KIND[self.mode]))

    @property
    def needs_prompt(self) -> bool:
        """Whether nothing can be made without words."""
        return True

    def bring(self) -> None:
        """Store what came along with the form, once, before it is asked whether it is valid."""

    def copy(self, values: dict[str, Any]) -> Self:
        """The same form with these values in its fields."""
        return type(self)(values)

    def value(self, name: str) -> Any:
        """What the field shows now: as sent, or as it begins."""
        return self[name].value()

    @abstractmethod
    def wish(self) -> Request:
        """The request. Only for a valid form."""

    def wishes(self) -> Sequence[Request]:
        """All that is to be made. Only for a valid form."""
        return [self.wish()]

    @classmethod
    def initial_from(cls, request: Any) -> dict[str, Any]:
        """The form's values that make this request again: one that was to be private stays so."""
        return {"prompt": request.prompt, "model": request.model, **({"public": False} if request.private else {})}


class ImageForm(WithPictures, WishForm):
    mode = "image"

    shape = forms.ChoiceField(choices=[(name, name) for name in (*SHAPES, "exact", OWN_SHAPE)], initial="1:1")
    width = forms.IntegerField(min_value=SMALLEST_SIDE, initial=1024, required=False)
    height = forms.IntegerField(min_value=SMALLEST_SIDE, initial=1024, required=False)
    seed = forms.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)
    count = forms.IntegerField(min_value=1, max_value=MOST_AT_ONCE, initial=1, required=False)
    negative_prompt = forms.CharField(max_length=1000, required=False)
    quality = forms.ChoiceField(
        choices=[(name, name) for name in QUALITIES], initial=ImageRequest.quality, required=False
    )
    guidance_scale = forms.FloatField(min_value=0, max_value=100, required=False)
    transparent = forms.BooleanField(required=False)
    enhance = forms.BooleanField(required=False)
    safe = forms.BooleanField(required=False)
    nologo = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_logo = bool(logo.current())

    @property
    def largest_side(self) -> int:
        """The most that any of the models takes; the chosen one's own limit is checked when the form is sent."""
        return max((card.largest_side for card in self.cards), default=1024)

    @property
    def has_more(self) -> bool:
        """Whether something stands in the settings that are folded away."""
        plain = ("negative_prompt", "guidance_scale", "enhance", "safe", "transparent", "nologo")
        return any(self.value(name) for name in plain) or self.value("quality") not in (ImageRequest.quality, "", None)

    @property
    def editors(self) -> list[str]:
        """The models that change a given picture."""
        return [card.name for card in self.cards if card.edits]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        card = catalogue.image(values.get("model", ""))
        given = self.has_pictures
        if given and not card.edits and "model" not in self.errors:
            said = {"model": card.name, "editors": ", ".join(self.editors) or "—"}
            sentence = gettext("%(model)s paints from words only. These models change a picture: %(editors)s.") % said
            self.add_error("model", sentence)
        if values.get("shape") == OWN_SHAPE and not given:
            self.add_error("shape", _("Give a picture, or choose a shape."))
        most = card.largest_side
        if values.get("shape") in (*SHAPES, OWN_SHAPE):
            size = (0, 0) if values["shape"] == OWN_SHAPE else fitted(SHAPES[values["shape"]], most)
            values["width"], values["height"] = size
            for side in ("width", "height"):
                self.errors.pop(side, None)  # what stands in an unused field is no mistake
        for side in ("width", "height"):
            if values.get(side) is None and side not in self.errors:
                self.add_error(side, _("Give a number of pixels."))
            elif (values.get(side) or 0) > most:
                self.add_error(side, _("At most %(most)s pixels with this model.") % {"most": most})
        return values

    def wish(self) -> ImageRequest:
        values = self.cleaned_data
        return ImageRequest(
            model=values["model"],
            text=values["prompt"],
            width=values["width"],
            height=values["height"],
            seed=secrets.randbelow(2**31) if values["seed"] is None else values["seed"],
            private=not values["public"],
            negative_prompt=values["negative_prompt"] or ImageRequest.negative_prompt,
            quality=values["quality"] or ImageRequest.quality,
            guidance_scale=values["guidance_scale"],
            images=self.sources,
            **{name: values[name] for name in ("transparent", "enhance", "safe", "nologo")},
        )

    def wishes(self) -> list[ImageRequest]:
        """As many as were asked for: their seeds follow each other."""
        first = self.wish()
        return [
            dataclasses.replace(first, seed=(first.seed + n) % (LARGEST_SEED + 1))
            for n in range(self.cleaned_data["count"] or 1)
        ]

    @classmethod
    def initial_from(cls, request: ImageRequest) -> dict[str, Any]:
        size = (request.width, request.height)
        shape = OWN_SHAPE if size == (0, 0) else "exact"
        shape = next((name for name, sides in SHAPES.items() if sides == size), shape)
        sides = {"width": request.width, "height": request.height} if any(size) else {}
        told = ("seed", "quality", "guidance_scale", "transparent", "enhance", "safe", "nologo")
        kept = {name: getattr(request, name) for name in told}
        if request.negative_prompt != ImageRequest.negative_prompt:
            kept["negative_prompt"] = request.negative_prompt
        pictures = brought.of(inputs.digests_of(request))
        return {**super().initial_from(request), **sides, **kept, "shape": shape, "brought": pictures}


class TextForm(WithMessages, WithPictures, WishForm):
    mode = "text"
    tool_example = EXAMPLE

    prompt = forms.CharField(max_length=4000, required=False, widget=forms.Textarea)
    tools = Tools()
    tool_choice = forms.ChoiceField(choices=[(name, name) for name in TOOL_CHOICES], initial="auto", required=False)
    temperature = forms.FloatField(min_value=0, max_value=2, required=False)
    top_p = forms.FloatField(min_value=0, max_value=1, required=False)
    presence_penalty = forms.FloatField(min_value=-2, max_value=2, required=False)
    frequency_penalty = forms.FloatField(min_value=-2, max_value=2, required=False)
    max_tokens = forms.IntegerField(min_value=1, max_value=100_000, required=False)
    seed = forms.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)
    json = forms.BooleanField(required=False)

    @property
    def has_more(self) -> bool:
        """Whether something stands in the settings that are folded away."""
        return any(self.value(name) not in (None, "", False) for name in ("json", *OPTIONS))

    @property
    def callers(self) -> list[str]:
        """The models that are known to call tools."""
        return [card.name for card in self.cards if card.tools]

    @property
    def seers(self) -> list[str]:
        """The models that see pictures."""
        return [card.name for card in self.cards if card.vision]

    @property
    def needs_prompt(self) -> bool:
        """Unless a tool has the last word: the model goes on from there."""
        return not self.ends_with_a_tool or self.has_pictures

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.needs_prompt and not values.get("prompt") and "prompt" not in self.errors:
            self.add_error("prompt", SAY_WHAT)
        given = len(self.sources) + len(values.get("pictures") or [])
        if self.shown_before and given + self.shown_before > inputs.MOST_PICTURES:
            sentence = gettext("Up to %(most)s pictures can be given.") % {"most": inputs.MOST_PICTURES}
            self.add_error("earlier", sentence)
        if (self.has_pictures or self.shown_before) and "model" not in self.errors and not self.card.vision:
            said = {"model": self.card.name, "seers": ", ".join(self.seers) or "—"}
            self.add_error("model", gettext("%(model)s does not see pictures. These models do: %(seers)s.") % said)
        return values

    def wish(self) -> ChatRequest:
        values = self.cleaned_data
        question = {"role": "user", "content": content_of(values["prompt"], self.sources)}
        asked = [question] if values["prompt"] else []
        options: dict[str, Any] = {name: values[name] for name in OPTIONS if values[name] is not None}
        options.setdefault("seed", secrets.randbelow(2**31))
        if values["json"]:
            options["response_format"] = dict(JSON_MODE)
        if values["tools"]:
            choice = values["tool_choice"]
            # "auto" is what goes without saying: whoever did not say it has not said it in a remix either.
            options |= tools.options(values["tools"], choice if choice in TOOL_CHOICES[1:] else None)
        messages = (*values["earlier"], *asked)
        return ChatRequest(model=values["model"], messages=messages, options=options, private=not values["public"])

    @classmethod
    def initial_from(cls, request: ChatRequest) -> dict[str, Any]:
        said = conversations.of(request)
        kept: dict[str, Any] = {name: request.options[name] for name in OPTIONS if name in request.options}
        choice = request.options.get("tool_choice")
        further = set(request.options) - {*OPTIONS, "tools", "tool_choice", "response_format"}
        if choice not in (None, *TOOL_CHOICES):
            further.add("tool_choice")
        if request.options.get("response_format") not in (None, JSON_MODE):
            further.add("response_format")
        return {
            **super().initial_from(request),
            "prompt": said.words,
            "lines": said.lines,
            "left_out": [*said.left_out, *conversations.settings_left_out(sorted(further))],
            "tools": shown(request.options.get("tools")),
            "tool_choice": choice if choice in TOOL_CHOICES else "auto",
            "json": request.json_mode,
            "brought": said.pictures,
            **kept,
        }


class SpeechForm(WishForm):
    mode = "speech"
    is_public_at_first = False

    voice = forms.ChoiceField()
    format = forms.ChoiceField(
        choices=[(name, name) for name in audio.FORMATS], initial=SpeechRequest.format, required=False
    )
    speed = forms.FloatField(min_value=0.5, max_value=2, required=False, initial=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        voices = list(dict.fromkeys(voice for card in self.cards for voice in card.voices))
        self.fields["voice"].choices = [(voice, voice) for voice in voices]  # type: ignore[attr-defined]
        self.fields["voice"].initial = voices[0] if voices else ""

    @property
    def voices(self) -> list[tuple[str, str]]:
        """Each with the address of its sample, in the page's language."""
        asked = {"model": self.card.name, "hl": get_language()}
        names = [name for name, _label in self.fields["voice"].choices]  # type: ignore[attr-defined]
        return [(name, reverse("create-voice", query={**asked, "voice": name})) for name in names]

    def wish(self) -> SpeechRequest:
        values = self.cleaned_data
        return SpeechRequest(
            model=values["model"],
            text=values["prompt"],
            voice=values["voice"],
            format=values["format"] or SpeechRequest.format,
            speed=values["speed"] or 1.0,
            private=not values["public"],
        )

    @classmethod
    def initial_from(cls, request: SpeechRequest) -> dict[str, Any]:
        told = {name: getattr(request, name) for name in ("voice", "speed", "format")}
        return {**super().initial_from(request), **told}


class TranscribeForm(WishForm):
    """A recording to be written down: never public. It comes as a file, or from the address that `bring` fetches."""

    mode = "transcribe"
    is_public_at_first = False

    prompt = forms.CharField(max_length=transcripts.LONGEST_HINT, required=False)
    recording = forms.FileField(required=False)
    address = forms.CharField(max_length=LONGEST_ADDRESS, required=False)
    language = forms.CharField(max_length=12, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetched = b""

    @property
    def needs_prompt(self) -> bool:
        return False  # it says how names are spelt

    def clean_language(self) -> str:
        given: str = self.cleaned_data["language"].strip()
        if given and not transcripts.LANGUAGE.fullmatch(given):
            raise forms.ValidationError(_("A code such as en or zh is needed."))
        return given

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("recording") and values.get("address"):
            self.add_error("address", _("Choose a recording or give its address, not both."))
        elif not (values.get("recording") or values.get("address") or {"recording", "address"} & self.errors.keys()):
            self.add_error("recording", _("Choose a recording, make one, or give its address."))
        return values

    def bring(self) -> None:
        """Fetch the recording from its address, once nothing else is wrong with the form."""
        if not self.is_valid() or not (address := self.cleaned_data["address"]):
            return
        try:
            self._fetched = async_to_sync(inputs.recording)(address)
        except PollwebError as error:
            self.add_error("address", error.message)
            return
        if not self._fetched:
            self.add_error("address", _("The file at this address is empty."))

    def wish(self) -> TranscriptionRequest:
        values = self.cleaned_data
        card = catalogue.find(values["model"], ("transcription",))
        data = self._fetched or values["recording"].read()
        return transcripts.request(data, card, language=values["language"], hint=values["prompt"])

    def copy(self, values: dict[str, Any]) -> Self:
        """With a recording that nobody has sent yet: code is about everything else."""
        return type(self)({**values, "address": ""}, {"recording": SimpleUploadedFile("recording", b"-")})

    @classmethod
    def initial_from(cls, request: TranscriptionRequest) -> dict[str, Any]:
        return {"prompt": request.hint, "model": request.model, "language": request.language}


FORMS: dict[str, type[WishForm]] = {form.mode: form for form in (ImageForm, TextForm, SpeechForm, TranscribeForm)}


def form_for(request: Request) -> type[WishForm]:
    """The form that makes requests of this kind."""
    return next(form for form in FORMS.values() if KIND[form.mode] == request.ability)
