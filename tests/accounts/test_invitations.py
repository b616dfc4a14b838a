"""Invitations: one use, one week, one address, and nothing of the secret in the database."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from pollweb.accounts.models import Invitation, Membership, User
from tests.accounts.conftest import Cast
from tests.factories import UserFactory

LINK = re.compile(r"/invitations/[0-9A-Za-z_-]{22}")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def invite(cast: Cast, email: str = "", role: str = "member", by: User | None = None) -> str:
    """The path of a new invitation's link."""
    answer = signed_in(by or cast.alice).post("/t/bees/members/invite", {"email": email, "role": role})
    assert answer.status_code == 200, answer.content
    return LINK.search(answer.content.decode()).group()


@pytest.fixture
def dora(db) -> User:
    return UserFactory.create(username="dora", email="dora@example.com")


def test_an_invitation_by_mail_brings_its_reader_into_the_team(cast: Cast, dora: User):
    path = invite(cast, "Dora@example.com", "admin")
    assert mail.outbox[-1].to == ["Dora@example.com"]
    assert path in mail.outbox[-1].body
    assert "Bees" in mail.outbox[-1].subject
    client = signed_in(dora)
    assert b"Bees" in client.get(path).content
    assert client.post(path).status_code == 302
    assert Membership.objects.get(team=cast.bees, user=dora).role == "admin"


def test_a_reader_who_chose_chinese_gets_it_in_chinese(cast: Cast, dora: User):
    User.objects.filter(pk=dora.pk).update(settings={"language": "zh-hans"})
    invite(cast, "dora@example.com")
    assert "邀请" in mail.outbox[-1].subject


def test_it_works_once(cast: Cast, dora: User):
    path = invite(cast)
    assert signed_in(dora).post(path).status_code == 302
    assert signed_in(UserFactory.create()).post(path).status_code == 404


def test_it_works_for_its_address_only(cast: Cast, dora: User):
    path = invite(cast, "somebody@example.com")
    assert signed_in(dora).post(path).status_code == 403
    assert not Membership.objects.filter(user=dora, team=cast.bees).exists()
    assert Invitation.objects.open().count() == 1


def test_it_is_over_after_a_week(cast: Cast, dora: User):
    path = invite(cast)
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1), tick=False):
        assert signed_in(dora).post(path).status_code == 404
    assert not Membership.objects.filter(user=dora, team=cast.bees).exists()


def test_a_withdrawn_one_opens_nothing(cast: Cast, dora: User):
    path = invite(cast)
    pk = Invitation.objects.get().pk
    signed_in(cast.adam).post(f"/t/bees/invitations/{pk}/withdraw")
    assert signed_in(dora).post(path).status_code == 404


def test_sending_again_makes_the_link_before_worthless(cast: Cast, dora: User):
    first = invite(cast, "dora@example.com")
    answer = signed_in(cast.alice).post(f"/t/bees/invitations/{Invitation.objects.get().pk}/resend")
    second = LINK.search(answer.content.decode()).group()
    assert first != second
    assert second in mail.outbox[-1].body
    assert signed_in(dora).post(first).status_code == 404
    assert signed_in(dora).post(second).status_code == 302


def test_an_address_has_one_open_invitation(cast: Cast):
    invite(cast, "dora@example.com", "admin")
    invite(cast, "dora@example.com", "viewer")
    assert [each.role for each in Invitation.objects.open()] == ["viewer"]


def test_a_member_neither_uses_it_up_nor_changes_roles_by_it(cast: Cast):
    path = invite(cast, role="admin")
    assert signed_in(cast.vera).post(path).status_code == 409
    assert Membership.objects.get(team=cast.bees, user=cast.vera).role == "viewer"
    assert Invitation.objects.open().count() == 1


def test_an_admin_invites_no_owners(cast: Cast):
    answer = signed_in(cast.adam).post("/t/bees/members/invite", {"email": "x@example.com", "role": "owner"})
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_it_opens_no_deleted_team(cast: Cast, dora: User):
    path = invite(cast)
    signed_in(cast.alice).post("/t/bees/settings/delete", {"typed": "Bees"})
    assert signed_in(dora).post(path).status_code == 404


def test_whoever_is_not_signed_in_sees_what_it_is_and_signs_in_first(cast: Cast):
    path = invite(cast, "dora@example.com")
    page = Client().get(path)
    assert page.status_code == 200
    assert b"d\xe2\x80\xa6@example.com" in page.content
    assert b"dora@" not in page.content
    answer = Client().post(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={path}")


def test_the_secret_is_in_no_table(cast: Cast):
    secret = invite(cast, "dora@example.com").rpartition("/")[2]
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            assert not any(secret in str(value) for row in cursor.fetchall() for value in row), table


def test_nonsense_is_not_found(cast: Cast):
    for secret in ("x", "0" * 22, "%00", "a" * 5000):
        assert Client().get(f"/invitations/{secret}").status_code == 404


def test_a_mail_server_that_is_away_is_said_and_the_link_still_shown(cast: Cast, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    answer = signed_in(cast.alice).post("/t/bees/members/invite", {"email": "x@example.com", "role": "member"})
    assert answer.status_code == 200
    assert b"could not be sent" in answer.content
    assert LINK.search(answer.content.decode())


def test_guessing_links_ends_after_ten_tries_in_a_minute_and_the_right_one_still_opens(cast: Cast, dora: User):
    link = invite(cast)
    guesses = [signed_in(dora).get(f"/invitations/{'x' * 21}{n % 10}") for n in range(12)]
    assert [answer.status_code for answer in guesses] == [404] * 10 + [429] * 2
    assert int(guesses[-1]["Retry-After"]) > 0
    assert signed_in(dora).get(link).status_code == 200
