"""/status, /status.json and /status.atom."""

import html
from xml.etree import ElementTree

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from generation import wellbeing
from generation.models import WellbeingHour


@pytest.fixture
def looked(db, script):
    wellbeing.here("worker")
    WellbeingHour.objects.create(
        hour=timezone.now().replace(minute=0, second=0, microsecond=0), part="text", looks=59, away=12
    )
    return wellbeing.look()


def test_it_says_in_a_sentence_how_everything_is(client, looked):
    page = html.unescape(client.get("/status").content.decode())
    assert "Everything works." in page
    for name in ("Pictures", "Text and chat", "Speech", "Queue", "Live feed", "Storage", "Workers"):
        assert f"<h2>{name}</h2>" in page
    assert "12 minutes of trouble" in page


def test_it_says_when_nobody_has_looked(client, db):
    page = client.get("/status").content.decode()
    assert "Nobody has looked for some minutes" in page
    assert client.get("/status.json").json() == {"status": "unknown", "at": None, "incidents": []}


def test_it_needs_no_database(client, looked, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", away)
        assert "Everything works." in client.get("/status").content.decode()
        assert client.get("/status.json").json()["status"] == "ok"


def test_programs_read_the_same(client, looked):
    told = client.get("/status.json").json()
    assert told["status"] == "ok"
    assert told["models"]["flux"] == "ok"
    assert told["queue"] == {"length": 0, "oldest": 0.0}
    assert "storage" not in told  # how full the disk is is the operator's business


def test_the_feed_tells_of_the_days_with_trouble(client, looked):
    answer = client.get("/status.atom")
    assert answer["Content-Type"].startswith("application/atom+xml")
    root = ElementTree.fromstring(answer.content)
    [entry] = root.findall("{http://www.w3.org/2005/Atom}entry")
    assert entry.find("{http://www.w3.org/2005/Atom}title").text == "Text and chat: 12 minutes of trouble"
