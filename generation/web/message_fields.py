"""The part of a form that holds a conversation: what was said before the question, each message with its role."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from generation.requests import ChatRequest

ROLES = {
    "system": pgettext_lazy("a role", "System"),
    "user": pgettext_lazy("a role", "User"),
    "assistant": pgettext_lazy("a role", "Assistant"),
}
MOST = 40
LONGEST = 16_000  # characters


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the form; one without text is not sent."""

    role: str
    text: str = ""


class WithMessages(forms.Form):
    """`lines` are the messages before the question, in their order; a page sends `role` and `said` of each."""

    roles = tuple(ROLES.items())
    empty_line = Line("user")
    most_lines = MOST

    earlier = forms.Field(required=False, label=gettext_lazy("Messages before the question"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines: list[Line] = list(self.initial.get("lines", ()))
        if self.is_bound and isinstance(self.data, MultiValueDict):
            texts = [text.replace("\r\n", "\n") for text in self.data.getlist("said")[: MOST + 1]]
            self.lines = [Line(*each) for each in zip(self.data.getlist("role"), texts, strict=False)]

    @property
    def shown_lines(self) -> list[Line]:
        """With an empty one to begin with, where there are none."""
        return self.lines or [Line("system")]

    @property
    def has_lines(self) -> bool:
        return any(line.text.strip() for line in self.lines)

    def arrange(self, deed: str) -> None:
        """What a button does without scripts: `add`, or `up`, `down`, `remove` and the number of a message (`up-2`)."""
        what, _dash, number = deed.partition("-")
        lines = self.shown_lines
        at = int(number) - 1 if number.isascii() and number.isdigit() and len(number) < 4 else -1
        if what == "add" and len(lines) < MOST:
            lines = [*lines, Line(next_role(lines[-1].role))]
        elif 0 <= at < len(lines):
            line = lines.pop(at)
            if what != "remove":
                lines.insert(max(0, at - 1) if what == "up" else at + 1, line)
        self.lines = lines
        for name in {*self.errors} - {"pictures", "addresses"}:
            del self.errors[name]  # nobody has sent the form yet; what came along was looked at all the same

    def clean_earlier(self) -> list[dict[str, str]]:
        """The messages as a request has them. ValidationError that says which one is wrong."""
        if len(self.lines) > MOST:
            raise forms.ValidationError(_("Up to %(most)s messages can stand before the question.") % {"most": MOST})
        for number, line in enumerate(self.lines, 1):
            if line.role not in ROLES:
                raise forms.ValidationError(_("Message %(n)s: choose who says it.") % {"n": number})
            if len(line.text) > LONGEST:
                told = {"n": number, "most": LONGEST}
                raise forms.ValidationError(_("Message %(n)s is longer than %(most)s characters.") % told)
        return [{"role": line.role, "content": line.text} for line in self.lines if line.text.strip()]

    def copy(self, values: dict[str, Any]) -> Self:
        """The same form with these values in its fields."""
        other: Self = super().copy(values)  # type: ignore[misc]
        other.lines = self.lines
        return other


def next_role(role: str) -> str:
    """Who speaks after whom in a usual conversation."""
    return "assistant" if role == "user" else "user"


def lines_before(request: ChatRequest, words_of: Callable[[Any], str]) -> list[Line]:
    """What a request says before its last question, as far as it is words of these roles."""
    said = [(str(message.get("role", "user")), words_of(message.get("content"))) for message in request.messages]
    last = max((number for number, (role, _words) in enumerate(said) if role == "user"), default=len(said))
    roles = {"developer": "system"}
    lines = [Line(roles.get(role, role), words) for role, words in said[:last]]
    return [line for line in lines if line.role in ROLES and line.text][-MOST:]
