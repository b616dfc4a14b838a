"""The operator's page of providers."""

import time
from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from generation import drains, faults, probing, tasks, upstreams, wellbeing
from generation.breaker import Circuit
from generation.models import Drain
from pollweb.accounts.models import AuditEvent
from pollweb.lib import redis
from tests.factories import UserFactory
from tests.gallery.conftest import make

__all__ = ["make"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(client):
    operator = UserFactory.create(is_staff=True, username="charlie")
    client.force_login(operator)
    return operator


def act(client, deed, provider="scripted", **said):
    return client.post("/staff/upstreams/act", {"provider": provider, "deed": deed, **said})


def told() -> list[str]:
    """What all processes are told is drained."""
    return orjson.loads(redis.sync_client().get(redis.key("drained")) or b"[]")


def one(name="scripted") -> upstreams.Upstream:
    return next(each for each in upstreams.look() if each.name == name)


def test_it_is_there_for_operators_only(client):
    assert client.get("/staff/upstreams").status_code == 302
    client.force_login(UserFactory.create())
    assert client.get("/staff/upstreams").status_code == 404
    assert act(client, "drain").status_code == 404
    assert not Drain.objects.exists()


def test_each_provider_is_there_with_its_models_and_their_places(client, operator, settings):
    said = client.get("/staff/upstreams").content.decode()
    for name in settings.DESIGN.providers:
        assert f'id="upstream-{name}"' in said
    assert all(1 <= served.place <= served.places for served in one().serves)
    assert {served.source for served in one().serves} == {
        source for source, _kind in probing.sources() if source.provider == "scripted"
    }


def test_a_provider_is_drained_and_given_work_again(client, operator):
    act(client, "drain", reason="a new <b>disk</b>")
    assert told() == ["scripted"]
    assert one().state == "drained"
    assert "a new &lt;b&gt;disk" in client.get("/staff/upstreams").content.decode()
    assert "Somebody else was quicker" in client.get(act(client, "drain").url).content.decode()
    act(client, "undrain")
    assert told() == []
    assert not Drain.objects.exists()
    deeds = AuditEvent.objects.filter(target="scripted", actor=operator).order_by("pk")
    assert [(each.action, each.detail) for each in deeds] == [
        ("upstream.drained", {"reason": "a new <b>disk</b>"}),
        ("upstream.undrained", {}),
    ]


def test_it_survives_an_emptied_redis(client, operator):
    act(client, "drain")
    redis.sync_client().delete(redis.key("drained"))
    drains.tell()  # as the leading worker does
    assert told() == ["scripted"]


def test_a_drained_provider_does_not_count_as_one_that_works(client, operator):
    act(client, "drain")
    wellbeing.here("worker")
    seen = wellbeing.look()
    assert {seen["models"][served.model] for served in one().serves if served.places == 1} == {wellbeing.AWAY}


def test_its_breakers_are_those_of_all_processes(client, operator):
    source = one().serves[0].source
    circuit = Circuit()
    circuit.record(8, 2, time.time())
    redis.sync_client().set(redis.key("breaker", source), orjson.dumps({**vars(circuit)}))
    assert (one().calls, one().failures, one().share, one().state) == (8, 2, 25, upstreams.READY)
    circuit.record(20, 20, time.time())
    redis.sync_client().set(redis.key("breaker", source), orjson.dumps({**vars(circuit)}))
    assert one().state == upstreams.OPEN
    assert "left alone for a while" in client.get("/staff/upstreams").content.decode()


def test_its_speed_is_that_of_the_last_hour(make):
    ended = timezone.now()
    for seconds in (1, 2, 3, 4, 100):
        make(made_by="scripted/picture", started_at=ended - timedelta(seconds=seconds), finished_at=ended)
    make(made_by="another/picture", started_at=ended - timedelta(seconds=50), finished_at=ended)
    assert (one().made, one().typical) == (5, 3.0)
    assert 4 < one().slow <= 100


def test_nobody_knows_how_it_is_while_redis_is_away(client, operator, monkeypatch):
    def away():
        raise redis.RedisError

    monkeypatch.setattr(redis, "sync_client", away)
    assert one().state == upstreams.UNKNOWN
    assert client.get("/staff/upstreams").status_code == 200


async def test_it_is_probed_and_each_of_its_models_says_how_it_did(script):
    script.failures = 1
    await probing.probe("scripted")
    _fault, probe = faults.last("scripted")
    assert [each["model"] for each in probe["probes"]] == ["picture", "sound", "transcript", "words"]
    assert [bool(each["words"]) for each in probe["probes"]].count(True) == 1


def test_a_worker_is_asked_to_probe(client, operator, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.probe, "apply_async", lambda given, **how: asked.append((*given, how["queue"])))
    act(client, "probe")
    assert asked == [("scripted", "remote")]


@pytest.mark.parametrize("said", [{"provider": "nobody"}, {"deed": "burn"}])
def test_what_is_not_there_is_a_404(client, operator, said):
    assert client.post("/staff/upstreams/act", {"provider": "scripted", "deed": "drain", **said}).status_code == 404
    assert not Drain.objects.exists()
