"""Template words of our own, known in every template."""

import re
from datetime import datetime
from functools import cache

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from pollweb.lib import punctuation

register = template.Library()

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
)


@register.simple_tag
@cache
def icon(name: str) -> str:
    """A Lucide icon as inline SVG. It says nothing to a screen reader: words stand beside it or in a label."""
    svg = lucide(name, size=20, stroke_width=1.75, aria_hidden="true", **{"class": "icon"})
    return mark_safe("".join(line.strip() for line in svg.splitlines()))  # noqa: S308


@register.simple_tag
def colon() -> str:
    """What stands between a name and what is said of it, with its space where the language has one."""
    return punctuation.colon()


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hover; static/js/time.js sets it into the reader's own zone."""
    if moment is None:
        return "—"
    young = (timezone.now() - moment).total_seconds() < 60
    words = _("just now") if young else _("%(time)s ago") % {"time": timesince(moment, depth=1)}
    return format_html(
        '<time datetime="{}" title="{}" data-time>{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}",
        words,
    )


@register.filter
def exact(moment: datetime | None, form: str = "DATETIME_FORMAT") -> SafeString | str:
    """When it is, in the zone of the reader's account; static/js/time.js knows the browser's, where none was chosen."""
    if moment is None:
        return "—"
    there = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" data-exact>{} {}</time>',
        moment.isoformat(timespec="seconds"),
        date_format(there, form),
        there.tzname(),
    )


@register.filter
def language(text: str | None) -> str:
    """The language a text is surely not English in, told by its script: for `lang` attributes. Empty when unknown."""
    return next((code for code, script in _SCRIPTS if script.search(text or "")), "")


@register.filter
def bytesize(size: int) -> str:
    """512 → 512 B, 2048 → 2 kB: short, decimal, for tables."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"
