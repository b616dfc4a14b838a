"""The link that makes the first staff account."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.test import Client

from pollweb.accounts import first_staff
from pollweb.accounts.models import AuditEvent, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

WISH = {"email": "olga@example.com", "password": "correct horse battery"}


def link() -> str:
    return f"/account/first/{first_staff.new_secret()}/"


def test_it_makes_the_operator_and_signs_them_in(client):
    address = link()
    assert client.get(address).status_code == 200
    assert not User.objects.filter(is_staff=True).exists(), "opening a link changes nothing"
    assert client.post(address, WISH)["Location"].startswith("/account/welcome/")
    olga = User.objects.get(email=WISH["email"])
    assert (olga.is_staff, olga.is_superuser) == (True, True)
    assert olga.personal_team
    assert "127.0.0.1" in client.get("/account/sessions/").content.decode()
    assert AuditEvent.objects.filter(action="staff.first_made", actor=olga).exists()


def test_with_its_password_the_operator_comes_back(client):
    client.post(link(), WISH)
    again = Client()
    assert again.post("/account/login/", {"login": WISH["email"], "password": WISH["password"]}).status_code == 302
    assert again.get("/account/").status_code == 200


def test_it_works_once(client):
    address = link()
    client.post(address, WISH)
    answer = Client().post(address, {**WISH, "email": "eve@example.com"})
    assert answer.status_code == 404
    assert User.objects.filter(is_staff=True).count() == 1


def test_it_stays_used_when_the_staff_account_goes(client):
    address = link()
    client.post(address, WISH)
    User.objects.all().delete()
    assert Client().get(address).status_code == 404


def test_of_many_who_come_at_once_one_has_it(monkeypatch):
    monkeypatch.setattr(first_staff, "is_needed", lambda: True)  # the threads do not see this test's transaction
    secret = first_staff.new_secret()
    with ThreadPoolExecutor(8) as threads:
        took = list(threads.map(lambda _: first_staff.spend(secret), range(8)))
    assert took.count(True) == 1


def test_it_expires(client, monkeypatch):
    address = link()
    now = first_staff.time.time()
    monkeypatch.setattr(first_staff.time, "time", lambda: now + first_staff.LASTS + 1)
    assert client.get(address).status_code == 404


def test_it_is_worth_nothing_once_there_is_staff(client):
    address = link()
    UserFactory.create(is_staff=True)
    assert client.get(address).status_code == 404
    assert client.post(address, WISH).status_code == 404


def test_a_newer_one_takes_its_place(client):
    old, new = link(), link()
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200


@pytest.mark.parametrize("guess", ["x", "%00", "é" * 40, "a" * 500])
def test_a_guess_opens_nothing(client, guess):
    link()
    assert client.get(f"/account/first/{guess}/").status_code == 404


def test_whoever_is_signed_in_becomes_it_without_another_account(client):
    alice = UserFactory.create()
    client.force_login(alice)
    client.post(link())
    alice.refresh_from_db()
    assert alice.is_staff
    assert User.objects.count() == 1


def test_it_makes_nobody_without_the_forms_token():
    client = Client(enforce_csrf_checks=True)
    assert client.post(link(), WISH).status_code == 403
    assert not User.objects.exists()


def test_its_secret_is_kept_as_a_digest_for_the_owner_alone():
    secret = first_staff.new_secret()
    path = settings.POLLWEB_HOME / "run" / "first_staff.json"
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
