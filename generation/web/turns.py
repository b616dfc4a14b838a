"""One turn of a conversation: what is said next, after what was said before."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation import catalogue, inputs
from generation.catalogue import ModelCard
from generation.models import Generation
from generation.requests import ChatRequest
from generation.web import brought
from generation.web.brought import Brought
from generation.web.contents import content_of, pictures_in, words_of
from generation.web.picture_fields import WithPictures

MOST_MESSAGES = 100
LONGEST = 16_000  # characters of what is said in one turn
LONGEST_SYSTEM = 4000
LONGEST_MESSAGE = 65_536  # of what was said before: as long as an answer is kept


@dataclass(frozen=True, slots=True)
class Message:
    """`role` is user or assistant, `text` its words, which are Markdown where a model says them."""

    role: str
    text: str
    pictures: tuple[Brought, ...] = ()

    def told(self) -> dict[str, Any]:
        """For the browser, which keeps the conversation; `_read` is the counterpart."""
        pictures = [{"words": each.words, "href": each.href} for each in self.pictures]
        return {"role": self.role, "text": self.text, "pictures": pictures}

    def as_sent(self, with_pictures: bool) -> dict[str, Any]:
        digests = [each.digest for each in self.pictures] if with_pictures else []
        return {"role": self.role, "content": content_of(self.text, digests)}


def of(row: Generation) -> list[Message]:
    """The conversation that this row is the last turn of, with its answer if there is one."""
    request = row.request()
    assert isinstance(request, ChatRequest)
    said = [
        Message(m["role"], words_of(m.get("content")), tuple(brought.of(pictures_in(m.get("content")))))
        for m in request.messages
        if m.get("role") in ("user", "assistant")
    ]
    return [*said, Message("assistant", row.response)] if row.response else said


class TurnForm(WithPictures):
    """`earlier` is what was said before as the browser kept it: a JSON list of what `Message.told` makes."""

    prompt = forms.CharField(max_length=LONGEST, error_messages={"required": _("Say something first.")})
    model = forms.ChoiceField()
    system = forms.CharField(max_length=LONGEST_SYSTEM, required=False)
    earlier = forms.JSONField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cards = list(catalogue.cards("text").values())
        self.fields["model"].choices = [(card.name, card.name) for card in self.cards]  # type: ignore[attr-defined]
        self.fields["model"].initial = catalogue.default("text").name

    @property
    def card(self) -> ModelCard:
        chosen = self["model"].value()
        return next((card for card in self.cards if card.name == chosen), catalogue.default("text"))

    @property
    def seers(self) -> list[str]:
        """The models that see pictures."""
        return [card.name for card in self.cards if card.vision]

    def clean_earlier(self) -> list[Message]:
        given = self.cleaned_data["earlier"] or []
        if not isinstance(given, list) or len(given) > MOST_MESSAGES:
            raise forms.ValidationError(_("This conversation cannot be read. Begin a new one."))
        read: list[Message] = []
        room = inputs.MOST_PICTURES
        for told in reversed(given):
            read.insert(0, message := _read(told, room))
            room -= len(message.pictures)
        return read

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.has_pictures and not self.card.vision and "model" not in self.errors:
            said = {"model": self.card.name, "seers": ", ".join(self.seers) or "—"}
            self.add_error("model", gettext("%(model)s does not see pictures. These models do: %(seers)s.") % said)
        return values

    def wish(self, earlier: list[Message]) -> tuple[ChatRequest, int]:
        """The request, and how many of the first messages are left out of it because they find no room any more.

        Only for a valid form whose pictures are in the store."""
        values, card = self.cleaned_data, self.card
        said = [*earlier, Message("user", values["prompt"], tuple(self.brought))]
        room, pictures = card.max_input_chars - len(values["system"]), inputs.MOST_PICTURES
        sent: list[dict[str, Any]] = []
        for message in reversed(said):
            room -= len(message.text)
            if sent and (room < 0 or len(sent) > MOST_MESSAGES):
                break
            seen = card.vision and len(message.pictures) <= pictures
            pictures -= len(message.pictures) if seen else 0
            sent.insert(0, message.as_sent(seen))
        while sent and sent[0]["role"] == "assistant":
            sent.pop(0)  # whose question is left out
        system = [{"role": "system", "content": values["system"]}] if values["system"] else []
        return ChatRequest(model=card.name, messages=(*system, *sent), private=True), len(said) - len(sent)


def _read(told: Any, room: int) -> Message:
    """What `Message.told` made, with up to `room` pictures. ValidationError for anything else; a picture that is gone
    is left out."""
    match told:
        case {"role": "user" | "assistant" as role, "text": str(text)} if len(text) <= LONGEST_MESSAGE:
            given: Any = told.get("pictures")
            shown = given if isinstance(given, list) else []
            words = [each["words"] for each in shown if isinstance(each, dict) and isinstance(each.get("words"), str)]
            found, _lost = brought.named(words[:room]) if words[:room] else ([], 0)
            return Message(role, text, tuple(found))
    raise forms.ValidationError(_("This conversation cannot be read. Begin a new one."))
