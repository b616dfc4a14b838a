"""The side list of a team's pages: each with what one must be allowed to do to see it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class Section:
    """`name` is the page's URL name without `team-`."""

    name: str
    label: str | Promise
    icon: str
    action: str


# In the order in which they are shown; a line between the groups.
GROUPS: tuple[tuple[Section, ...], ...] = (
    (
        Section("overview", _("Overview"), "layout-dashboard", "team.see"),
        Section("library", _("Library"), "library", "library.see"),
        Section("walls", _("Walls"), "monitor", "walls.see"),
    ),
    (
        Section("tokens", pgettext_lazy("secrets", "Tokens"), "key-round", "tokens.see"),
        Section("referrers", _("Referrers"), "globe", "referrers.see"),
        Section("usage", _("Usage"), "chart-column", "usage.see"),
        Section("requests", _("Requests"), "list", "requests.see"),
        Section("tier", _("Tier"), "gauge", "tier.see"),
    ),
    (
        Section("members", _("Members"), "users", "members.see"),
        Section("webhooks", _("Webhooks"), "webhook", "webhooks.see"),
        Section("audit", _("Audit"), "scroll-text", "audit.see"),
        Section("settings", pgettext_lazy("team", "Settings"), "settings", "settings.change"),
    ),
)


LABELS = {each.name: each.label for group in GROUPS for each in group}


def sections(team_slug: str, allowed: frozenset[str]) -> Iterator[list[tuple[Section, str]]]:
    """Each group with what this member may see: (section, address)."""
    for group in GROUPS:
        seen = [(each, reverse(f"team-{each.name}", args=[team_slug])) for each in group if each.action in allowed]
        if seen:
            yield seen
