"""The usage page: what it counts, filters, splits, sorts and exports; and that strangers see none of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.utils import timezone

from pollweb.accounts import charts, reports, tokens, usage
from pollweb.accounts.filters import Filters
from pollweb.accounts.models import Token
from pollweb.accounts.reports import Report
from pollweb.accounts.usage import Counts, Key
from tests.accounts.conftest import Cast

NOW = datetime(2026, 3, 20, 15, 30, tzinfo=UTC)


@pytest.fixture
def counted(cast: Cast) -> Cast:
    """Two tokens and a referrer of the Bees over 40 days; something of the Wasps, which must show nowhere."""
    made = [tokens.create(cast.bees, name).token for name in ("Production", "Staging")]
    Token.objects.filter(pk=made[0].pk).update(created_by=cast.bob)
    rows: dict[Any, Counts] = {}
    now = timezone.now()
    for days in range(40):
        at = usage.hour_of(now - timedelta(days=days))
        rows[Key("text", "openai", cast.bees.pk, made[0].pk), at] = Counts(
            succeeded=3, failed=1, prompt_tokens=10, completion_tokens=20, seconds=1.5, cost=100
        )
        rows[Key("image", "flux", cast.bees.pk, made[1].pk), at] = Counts(succeeded=2, cached=1, images=2, seconds=4)
        rows[Key("image", "turbo", cast.bees.pk, referrer="app.example"), at] = Counts(succeeded=1, images=1)
        rows[Key("text", "secret", cast.wasps.pk), at] = Counts(succeeded=1000)
    usage.count_all(rows)
    return cast


def report(cast: Cast, split: str = "model", **query: str) -> Report:
    return Report(cast.bees, Filters.read(query), split)


@pytest.mark.parametrize("split", ["model", "token", "referrer", "kind", "state"])
@pytest.mark.parametrize("query", [{}, {"range": "24h"}, {"range": "7d", "kind": "image"}, {"state": "failed"}])
def test_the_parts_add_up_to_the_whole(counted: Cast, split: str, query: dict[str, str]) -> None:
    asked = report(counted, split, **query)
    whole = asked.totals
    assert sum(row.sums.requests for row in asked.shares) == whole.requests
    assert sum(sums.requests for sums in asked.series.values()) == whole.requests
    assert sum(sum(values) for _, values in asked.stacks) == whole.requests
    if split != "state":
        assert sum(row.sums.tokens for row in asked.shares) == whole.tokens


@pytest.mark.parametrize("split", ["model", "token", "kind", "state"])
def test_too_many_parts_to_hold_are_asked_for_one_by_one_with_the_same_answers(
    counted: Cast, split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = report(counted, split)
    assert held.parts is not None
    monkeypatch.setattr(reports, "MOST_PARTS", 0)
    asked = report(counted, split)
    assert asked.parts is None
    assert (asked.series, asked.shares, asked.stacks) == (held.series, held.shares, held.stacks)


def test_filters_leave_what_they_name(counted: Cast) -> None:
    assert report(counted).totals.requests == 30 * 8
    assert report(counted, range="7d", kind="image").totals.requests == 7 * 4
    assert report(counted, range="24h", model="flux").totals.requests == 3
    assert report(counted, range="7d", referrer="app.example").totals.images == 7
    production = Token.objects.get(name="Production")
    assert report(counted, range="7d", token=str(production.pk)).totals.requests == 28
    assert report(counted, range="7d", member=str(counted.bob.pk)).totals.requests == 28
    failed = report(counted, range="7d", state="failed").totals
    assert (failed.requests, failed.succeeded, failed.tokens) == (7, 0, 0)


def test_the_time_before_is_compared_with(counted: Cast) -> None:
    assert report(counted).before.requests == 10 * 8
    assert report(counted, range="7d").before.requests == 7 * 8


def test_more_than_five_parts_are_drawn_as_other(cast: Cast) -> None:
    hour = usage.hour_of(timezone.now())
    usage.count_all({(Key("text", f"model{n}", cast.bees.pk), hour): Counts(succeeded=n + 1) for n in range(8)})
    stacks = report(cast).stacks
    assert [label for label, _ in stacks] == ["model7", "model6", "model5", "model4", "model3", "Other"]
    assert sum(stacks[-1][1]) == 1 + 2 + 3


def test_what_the_table_leaves_out_stands_in_its_last_line(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pollweb.accounts.reports.MOST_ROWS", 2)
    hour = usage.hour_of(timezone.now())
    usage.count_all({(Key("text", f"model{n}", cast.bees.pk), hour): Counts(succeeded=n + 1) for n in range(4)})
    assert [(row.label, row.sums.requests) for row in report(cast).shares] == [
        ("model3", 4),
        ("model2", 3),
        ("Other", 3),
    ]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({"range": "24h"}, datetime(2026, 3, 19, 16, tzinfo=UTC), datetime(2026, 3, 20, 16, tzinfo=UTC)),
        ({"range": "7d"}, datetime(2026, 3, 14, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC)),
        ({"range": "month"}, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC)),
        (
            {"from": "2026-01-05", "to": "2026-01-06"},
            datetime(2026, 1, 5, tzinfo=UTC),
            datetime(2026, 1, 7, tzinfo=UTC),
        ),
        (
            {"from": "2026-01-06", "to": "2026-01-05"},
            datetime(2026, 1, 5, tzinfo=UTC),
            datetime(2026, 1, 7, tzinfo=UTC),
        ),
        (
            {"from": "2001-01-01", "to": "2026-01-06"},
            datetime(2025, 1, 6, tzinfo=UTC),
            datetime(2026, 1, 7, tzinfo=UTC),
        ),
        ({"from": "2026-12-01"}, datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC)),
        (
            {"range": "nonsense", "from": "tomorrow"},
            datetime(2026, 2, 19, tzinfo=UTC),
            datetime(2026, 3, 21, tzinfo=UTC),
        ),
    ],
)
def test_a_time_is_whole_hours_or_days_and_never_too_long(
    query: dict[str, str], start: datetime, end: datetime
) -> None:
    period = Filters.read(query).period(NOW)
    assert (period.start, period.end) == (start, end)
    assert period.steps()[-1] + period.step == end


def test_filters_come_back_from_the_address_they_wrote() -> None:
    given = Filters.read({"range": "7d", "kind": "image", "token": "7", "referrer": "a b&c", "state": "failed"})
    from django.http import QueryDict

    assert Filters.read(QueryDict(given.query().removeprefix("?")).dict()) == given
    dates = Filters.read({"from": "2026-01-05", "to": "2026-01-06", "kind": "text"})
    assert Filters.read(QueryDict(dates.query().removeprefix("?")).dict()) == dates
    assert Filters.read({"token": "x" * 99, "kind": "<b>", "member": "-1", "state": "'"}) == Filters()


def test_the_page_takes_at_most_twelve_queries(
    counted: Cast, client: Client, django_assert_max_num_queries: Any
) -> None:
    counted.bees.monthly_quota = 1000
    counted.bees.save()
    client.force_login(counted.vera)
    client.get("/t/bees/usage")  # the first visit writes down which team one is in
    with django_assert_max_num_queries(12):
        page = client.get("/t/bees/usage?split=token&compare=1&sort=-tokens")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'aria-sort="descending"' in text
    assert "240" in text
    assert "Production" in text
    assert "secret" not in text


def test_its_table_is_sorted_by_the_heading_that_was_chosen(counted: Cast, client: Client) -> None:
    client.force_login(counted.vera)
    text = client.get("/t/bees/usage?sort=images").content.decode()
    places = [text.index(f'<th scope="row">{name}') for name in ("openai", "turbo", "flux")]
    assert places == sorted(places)


@pytest.mark.parametrize("path", ["usage", "usage.csv", "usage.json"])
def test_to_a_stranger_it_is_not_there(counted: Cast, client: Client, path: str) -> None:
    client.force_login(counted.charlie)
    assert client.get(f"/t/bees/{path}").status_code == 404
    assert Client().get(f"/t/bees/{path}").status_code == 302


def test_an_empty_team_is_told_how_to_begin_and_a_narrow_filter_how_to_widen(counted: Cast, client: Client) -> None:
    client.force_login(counted.alice)
    assert b"Clear filters" in client.get("/t/bees/usage?model=nothing").content
    client.force_login(counted.charlie)
    from pollweb.accounts.models import UsageDay

    UsageDay.objects.all().delete()
    assert b"No requests in this time" in client.get("/t/wasps/usage").content


async def whole(answer: Any) -> bytes:
    return b"".join([part async for part in answer])


@pytest.mark.django_db(transaction=True)
async def test_files_hold_exactly_what_is_shown(counted: Cast) -> None:
    client = AsyncClient()
    await client.aforce_login(counted.vera)
    answer = await client.get("/t/bees/usage.csv?range=7d&kind=image")
    text = (await whole(answer)).decode()
    head, *lines = text.strip().split("\r\n")
    assert head.startswith("from,to,model,requests,succeeded,failed,cancelled,cached,")
    assert sum(int(line.split(",")[3]) for line in lines) == 28
    assert "attachment" in answer["Content-Disposition"]
    answer = await client.get("/t/bees/usage.json?range=7d&split=token")
    told = json.loads(await whole(answer))
    assert {row["token"] for row in told["rows"]} == {"Production", "Staging", "Without a token"}
    assert sum(row["requests"] for row in told["rows"]) == 56


def test_a_file_holds_no_formula() -> None:
    from pollweb.accounts.views.usage import _csv

    assert _csv(["=1+1", "@x", "openai", 3]) == b"'=1+1,'@x,openai,3\r\n"


@pytest.mark.parametrize(
    ("most", "axis"), [(0, (4, 1)), (3, (4, 1)), (7, (8, 2)), (100, (100, 25)), (1234, (1500, 500))]
)
def test_an_axis_ends_at_a_round_number(most: float, axis: tuple[float, float]) -> None:
    assert charts.ceiling(most) == axis


def test_a_bar_is_as_high_as_its_parts(counted: Cast) -> None:
    asked = report(counted, range="7d")
    chart = charts.stacked(asked.period.steps(), asked.stacks, asked.period.step)
    top = float(chart.lines[0][1])
    for bar in chart.bars:
        assert sum(piece.height for piece in bar.pieces) == pytest.approx(bar.total / top * 100, abs=0.01)
    assert chart.total == asked.totals.requests
