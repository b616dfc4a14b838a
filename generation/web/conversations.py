"""A conversation that was stored, as the form of the create page has it."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generation.requests import ChatRequest
from generation.web import brought
from generation.web.brought import Brought
from generation.web.contents import others_in, pictures_in, words_of
from generation.web.message_fields import MOST, ROLES, Line, beside_of

SAME = {"developer": "system"}  # another name of it


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
    roles = [str(message.get("role") or "user") for message in said]
    last = max((number for number, role in enumerate(roles) if role == "user"), default=-1)
    asks = last >= 0 and all(SAME.get(role, role) == "system" for role in roles[last + 1 :])
    question = said.pop(last) if asks else {}
    known = [message for message in said if SAME.get(_role(message), _role(message)) in ROLES]
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
    words = words_of(question.get("content"))
    return Conversation(lines[-MOST:], words, pictures, _sentences(**counts))


def _role(message: dict[str, Any]) -> str:
    return str(message.get("role") or "user")


def _line(message: dict[str, Any]) -> Line:
    role, content = _role(message), message.get("content")
    return Line(SAME.get(role, role), words_of(content), tuple(brought.of(pictures_in(content))), beside_of(message))


def _sentences(*, messages: int, roles: int, pictures: int, others: int, calls: int) -> list[str]:
    told = []
    if messages:
        sentence = ngettext(
            "The first message is left out: up to %(most)s can stand before the question.",
            "The first %(n)s messages are left out: up to %(most)s can stand before the question.",
            messages,
        )
        told.append(sentence % {"n": messages, "most": MOST})
    if roles:
        sentence = ngettext(
            "%(n)s message is left out: the form does not have its role.",
            "%(n)s messages are left out: the form does not have their roles.",
            roles,
        )
        told.append(sentence % {"n": roles})
    if pictures:
        sentence = ngettext(
            "%(n)s picture is no longer here: pictures that come with a question are kept for an hour or so.",
            "%(n)s pictures are no longer here: pictures that come with a question are kept for an hour or so.",
            pictures,
        )
        told.append(sentence % {"n": pictures})
    if others:
        sentence = ngettext(
            "%(n)s part that is neither words nor a picture, such as a recording, is left out.",
            "%(n)s parts that are neither words nor pictures, such as recordings, are left out.",
            others,
        )
        told.append(sentence % {"n": others})
    if calls:
        told.append(_("Calls of functions that are very long are left out."))
    return told


def settings_left_out(names: list[str]) -> list[str]:
    """A sentence about settings that have no field, if there are any."""
    if not names:
        return []
    return [_("These settings have no field here and are left out: %(names)s.") % {"names": ", ".join(names)}]
