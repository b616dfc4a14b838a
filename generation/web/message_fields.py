"""The part of a form that holds a conversation: what was said before the question, each message with its role."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Self

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from generation import inputs
from generation.web import brought
from generation.web.brought import Brought
from generation.web.contents import calls_of, content_of
from generation.wire import tools

ROLES = {
    "system": pgettext_lazy("a role", "System"),
    "user": pgettext_lazy("a role", "User"),
    "assistant": pgettext_lazy("a role", "Assistant"),
    "tool": pgettext_lazy("a role", "Tool"),
}
MOST = 40
LONGEST = 16_000  # characters
LONGEST_BESIDE = 64_000  # characters of JSON


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the form. `beside` is what it has beside its words and pictures: `tool_calls`, `tool_call_id` and
    `name`, as OpenAI's messages have them; `lost` counts its pictures that are no longer here."""

    role: str
    text: str = ""
    pictures: tuple[Brought, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    lost: int = 0

    @property
    def is_empty(self) -> bool:
        """Not to be sent: nothing is said, shown, called or answered by it."""
        return not (self.text.strip() or self.pictures or {"tool_calls", "tool_call_id"} & self.beside.keys())

    @property
    def roles(self) -> list[tuple[str, Any]]:
        """Those to choose from. A tool's answer belongs to a call, which nobody writes by hand."""
        return [(role, name) for role, name in ROLES.items() if role != "tool" or self.role == "tool"]

    @property
    def role_name(self) -> str:
        return str(ROLES.get(self.role, self.role))

    @property
    def calls(self) -> list[tuple[str, str]]:
        return calls_of(self.beside)

    @property
    def kept(self) -> str:
        """For the page, which sends it back with the words; `_read` is the counterpart."""
        told = {**self.beside, **({"pictures": [each.words for each in self.pictures]} if self.pictures else {})}
        return json.dumps(told, ensure_ascii=False) if told else ""

    def message(self) -> dict[str, Any]:
        """As a request has it. Beside calls, no content says that there is none."""
        fits = {"tool_calls": "assistant", "tool_call_id": "tool"}
        beside = {name: value for name, value in self.beside.items() if fits.get(name, self.role) == self.role}
        content = content_of(self.text, [each.digest for each in self.pictures])
        return {"role": self.role, "content": content or (None if "tool_calls" in beside else ""), **beside}


class WithMessages(forms.Form):
    """`lines` are the messages before the question, in their order; a page sends `role`, `said` and `beside` of each.

    `left_out` are sentences about what a conversation that is begun from has and the form has not."""

    empty_line = Line("user")
    most_lines = MOST

    earlier = forms.Field(required=False, label=gettext_lazy("Messages before the question"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines: list[Line] = list(self.initial.get("lines", ()))
        self.left_out: list[str] = list(self.initial.get("left_out", ()))
        if self.is_bound and isinstance(self.data, MultiValueDict):
            roles, texts, beside = (self.data.getlist(name)[: MOST + 1] for name in ("role", "said", "beside"))
            told = zip_longest(roles, texts, beside[: len(roles)], fillvalue="")
            self.lines = [_read(*each) for each in told]

    @property
    def shown_lines(self) -> list[Line]:
        """With an empty one to begin with, where there are none."""
        return self.lines or [Line("system")]

    @property
    def has_lines(self) -> bool:
        return any(not line.is_empty for line in self.lines)

    @property
    def ends_with_a_tool(self) -> bool:
        """Whether a tool has the last word: the model goes on from there, and no question is needed."""
        said = [line for line in self.lines if not line.is_empty]
        return bool(said) and said[-1].role == "tool"

    @property
    def shown_before(self) -> int:
        """How many pictures the messages show."""
        return sum(len(line.pictures) for line in self.lines)

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

    def clean_earlier(self) -> list[dict[str, Any]]:
        """The messages as a request has them. ValidationError that says which one is wrong."""
        if len(self.lines) > MOST:
            raise forms.ValidationError(_("Up to %(most)s messages can stand before the question.") % {"most": MOST})
        for number, line in enumerate(self.lines, 1):
            if line.role not in ROLES:
                raise forms.ValidationError(_("Message %(n)s: choose who says it.") % {"n": number})
            if len(line.text) > LONGEST:
                told = {"n": number, "most": LONGEST}
                raise forms.ValidationError(_("Message %(n)s is longer than %(most)s characters.") % told)
            if line.lost:
                sentence = _("Message %(n)s: a picture is no longer here. Without it, send the form again.")
                raise forms.ValidationError(sentence % {"n": number})
        return [line.message() for line in self.lines if not line.is_empty]

    def copy(self, values: dict[str, Any]) -> Self:
        """The same form with these values in its fields."""
        other: Self = super().copy(values)  # type: ignore[misc]
        other.lines = self.lines
        return other


def next_role(role: str) -> str:
    """Who speaks after whom in a usual conversation."""
    return "assistant" if role in ("user", "tool") else "user"


def beside_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a message has beside its role and content, as far as it is well-formed and not longer than a form sends."""
    calls = message.get("tool_calls")
    found: dict[str, Any] = {}
    if isinstance(calls, list) and calls and all(tools.is_call(call) for call in calls):
        found["tool_calls"] = calls
    found |= {name: text for name in ("tool_call_id", "name") if isinstance(text := message.get(name), str) and text}
    return found if len(json.dumps(found)) <= LONGEST_BESIDE else {}


def _read(role: str, text: str, beside: str) -> Line:
    """A line as a page sent it. What the page did not make is as if it were not there."""
    try:
        told = json.loads(beside) if beside and len(beside) <= LONGEST_BESIDE * 2 else {}
    except (ValueError, RecursionError):
        told = {}
    told = told if isinstance(told, dict) else {}
    given = told.get("pictures")
    words = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    found, lost = brought.named(words[: inputs.MOST_PICTURES]) if words else ([], 0)
    return Line(role, text.replace("\r\n", "\n"), tuple(found), beside_of(told), lost)
