"""What a thing looked like is remembered: a tile is drawn once, not for each of the thousands who see it."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

MOST = 1000  # drawings, of about four kilobytes each
_drawings: OrderedDict[Hashable, SafeString] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    with _lock:
        _drawings.clear()


@register.simple_tag
def drawn(name: str, **things: Any) -> SafeString:
    """The template `name` with nothing but `things`.

    What has `looks` says with it everything that its drawing depends on, but for the reader's language and time zone;
    everything else stands for itself.
    """
    looks = tuple((key, getattr(thing, "looks", thing)) for key, thing in things.items())
    return _drawing((name, *_reader(), looks), name, things)


@register.simple_tag
def each_drawn(name: str, called: str, these: Iterable[Any], **things: Any) -> SafeString:
    """The template `name` for each of `these`, which have `looks` and are `called` so there, one after the other."""
    reader = (name, *_reader(), tuple(things.items()))
    drawings = [_drawing((*reader, each.looks), name, {called: each, **things}) for each in these]
    return SafeString("".join(drawings))


def _reader() -> tuple[str | None, str]:
    return get_language(), timezone.get_current_timezone_name()


def _drawing(seen: Hashable, name: str, things: dict[str, Any]) -> SafeString:
    with _lock:
        known = _drawings.get(seen)
        if known is not None:
            _drawings.move_to_end(seen)
    if known is None:
        known = render_to_string(name, things)
        if not settings.DEBUG:  # templates change there
            with _lock:
                _drawings[seen] = known
                if len(_drawings) > MOST:
                    _drawings.popitem(last=False)
    return known
