"""Members, roles and leaving: who may change whom, and that a team keeps an owner."""

from collections.abc import Callable

import pytest
from django.test import Client

from pollweb.accounts.models import AuditEvent, Invitation, Membership, Team, User
from tests.accounts.conftest import Cast
from tests.factories import join


def role_of(team: Team, user: User) -> str | None:
    return Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first()


@pytest.fixture
def as_(cast: Cast) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def change(client: Client, team: Team, user: User, role: str):
    pk = Membership.objects.get(team=team, user=user).pk
    return client.post(f"/t/{team.slug}/members/{pk}/role", {"role": role})


def remove(client: Client, team: Team, user: User):
    pk = Membership.objects.get(team=team, user=user).pk
    return client.post(f"/t/{team.slug}/members/{pk}/remove")


def test_an_admin_changes_a_role_and_it_is_written_down(cast: Cast, as_):
    assert change(as_(cast.adam), cast.bees, cast.bob, "viewer").status_code == 302
    assert role_of(cast.bees, cast.bob) == "viewer"
    event = AuditEvent.objects.get(action="member.role_changed")
    assert (event.team, event.actor, event.target) == (cast.bees, cast.adam, "bob")
    assert event.detail == {"before": "member", "after": "viewer"}


def test_an_admin_neither_makes_nor_unmakes_owners(cast: Cast, as_):
    assert change(as_(cast.adam), cast.bees, cast.bob, "owner").status_code == 422
    assert change(as_(cast.adam), cast.bees, cast.alice, "viewer").status_code == 403
    assert remove(as_(cast.adam), cast.bees, cast.alice).status_code == 403
    assert (role_of(cast.bees, cast.bob), role_of(cast.bees, cast.alice)) == ("member", "owner")


def test_the_last_owner_stays(cast: Cast, as_):
    alice = as_(cast.alice)
    assert change(alice, cast.bees, cast.alice, "member").status_code == 409
    assert alice.post("/t/bees/leave").status_code == 409
    assert remove(alice, cast.bees, cast.alice).status_code == 302  # back, with the reason
    assert role_of(cast.bees, cast.alice) == "owner"
    assert change(alice, cast.bees, cast.bob, "owner").status_code == 302
    assert alice.post("/t/bees/leave").status_code == 302
    assert role_of(cast.bees, cast.alice) is None


def test_whoever_is_removed_sees_nothing_of_the_team_any_more(cast: Cast, as_):
    bob = as_(cast.bob)
    assert bob.get("/t/bees/members").status_code == 200
    remove(as_(cast.alice), cast.bees, cast.bob)
    assert bob.get("/t/bees/members").status_code == 404


def test_a_removed_admins_invitations_are_void(cast: Cast, as_):
    as_(cast.adam).post("/t/bees/members/invite", {"email": "new@example.com", "role": "member"})
    assert Invitation.objects.open().count() == 1
    remove(as_(cast.alice), cast.bees, cast.adam)
    assert Invitation.objects.open().count() == 0


def test_an_owners_invitation_of_an_owner_is_void_when_they_become_an_admin(cast: Cast, as_):
    alice = as_(cast.alice)
    alice.post("/t/bees/members/invite", {"email": "", "role": "owner"})
    alice.post("/t/bees/members/invite", {"email": "", "role": "viewer"})
    change(alice, cast.bees, cast.bob, "owner")
    change(alice, cast.bees, cast.alice, "admin")
    assert [each.role for each in Invitation.objects.open()] == ["viewer"]


def test_ones_own_team_cannot_be_left_or_deleted(cast: Cast, as_):
    own, _ = Team.objects.get_or_create(person=cast.bob, defaults={"name": "bob"})
    if role_of(own, cast.bob) is None:
        join(own, cast.bob, "owner")
    join(own, cast.alice, "owner")
    bob = as_(cast.bob)
    assert bob.post(f"/t/{own.slug}/leave").status_code == 409
    assert bob.post(f"/t/{own.slug}/settings/delete", {"typed": own.name}).status_code == 422
    assert Team.objects.living().filter(pk=own.pk).exists()


def test_addresses_are_shown_to_those_who_manage_members_only(cast: Cast, as_):
    assert b"bob@example.com" in as_(cast.adam).get("/t/bees/members").content
    assert b"bob@example.com" not in as_(cast.vera).get("/t/bees/members").content


def test_fields_that_nobody_asked_for_change_nothing(cast: Cast, as_):
    pk = Membership.objects.get(team=cast.bees, user=cast.bob).pk
    forged = {"role": "viewer", "team": cast.wasps.pk, "user": cast.charlie.pk, "is_staff": "1", "tier": "nectar"}
    as_(cast.adam).post(f"/t/bees/members/{pk}/role", forged)
    assert Membership.objects.get(pk=pk).team == cast.bees
    assert Membership.objects.get(pk=pk).user == cast.bob
    assert Team.objects.get(pk=cast.bees.pk).tier == "seed"


def test_two_owners_who_leave_at_once_leave_one_behind(cast: Cast, as_):
    change(as_(cast.alice), cast.bees, cast.bob, "owner")
    assert as_(cast.bob).post("/t/bees/leave").status_code == 302
    assert as_(cast.alice).post("/t/bees/leave").status_code == 409
    assert Membership.objects.owners().filter(team=cast.bees).count() == 1
