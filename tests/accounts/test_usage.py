"""Counting: every request once, and every total the sum of its parts."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pollweb.accounts import tallies, tokens, usage
from pollweb.accounts.models import Team, UsageDay, UsageHour
from pollweb.accounts.models.usage import COUNTS
from pollweb.accounts.usage import Counts, Key

pytestmark = pytest.mark.django_db


@pytest.fixture
def bees(db: None) -> Team:
    return Team.objects.create(name="Bees")


@pytest.fixture(autouse=True)
def nothing_noted() -> Iterator[None]:
    tallies.forget()
    yield
    tallies.forget()


def test_it_adds_to_the_same_hour_and_day(bees: Team) -> None:
    key = Key("text", "openai", bees.pk)
    usage.count(key, Counts(succeeded=1, prompt_tokens=10, seconds=0.5, cost=7))
    usage.count(key, Counts(failed=1))
    hour, day = UsageHour.objects.get(), UsageDay.objects.get()
    for row in (hour, day):
        assert (row.team, row.succeeded, row.failed, row.prompt_tokens) == (bees, 1, 1, 10)
        assert (row.seconds, row.cost) == (0.5, 7)


def test_the_days_are_the_sums_of_their_hours_and_each_part_is_counted_apart(bees: Team) -> None:
    token = tokens.create(bees).token
    noon = timezone.now().replace(hour=12)
    for hour in (0, 11, 23):
        for key in (Key("text", "openai", bees.pk, token.pk), Key("image", "flux", bees.pk, referrer="a.example")):
            usage.count(key, Counts(succeeded=hour, images=1, audio_seconds=0.25), at=noon.replace(hour=hour))
    assert (UsageHour.objects.count(), UsageDay.objects.count()) == (6, 2)
    assert UsageHour.objects.of_team(bees).sums() == UsageDay.objects.of_team(bees).sums()
    assert UsageHour.objects.filter(token=token).sums()["succeeded"] == 34


def test_a_token_that_is_gone_meanwhile_does_not_stop_the_counting(bees: Team) -> None:
    usage.count(Key("text", "openai", bees.pk, token_id=4711), Counts(succeeded=1))
    assert UsageHour.objects.get().token is None


def test_many_rows_are_two_statements_however_many_there_are(bees: Team) -> None:
    hour = usage.hour_of(timezone.now())
    with CaptureQueriesContext(connection) as queries:
        usage.count_all({(Key("text", f"model{n}", bees.pk), hour): Counts(succeeded=1) for n in range(20)})
    inserts = [query for query in queries if "INSERT" in query["sql"]]
    assert len(inserts) == 2
    assert UsageHour.objects.count() == 20


def test_a_cached_answer_is_counted_without_a_query_and_written_later(
    bees: Team, django_assert_num_queries: object
) -> None:
    key = Key("image", "flux", bees.pk)
    with django_assert_num_queries(0):  # type: ignore[operator]
        for _ in range(3):
            tallies.note(key, Counts(cached=1))
    assert tallies.write() == 1
    assert UsageHour.objects.get().cached == 3
    assert tallies.write() == 0


def test_notes_that_cannot_be_written_are_kept(bees: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away(counted: object) -> None:
        tallies.note(key, Counts(cached=1))  # somebody notes meanwhile
        raise OperationalError("away")

    key = Key("image", "flux", bees.pk)
    tallies.note(key, Counts(cached=2))
    with monkeypatch.context() as patched:
        patched.setattr(usage, "count_all", away)
        with pytest.raises(OperationalError):
            tallies.write()
    tallies.write()
    assert UsageHour.objects.get().cached == 3


def test_notes_are_bounded(bees: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST", 2)
    for n in range(5):
        tallies.note(Key("image", f"model{n}", bees.pk), Counts(cached=1))
    assert tallies.write() == 2


def test_every_count_has_a_place() -> None:
    assert set(COUNTS) <= {field.name for field in UsageHour._meta.get_fields()}
