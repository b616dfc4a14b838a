"""Template words of accounts: `{% load accounts %}`."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from pollweb.accounts import current, money
from pollweb.accounts.navigation import LABELS, sections
from pollweb.lib.numbers import grouped

register = template.Library()


@register.inclusion_tag("teams/_sections.html", takes_context=True)
def team_sections(context: dict[str, Any]) -> dict[str, Any]:
    """The side list of a team's pages, and the switch between teams above it."""
    request = context["request"]
    visit = request.visit
    return {
        "team": visit.team,
        "teams": current.teams(request),
        "groups": list(sections(visit.team.slug, visit.may)),
        "current": _section(request),
    }


def _section(request: Any) -> str:
    """`tokens` for team-tokens and team-tokens-new."""
    name: str = request.resolver_match.url_name
    return name.removeprefix("team-").partition("-")[0]


@register.simple_tag(takes_context=True)
def section_name(context: dict[str, Any]) -> str:
    """What the side list calls the section that this page is in."""
    return str(LABELS[_section(context["request"])])


register.filter("money", money.said)


@register.filter
def span(seconds: Any) -> str:
    """A length of time, short: 0.4 s, 12 s, 3:05 min, 2:10 h; a dash where there is none."""
    if seconds in (None, ""):
        return "—"
    if seconds < 60:
        return _("%(number)s s") % {
            "number": f"{seconds:.{2 if 0 < seconds < 1 else 1 if seconds < 10 else 0}f}".removesuffix(".0")
        }
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(number)s min") % {"number": f"{minutes}:{rest:02}"}
    hours, minutes = divmod(minutes, 60)
    return _("%(number)s h") % {"number": f"{grouped(hours)}:{minutes:02}"}


@register.filter
def percent(share: float | None) -> str:
    """0.9918 → `99.2 %`; a dash where it is not known. Never rounded up to the whole."""
    if share is None:
        return "—"
    if 0.999 < share < 1:
        return "99.9 %"
    return f"{share * 100:.1f} %".replace(".0 %", " %")
