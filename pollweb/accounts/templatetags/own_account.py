"""Template words of one's own account: `{% load own_account %}`."""

from typing import Any

from django import template
from django.db import DatabaseError
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from pollweb.accounts import current

register = template.Library()


@register.inclusion_tag("components/account_menu.html", takes_context=True)
def account_menu(context: dict[str, Any]) -> dict[str, Any]:
    """The end of the top bar: "Sign in", or one's name with everything that is one's own behind it."""
    person, request = context.get("person"), context.get("request")
    try:
        teams = current.teams(request)[:8] if person and request else []
    except DatabaseError:  # the page that says so has this bar too
        teams = []
    return {"person": person, "teams": teams, "request": request, "csrf_token": context.get("csrf_token")}


# In the order in which they are shown: URL name, words, icon. Other parts of pollweb add theirs by having the address.
ACCOUNT_PAGES = (
    ("account", _("Profile and preferences"), "user-round"),
    ("profile-edit", _("Public profile"), "globe"),
    ("account_email", _("E-mail address"), "mail"),
    ("account_change_password", _("Password"), "key-round"),
    ("mfa_index", _("Second factor"), "shield-check"),
    ("usersessions_list", _("Sessions"), "monitor"),
    ("socialaccount_connections", _("Connected accounts"), "link"),
    ("account-export", _("Export my data"), "download"),
    ("account-delete", _("Delete account"), "trash-2"),
)
BELOW = {"account_set_password": "account_change_password"}


@register.inclusion_tag("account/_pages.html", takes_context=True)
def account_pages(context: dict[str, Any]) -> dict[str, Any]:
    """The side list of the account's pages."""
    here = context["request"].resolver_match.url_name or ""
    current = "mfa_index" if here.startswith("mfa_") else BELOW.get(here, here)
    return {
        "pages": [page for page in ((*page, _address(page[0])) for page in ACCOUNT_PAGES) if page[3]],
        "current": current,
    }


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


# What a browser calls itself holds the names of others too: the first of these that it says is the one.
_BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl")
_NAMES = {"Edg": "Edge", "OPR": "Opera"}
_SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS", "CrOS", "Linux")


@register.filter
def browser(agent: str) -> str:
    """ "Firefox, Linux" for a User-Agent; what it says itself, cut, where neither is known."""
    found = next((_NAMES.get(word, word) for word in _BROWSERS if word in agent), "")
    system = next((word for word in _SYSTEMS if word in agent), "")
    return ", ".join(filter(None, (found, system))) or agent[:60] or "?"
