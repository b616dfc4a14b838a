"""The forms of the create page: one for each kind, each of which becomes a request."""

import secrets
from abc import abstractmethod
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generation import catalogue
from generation.requests import ChatRequest, ImageRequest, Request, SpeechRequest
from generation.wire.values import LARGEST_SEED

MODES = ("image", "text", "speech")
KIND = {"image": "image", "text": "text", "speech": "audio"}
SHAPES = {"1:1": (1024, 1024), "3:2": (1200, 800), "2:3": (800, 1200), "16:9": (1280, 720), "9:16": (720, 1280)}
SMALLEST_SIDE = 64


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
        error_messages={"required": _("Say what you would like to have.")},
    )
    model = forms.ChoiceField()
    public = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cards = list(catalogue.cards(KIND[self.mode]).values())
        self.fields["model"].choices = [(card.name, card.name) for card in self.cards]  # type: ignore[attr-defined]
        self.fields["model"].initial = catalogue.default(KIND[self.mode]).name
        self.fields["public"].initial = self.is_public_at_first

    def value(self, name: str) -> Any:
        """What the field shows now: as sent, or as it begins."""
        return self[name].value()

    @abstractmethod
    def wish(self) -> Request:
        """The request. Only for a valid form."""

    @classmethod
    def initial_from(cls, request: Any) -> dict[str, Any]:
        """The form's values that make this request again."""
        return {"prompt": request.prompt, "model": request.model}


class ImageForm(WishForm):
    mode = "image"

    shape = forms.ChoiceField(choices=[(name, name) for name in (*SHAPES, "exact")], initial="1:1")
    width = forms.IntegerField(min_value=SMALLEST_SIDE, initial=1024, required=False)
    height = forms.IntegerField(min_value=SMALLEST_SIDE, initial=1024, required=False)
    seed = forms.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)

    @property
    def largest_side(self) -> int:
        """The most that any of the models takes; the chosen one's own limit is checked when the form is sent."""
        return max((card.largest_side for card in self.cards), default=1024)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        most = catalogue.image(values.get("model", "")).largest_side
        if values.get("shape") in SHAPES:
            values["width"], values["height"] = fitted(SHAPES[values["shape"]], most)
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
        )

    @classmethod
    def initial_from(cls, request: ImageRequest) -> dict[str, Any]:
        size = (request.width, request.height)
        shape = next((name for name, sides in SHAPES.items() if sides == size), "exact")
        sides = {"width": request.width, "height": request.height}
        return {**super().initial_from(request), **sides, "seed": request.seed, "shape": shape}


class TextForm(WishForm):
    mode = "text"

    system = forms.CharField(max_length=4000, required=False, widget=forms.Textarea)
    temperature = forms.FloatField(min_value=0, max_value=2, required=False)
    seed = forms.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)

    def wish(self) -> ChatRequest:
        values = self.cleaned_data
        messages = [{"role": "system", "content": values["system"]}] if values["system"] else []
        messages.append({"role": "user", "content": values["prompt"]})
        options = {name: values[name] for name in ("temperature", "seed") if values[name] is not None}
        options.setdefault("seed", secrets.randbelow(2**31))
        return ChatRequest(
            model=values["model"], messages=tuple(messages), options=options, private=not values["public"]
        )

    @classmethod
    def initial_from(cls, request: ChatRequest) -> dict[str, Any]:
        system = next((m.get("content") for m in request.messages if m.get("role") == "system"), "")
        kept: dict[str, Any] = {
            name: request.options[name] for name in ("temperature", "seed") if name in request.options
        }
        return {**super().initial_from(request), "system": system if isinstance(system, str) else "", **kept}


class SpeechForm(WishForm):
    mode = "speech"
    is_public_at_first = False

    voice = forms.ChoiceField()
    speed = forms.FloatField(min_value=0.5, max_value=2, required=False, initial=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        voices = list(dict.fromkeys(voice for card in self.cards for voice in card.voices))
        self.fields["voice"].choices = [(voice, voice) for voice in voices]  # type: ignore[attr-defined]
        self.fields["voice"].initial = voices[0] if voices else ""

    def wish(self) -> SpeechRequest:
        values = self.cleaned_data
        return SpeechRequest(
            model=values["model"],
            text=values["prompt"],
            voice=values["voice"],
            speed=values["speed"] or 1.0,
            private=not values["public"],
        )

    @classmethod
    def initial_from(cls, request: SpeechRequest) -> dict[str, Any]:
        return {**super().initial_from(request), "voice": request.voice, "speed": request.speed}


FORMS: dict[str, type[WishForm]] = {form.mode: form for form in (ImageForm, TextForm, SpeechForm)}
MODE_OF = {"image": "image", "text": "text", "audio": "speech"}
