"""Every page of a team × everybody who could knock × every method: who is let in is what the table says, and no more.

The addresses are walked, so that a new page is in this test the day it is there. A page with an object in its address
needs one line in `OBJECTS`.
"""

import re
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from pollweb.accounts.models import Team, User
from pollweb.accounts.permissions import BY_ROLE
from tests.accounts.conftest import Cast
from tests.accounts.objects import OBJECTS

METHODS = ("get", "head", "post", "put", "patch", "delete")
REFUSED = {401, 404, *range(500, 600)}
PREFIX = "t/<slug:team>/"


@dataclass(frozen=True)
class Route:
    pattern: str
    view: Callable[..., Any]
    converters: dict[str, Any]

    @property
    def objects(self) -> list[str]:
        return [name for name in self.converters if name != "team"]

    def path(self, team: Team | str, **values: object) -> str:
        path = self.pattern
        for name, converter in self.converters.items():
            kind = next(key for key in CONVERTERS if f"<{key}:{name}>" in path)
            slug = team if isinstance(team, str) else team.slug
            value = slug if name == "team" else values.get(name, MISSING[kind])
            path = path.replace(f"<{kind}:{name}>", str(value))
            assert converter
        return f"/{path}"


MISSING = {
    "int": 987654321,
    "str": "0" * 22,
    "slug": "nothing-of-this-name",
    "uuid": "0" * 8 + "-0000-7000-8000-" + "0" * 12,
}
CONVERTERS = (*MISSING, "path")


def routes(
    patterns: list[Any] | None = None, before: str = "", converters: dict[str, Any] | None = None
) -> Iterator[Route]:
    for each in get_resolver().url_patterns if patterns is None else patterns:
        path, known = before + str(each.pattern), {**(converters or {}), **each.pattern.converters}
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path, known)
        elif isinstance(each, URLPattern) and path.startswith(PREFIX):
            yield Route(path, each.callback, known)


ROUTES = {route.pattern: route for route in routes()}


def signed_in(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def answer(client: Client, path: str, method: str) -> int:
    """The status of one request whose effects are undone, those on the client's cookies too."""
    cookies = copy(client.cookies)
    with transaction.atomic():
        response = getattr(client, method)(path)
        if response.streaming:
            for _part in response:
                pass
        transaction.set_rollback(True)
    client.cookies = cookies
    return response.status_code


def test_every_page_of_a_team_says_what_one_must_be_allowed_to_do():
    assert len(ROUTES) > 10
    assert [pattern for pattern, route in ROUTES.items() if not hasattr(route.view, "team_action")] == []


@pytest.mark.parametrize("pattern", ROUTES)
def test_a_page_opens_to_those_who_may_and_to_nobody_else(cast: Cast, pattern: str):
    route = ROUTES[pattern]
    action = route.view.team_action
    lacking = [name for name in route.objects if name not in OBJECTS]
    assert not lacking, f"tests/accounts/objects.py does not know how a team gets a {lacking}"
    own = {name: OBJECTS[name](cast.bees, cast.bob) for name in route.objects}
    foreign = {name: OBJECTS[name](cast.wasps, cast.charlie) for name in route.objects}
    people = {"owner": cast.alice, "admin": cast.adam, "member": cast.bob, "viewer": cast.vera}
    members = {role: signed_in(user) for role, user in people.items()}
    strangers = [signed_in(user) for user in (cast.charlie, cast.stranger)]
    nobody = signed_in(None)

    for method in METHODS:
        for role, member in members.items():
            status = answer(member, route.path(cast.bees, **own), method)
            if action in BY_ROLE[role]:
                assert status not in REFUSED, (role, method, status)
            else:
                assert status in (403, 405), (role, method, status)
        # The other team's owner, and somebody in no team at all: what exists and what does not look the same.
        for stranger in strangers:
            seen = answer(stranger, route.path(cast.bees, **own), method)
            assert seen in (404, 405), (method, seen)
            assert seen == answer(stranger, route.path("no-such-team", **own), method)
        # Whoever is not signed in is sent to sign in, wherever they knock.
        for path in (route.path(cast.bees, **own), route.path("no-such-team", **own)):
            assert answer(nobody, path, method) in (302, 405), method
        # An object of another team, in an address of one's own, is one that does not exist.
        if route.objects:
            for path in (route.path(cast.bees, **foreign), route.path(cast.bees)):
                assert answer(members["owner"], path, method) in (404, 405), method


def test_a_token_opens_no_page(cast: Cast):
    from tests.factories import token_of

    secret = token_of(cast.bees)
    for path in (f"/t/bees/members?token={secret}", "/t/bees/settings"):
        response = Client().get(path, headers={"authorization": f"Bearer {secret}"})
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def staff_paths() -> list[str]:
    found = []

    def walk(patterns: list[Any], before: str) -> None:
        for each in patterns:
            path = before + str(each.pattern)
            if isinstance(each, URLResolver):
                walk(each.url_patterns, path)
            elif path.startswith("staff/"):
                assert getattr(each.callback, "is_staff_page", False), f"{path} is open to everybody"
                found.append("/" + re.sub(r"<int:\w+>", "1", path))

    walk(get_resolver().url_patterns, "")
    return found


def test_the_operators_pages_do_not_exist_for_anybody_else(cast: Cast):
    assert staff_paths()
    owners = [signed_in(user) for user in (cast.alice, cast.charlie)]
    nobody = signed_in(None)
    for path in staff_paths():
        for method in ("get", "post"):
            for owner in owners:
                assert answer(owner, path, method) in (404, 405), (path, method)
            assert answer(nobody, path, method) in (302, 405)
