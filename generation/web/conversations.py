"""A conversation that was stored, as the form of the create page has it."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from generation.requests import ChatRequest
from generation.web import brought
from generation.web.brought import Brought
from generation.web.contents import others_in, pictures_in, words_of
from generation.web.message_fields import MOST, ROLES, Line, beside_of

SAME = {"developer": "system"}  # another name of it
LEFT_OUT = {
    "messages": ngettext_lazy(
        "The first message is left out: up to %(most)s can stand before the question.",
        "The first %(n)s messages are left out: up to %(most)s can stand before the question.",
        "n",
    ),
    "roles": ngettext_lazy(
        "%(n)s message is left out: the form does not have its role.",
        "%(n)s messages are left out: the form does not have their roles.",
        "n",
    ),
    "pictures": ngettext_lazy(
        "%(n)s picture is no longer here: pictures that come with a question are kept for an hour or so.",
        "%(n)s pictures are no longer here: pictures that come with a question are kept for an hour or so.",
        "n",
    ),
    "others": ngettext_lazy(
        "%(n)s part that is neither words nor a picture, such as a recording, is left out.",
        "%(n)s parts that are neither words nor pictures, such as recordings, are left out.",
        "n",
    ),
    "calls": gettext_lazy("Calls of functions that are very long are left out."),
}


@dataclass(slots=True)
class Conversation:
    """`lines` stand before the question, which has `words` and `pictures`; `left_out` are sentences about the rest."""

    lines: list[Line] = field(default_factory=list)
    words: str = ""
    pictures: list[Brought] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def of(request: ChatRequest) -> Conversation:
    """The question is the user's last message, unless a model or a tool has spoken since: then there is none."""
    said = list(request.messages)
    roles = [_role(message) for message in said]
    last = max((number for number, role in enumerate(roles) if role == "user"), default=-1)
    asks = last >= 0 and set(roles[last + 1 :]) <= {"system"}
    question = said.pop(last) if asks else {}
    known = [message for message in said if _role(message) in ROLES]
    lines = [_line(message) for message in known]
    lines = [line for line in lines if not line.is_empty]
    pictures = brought.of(pictures_in(question.get("content")))
    found = sum(len(line.pictures) for line in lines) + len(pictures)
    counts = {
        "messages": len(lines) - len(lines[-MOST:]),
        "roles": len(said) - len(known),
        "pictures": sum(len(pictures_in(message.get("content"))) for message in request.messages) - found,
        "others": sum(others_in(message.get("content")) for message in request.messages),
        "calls": sum(1 for message in known if message.get("tool_calls") and not beside_of(message)),
    }
    left_out = [LEFT_OUT[name] % {"n": count, "most": MOST} for name, count in counts.items() if count]
    return Conversation(lines[-MOST:], words_of(question.get("content")), pictures, left_out)


def _role(message: dict[str, Any]) -> str:
    role = str(message.get("role") or "user")
    return SAME.get(role, role)


def _line(message: dict[str, Any]) -> Line:
    content = message.get("content")
    return Line(_role(message), words_of(content), tuple(brought.of(pictures_in(content))), beside_of(message))


def settings_left_out(names: list[str]) -> list[str]:
    """A sentence about settings that have no field, if there are any."""
    if not names:
        return []
    return [_("These settings have no field here and are left out: %(names)s.") % {"names": ", ".join(names)}]
