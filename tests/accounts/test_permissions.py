import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from pollweb.accounts.models import Membership, Team
from pollweb.accounts.pages import NotAllowed, team_page
from pollweb.accounts.permissions import ALL, BY_ROLE, may, may_give
from pollweb.lib.errors import NotFound
from tests.accounts.conftest import Cast


def test_each_role_may_all_that_the_one_below_it_may():
    assert BY_ROLE["viewer"] < BY_ROLE["member"] < BY_ROLE["admin"] < BY_ROLE["owner"] == ALL


def test_a_mistyped_action_fails_loudly():
    with pytest.raises(LookupError):
        may(Membership(role="owner"), "tokens.crate")


def test_owners_are_made_by_owners_only():
    assert may_give(Membership(role="owner"), "owner")
    assert not may_give(Membership(role="admin"), "owner")
    assert may_give(Membership(role="admin"), "admin")
    assert not may_give(Membership(role="member"), "viewer")


@team_page("tokens.change_all")
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.visit.team.name)


def visit(user: object, team: str) -> HttpResponse:
    request = RequestFactory().get(f"/t/{team}/page")
    request.user, request.session = user, {}
    return page(request, team=team)


def test_a_page_opens_to_whoever_may(cast: Cast):
    answer = visit(cast.adam, "bees")
    assert answer.content == b"Bees"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_member_whose_role_does_not_reach_is_told_so(cast: Cast):
    with pytest.raises(NotAllowed):
        visit(cast.bob, "bees")


def test_to_a_stranger_a_foreign_team_and_a_missing_one_are_the_same(cast: Cast):
    for team in ("bees", "nobody"):
        with pytest.raises(NotFound, match="There is nothing at this address"):
            visit(cast.charlie, team)


def test_whoever_is_not_signed_in_is_sent_to_sign_in(cast: Cast):
    answer = visit(AnonymousUser(), "bees")
    assert answer.status_code == 302
    assert answer["Location"] == "/account/login/?next=/t/bees/page"


def test_a_deleted_team_is_closed_to_everybody(cast: Cast):
    from django.utils import timezone

    Team.objects.filter(slug="bees").update(deleted_at=timezone.now())
    with pytest.raises(NotFound):
        visit(cast.alice, "bees")


def test_two_teams_of_one_name_have_two_addresses(db):
    first, second = Team.objects.create(name="Bees"), Team.objects.create(name="Bees")
    assert first.slug == "bees"
    assert second.slug.startswith("bees-")
    assert Team.objects.create(name="蜜蜂").slug.startswith("team-")
