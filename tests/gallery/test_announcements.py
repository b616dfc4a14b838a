"""What the operator tells everybody, on every page and on the status page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pollweb.accounts.models import AuditEvent
from pollweb.gallery.models import Announcement
from tests.factories import UserFactory

AT = "%Y-%m-%dT%H:%M"


@pytest.fixture
def operator(client, db):
    operator = UserFactory.create(is_staff=True)
    client.force_login(operator)
    return operator


@pytest.fixture
def announce(client, operator, django_capture_on_commit_callbacks):
    """`announce(words, …)`: as an operator does it on the page."""

    def announce(words_en="We move house on Sunday.", begins=timedelta(hours=-1), ends=None, **said):
        now = timezone.localtime()
        data = {"words_en": words_en, "begins_at": (now + begins).strftime(AT), **said}
        if ends is not None:
            data["ends_at"] = (now + ends).strftime(AT)
        with django_capture_on_commit_callbacks(execute=True):
            return client.post("/staff/announcements/make", data)

    return announce


def test_an_announcement_is_on_every_page_in_the_readers_language(client, announce):
    assert "We move house" not in client.get("/about").content.decode()
    answer = announce(words_zh="我们周日搬家。")
    assert (answer.status_code, answer["Location"]) == (302, "/staff/announcements")
    for path in ("/", "/about", "/docs", "/status", "/nothing-here"):
        page = client.get(path, HTTP_ACCEPT_LANGUAGE="en").content.decode()
        assert "We move house on Sunday." in page, path
    client.logout()
    page = client.get("/about", HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
    assert "我们周日搬家。" in page
    assert "We move house" not in page


def test_without_chinese_words_the_english_are_shown(client, announce):
    announce()
    assert "We move house" in client.get("/about", HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()


def test_what_is_planned_or_over_is_on_no_page(client, announce):
    announce("Later.", begins=timedelta(hours=1))
    announce("Long ago.", begins=timedelta(hours=-3), ends=timedelta(hours=-1))
    page = client.get("/about").content.decode()
    assert "Later." not in page
    assert "Long ago." not in page


def test_it_appears_and_ends_by_the_clock_without_another_word(client, announce, time_machine):
    announce("Soon.", begins=timedelta(hours=1), ends=timedelta(hours=2))
    begun, seen = timezone.now(), []
    for minutes in (0, 61, 121):
        time_machine.move_to(begun + timedelta(minutes=minutes))
        seen.append("Soon." in client.get("/about").content.decode())
    assert seen == [False, True, False]


def test_an_incident_stands_on_the_status_page_when_it_is_over_too(
    client, announce, django_capture_on_commit_callbacks
):
    announce("Pictures are slow.", is_incident="on")
    assert "not over yet" in client.get("/status").content.decode()
    (told,) = client.get("/status.json").json()["incidents"]
    assert (told["words"], told["ended_at"]) == ("Pictures are slow.", None)
    row = Announcement.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/staff/announcements/{row.pk}/end")
    assert "Pictures are slow." not in client.get("/about").content.decode()
    page = client.get("/status").content.decode()
    assert "Pictures are slow." in page
    assert "not over yet" not in page
    assert client.get("/status.json").json()["incidents"][0]["ended_at"]
    feed = client.get("/status.atom").content.decode()
    assert f"#incident-{row.pk}" in feed


def test_an_operator_ends_one_and_withdraws_another(client, announce, django_capture_on_commit_callbacks):
    announce("Now.")
    announce("Later.", begins=timedelta(days=1))
    now, later = Announcement.objects.get(words_en="Now."), Announcement.objects.get(words_en="Later.")
    with django_capture_on_commit_callbacks(execute=True):
        for each in (now, later):
            assert client.post(f"/staff/announcements/{each.pk}/end").status_code == 302
    assert Announcement.objects.get().state == "over"
    assert "Now." not in client.get("/about").content.decode()
    assert AuditEvent.objects.filter(action="announcement.ended").count() == 2


def test_an_operator_changes_the_words(client, announce, django_capture_on_commit_callbacks):
    announce("A tpyo.")
    row = Announcement.objects.get()
    page = client.get(f"/staff/announcements/{row.pk}").content.decode()
    assert "A tpyo." in page
    with django_capture_on_commit_callbacks(execute=True):
        said = {"words_en": "A typo.", "begins_at": timezone.localtime(row.begins_at).strftime(AT)}
        assert client.post(f"/staff/announcements/{row.pk}", said).status_code == 302
    assert "A typo." in client.get("/about").content.decode()


def test_it_cannot_end_before_it_begins_and_needs_words(client, announce):
    answer = announce(ends=timedelta(hours=-2))
    assert answer.status_code == 422
    assert "It cannot end before it begins." in answer.content.decode()
    assert announce(words_en="").status_code == 422
    assert announce(words_en="x" * 501).status_code == 422
    assert not Announcement.objects.exists()


def test_a_browser_closes_a_notice_but_no_incident(client, announce):
    announce("Read me once.")
    announce("Pictures are slow.", is_incident="on")
    notice = Announcement.objects.get(is_incident=False)
    client.post("/preferences", {"announcement": notice.pk, "next": "/about"})
    page = client.get("/about").content.decode()
    assert "Read me once." not in page
    assert "Pictures are slow." in page
    client.post("/preferences", {"announcement": "1.2; Path=/", "next": "/about"})
    assert client.cookies["pollweb_closed"].value == str(notice.pk)


def test_its_words_are_hostile_text_too(client, announce):
    announce("<script>alert(1)</script>", is_incident="on")
    for path in ("/about", "/status", "/staff/announcements"):
        page = client.get(path).content.decode()
        assert "<script>alert(1)" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path


def test_pages_ask_the_database_once_a_minute(client, announce):
    announce()
    client.logout()
    client.get("/about")
    with CaptureQueriesContext(connection) as asked:
        assert "We move house" in client.get("/about").content.decode()
    assert not [each for each in asked if "announcement" in each["sql"]]


@pytest.mark.parametrize("path", ["", "/make", "/1", "/1/end"])
def test_nobody_but_operators_comes_here(client, db, path):
    client.force_login(UserFactory.create())
    assert client.post(f"/staff/announcements{path}").status_code in (403, 404, 405)
    assert client.get(f"/staff/announcements{path}").status_code in (403, 404, 405)


def test_while_redis_is_away_pages_ask_the_database(client, announce, make, settings):
    announce()
    row = make()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for path in ("/about", f"/p/{row.public_id}", "/models"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "We move house" in answer.content.decode(), path
    for path, status in (("/status", 200), ("/nothing-here", 404)):
        assert client.get(path).status_code == status
