"""Teams as a whole: made, chosen, deleted, had back; and their settings."""

from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from pollweb.accounts import identity, teams
from pollweb.accounts.errors import TokenRevoked
from pollweb.accounts.models import AuditEvent, Membership, Team, Token, User
from tests.accounts.conftest import Cast
from tests.factories import token_of


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_new_team_has_its_maker_as_owner_and_the_visibility_they_chose(cast: Cast):
    answer = signed_in(cast.bob).post("/teams/new", {"name": "Field  work", "visibility": "public"})
    team = Team.objects.get(name="Field work")
    assert answer["Location"] == f"/t/{team.slug}/"
    assert (team.visibility, team.tier) == ("public", "seed")
    assert Membership.objects.get(team=team, user=cast.bob).role == "owner"


def test_visibility_is_asked_and_never_assumed(cast: Cast):
    bob = signed_in(cast.bob)
    assert b"checked" not in bob.get("/teams/new").content
    answer = bob.post("/teams/new", {"name": "Field work"})
    assert answer.status_code == 422
    assert not Team.objects.filter(name="Field work").exists()


def test_a_tier_or_an_owner_from_the_browser_is_not_read(cast: Cast):
    forged = {"name": "Rich", "visibility": "private", "tier": "nectar", "person": cast.alice.pk, "slug": "bees"}
    signed_in(cast.bob).post("/teams/new", forged)
    team = Team.objects.get(name="Rich")
    assert (team.tier, team.person, team.slug) == ("seed", None, "rich")


def test_nobody_owns_teams_without_end(cast: Cast, monkeypatch):
    monkeypatch.setattr(teams, "MOST_TEAMS", 2)
    bob = signed_in(cast.bob)
    for n in range(4):
        status = bob.post("/teams/new", {"name": f"Number {n}", "visibility": "private"}).status_code
    assert status == 422
    assert Membership.objects.filter(user=cast.bob, role="owner").count() <= 2


def test_the_team_one_was_in_last_is_where_one_comes_back_to(cast: Cast):
    bob = signed_in(cast.bob)
    bob.post("/teams/new", {"name": "Other", "visibility": "private"})
    bob.get("/t/bees/members")
    assert bob.get("/t/")["Location"] == "/t/bees/"
    bob.get("/t/other/members")
    assert bob.get("/t/")["Location"] == "/t/other/"


def test_a_team_is_deleted_by_typing_its_name(cast: Cast):
    alice = signed_in(cast.alice)
    assert alice.post("/t/bees/settings/delete", {"typed": "bees"}).status_code == 422
    assert alice.post("/t/bees/settings/delete", {"typed": "Bees"}).status_code == 302
    assert alice.get("/t/bees/members").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_tokens_of_a_deleted_team_are_nobodys(cast: Cast):
    secret = token_of(cast.bees)
    identity.forget()
    assert async_to_sync(identity.by_token)(secret, "192.0.2.1") is not None
    teams.delete(cast.bees, cast.alice)
    with pytest.raises(TokenRevoked, match="its team was deleted"):
        async_to_sync(identity.by_token)(secret, "192.0.2.1")
    assert not Token.objects.usable().exists()


def test_an_owner_has_it_back_for_a_week(cast: Cast):
    alice = signed_in(cast.alice)
    alice.post("/t/bees/settings/delete", {"typed": "Bees"})
    assert b"Bees" in alice.get("/teams").content
    for other in (cast.adam, cast.charlie):
        assert signed_in(other).post("/teams/bees/restore").status_code == 404
        assert b"Restore" not in signed_in(other).get("/teams").content
    assert alice.post("/teams/bees/restore").status_code == 302
    assert alice.get("/t/bees/members").status_code == 200
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["team.deleted", "team.restored"]


def test_after_a_week_it_is_gone(cast: Cast):
    signed_in(cast.alice).post("/t/bees/settings/delete", {"typed": "Bees"})
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=False):
        alice = signed_in(cast.alice)
        assert b"Restore" not in alice.get("/teams").content
        assert alice.post("/teams/bees/restore").status_code == 404


SETTINGS = {"name": "Bees", "slug": "bees", "visibility": "private", "prompt_days": "90"}


def test_settings_are_changed_and_written_down(cast: Cast):
    changed = {**SETTINGS, "always_private": "on", "allowed_models": ["flux", "openai"], "prompt_days": "0"}
    assert signed_in(cast.adam).post("/t/bees/settings", {**changed, "monthly_quota": "1000"}).status_code == 302
    team = Team.objects.get(pk=cast.bees.pk)
    assert (team.always_private, team.always_safe, team.prompt_days, team.monthly_quota) == (True, False, 0, 1000)
    assert team.allowed_models == ["flux", "openai"]
    event = AuditEvent.objects.get(action="settings.changed")
    assert event.detail["prompt_days"] == "90 → 0"
    assert "name" not in event.detail


def test_settings_that_make_no_sense_are_refused(cast: Cast):
    adam = signed_in(cast.adam)
    for wrong in (
        {"name": " "},
        {"slug": "wasps"},
        {"slug": "a b"},
        {"visibility": "secret"},
        {"prompt_days": "8"},
        {"monthly_quota": "-1"},
        {"allowed_models": ["no-such-model"]},
    ):
        answer = adam.post("/t/bees/settings", {**SETTINGS, **wrong})
        assert answer.status_code == 422, wrong
        assert b"data-error-summary" in answer.content
    assert not AuditEvent.objects.exists()


def test_a_tier_in_the_settings_form_is_not_read(cast: Cast):
    signed_in(cast.alice).post("/t/bees/settings", {**SETTINGS, "tier": "nectar", "person": "1", "deleted_at": "now"})
    team = Team.objects.get(pk=cast.bees.pk)
    assert (team.tier, team.deleted_at) == ("seed", None)


def test_a_name_full_of_markup_is_shown_as_it_is(cast: Cast):
    signed_in(cast.adam).post("/t/bees/settings", {**SETTINGS, "name": "<script>alert(1)</script>"})
    page = signed_in(cast.vera).get("/t/bees/members").content
    assert b"<script>alert" not in page
    assert b"&lt;script&gt;alert" in page
