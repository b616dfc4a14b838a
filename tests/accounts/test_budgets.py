"""Monthly budgets: the most that a request may cost is held before it is made, what it did cost is counted after."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from pollweb.accounts import allowances, quota, usage
from pollweb.accounts.errors import BudgetExceeded
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import AuditEvent, Team, Token
from pollweb.config import Price
from pollweb.lib import redis
from tests.accounts.conftest import Cast, call_the_cast

pytestmark = pytest.mark.django_db(transaction=True)

UNIT = 1_000_000


@pytest.fixture(autouse=True)
def clean() -> Any:
    quota._untold.clear()
    yield
    quota._untold.clear()


@pytest.fixture
def team() -> Cast:
    """bees may spend 10.00 a month, their token `nightly` 4.00 of it."""
    cast = call_the_cast()
    Team.objects.filter(pk=cast.bees.pk).update(monthly_budget=10 * UNIT)
    Token.objects.create(team=cast.bees, name="nightly", digest="a" * 64, last_four="aaaa", monthly_budget=4 * UNIT)
    return cast


def caller(cast: Cast, *, own: bool = False) -> Principal:
    """The token `nightly`, or a member on the site."""
    token = Token.objects.get() if own else None
    return Principal(
        key=f"team:{cast.bees.pk}",
        team_id=cast.bees.pk,
        token_id=token.pk if token else None,
        own_budget=token.monthly_budget if token else None,
        team_budget=10 * UNIT,
    )


def hold(principal: Principal, cost: int) -> quota.Hold:
    held = quota.reserve_sync(principal, str(uuid.uuid4()), cost=cost, patience=60)
    assert held is not None
    return held


def spend(principal: Principal, cost: int, *, held: int | None = None) -> None:
    hold_ = hold(principal, cost if held is None else held)
    usage.count(principal.usage_key("image", "flux"), usage.Counts(succeeded=1, cost=cost))
    quota.settle(hold_, cost)


def test_a_token_s_budget_ends_before_the_team_s_and_says_when_it_resets(team: Cast):
    spend(caller(team, own=True), 3 * UNIT)
    with pytest.raises(BudgetExceeded) as caught:
        hold(caller(team, own=True), 2 * UNIT)
    assert (caught.value.status, caught.value.code) == (429, "budget_exceeded")
    said = caught.value.message
    assert "of this token does not reach: USD 3.00 of USD 4.00 are spent" in said
    assert "may cost USD 2.00" in said
    assert f"It resets on {quota.renewal():%Y-%m-%d} at 00:00 UTC." in said
    assert 0 < caught.value.retry_after <= 31 * 86400
    spend(caller(team), 6 * UNIT)
    with pytest.raises(BudgetExceeded, match=r"of this team does not reach: USD 9\.00 of USD 10\.00"):
        hold(caller(team), 2 * UNIT)
    spend(caller(team, own=True), 1 * UNIT)  # the last of both


def test_what_is_held_is_the_most_and_what_is_counted_is_what_it_cost(team: Cast):
    spend(caller(team), 1 * UNIT, held=9 * UNIT)
    hold(caller(team), 9 * UNIT)
    with pytest.raises(BudgetExceeded):
        hold(caller(team), 1)


def test_what_failed_is_given_back(team: Cast):
    held = hold(caller(team), 10 * UNIT)
    quota.release(held)
    quota.release(held)
    hold(caller(team), 10 * UNIT)


def test_what_costs_nothing_is_made_with_an_empty_purse(team: Cast):
    spend(caller(team), 10 * UNIT)
    spend(caller(team), 0)


def test_many_at_once_never_spend_more_than_there_is(team: Cast):
    def one(number: int) -> int:
        from django.db import connection

        try:
            spend(caller(team), 300_000, held=700_000)
        except BudgetExceeded:
            return 0
        finally:
            connection.close()
        return 1

    with ThreadPoolExecutor(8) as threads:
        made = sum(threads.map(one, range(60)))
    assert quota.used(team.bees.pk) == quota.Used(made, made * 300_000)
    # Each waited for the most it could cost, so the last ones stopped short of the end and none went beyond it.
    assert 10 * UNIT - 700_000 * 8 <= made * 300_000 <= 10 * UNIT


def test_an_emptied_redis_is_filled_from_the_ledger(team: Cast):
    spend(caller(team, own=True), 3 * UNIT)
    redis.sync_client().delete(*hold(caller(team, own=True), 1).keys)
    with pytest.raises(BudgetExceeded, match="of this token"):
        hold(caller(team, own=True), 2 * UNIT)


def test_without_redis_the_ledger_decides(team: Cast, settings: Any):
    spend(caller(team, own=True), 3 * UNIT)
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    with pytest.raises(BudgetExceeded, match="of this token"):
        hold(caller(team, own=True), 2 * UNIT)
    hold(caller(team, own=True), 1 * UNIT)


# --- mails ------------------------------------------------------------------------------------------------------------


def told() -> list[tuple[str, str]]:
    """(reader's name, subject) of the mails since the last look."""
    found = sorted((message.to[0].partition("@")[0], message.subject) for message in mail.outbox)
    mail.outbox.clear()
    return found


def watch() -> None:
    redis.sync_client().delete(redis.key("allowances", "lease"))
    allowances.watch()


def test_owners_and_admins_are_written_to_at_80_and_at_100_per_cent_once(team: Cast):
    spend(caller(team), 7 * UNIT)
    watch()
    assert told() == []
    spend(caller(team), 1 * UNIT)
    watch()
    body = mail.outbox[0].body
    near = "Budget of this month: the team Bees has used 80 % of it"
    assert told() == [("adam", near), ("alice", near)]
    assert "has used USD 8.00 of USD 10.00" in body
    assert "/t/bees/usage" in body
    watch()
    assert told() == []
    spend(caller(team), 2 * UNIT)
    watch()
    gone = "Budget of this month: the team Bees has used it up"
    assert told() == [("adam", gone), ("alice", gone)]
    watch()
    assert told() == []
    assert AuditEvent.objects.filter(action="limit.reached").count() == 2


def test_a_refusal_is_the_end_too(team: Cast):
    """6 of 10 are spent, and the next one costs 6: nobody would ever get to 100 %."""
    spend(caller(team), 6 * UNIT)
    with pytest.raises(BudgetExceeded):
        hold(caller(team), 6 * UNIT)
    watch()
    assert {subject for _, subject in told()} == {"Budget of this month: the team Bees has used it up"}
    Team.objects.filter(pk=team.bees.pk).update(monthly_budget=20 * UNIT)  # a new limit is a new matter
    watch()
    assert told() == []


def test_a_token_s_own_limits_are_watched_too(team: Cast):
    Token.objects.update(monthly_quota=1)
    spend(caller(team, own=True), 4 * UNIT)
    watch()
    assert {subject for _, subject in told()} == {
        "Budget of this month: the token “nightly” has used it up",
        "Quota of this month: the token “nightly” has used it up",
    }


# --- pages and API ----------------------------------------------------------------------------------------------------


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    card = settings.DESIGN.models.image["flux"].model_copy(update={"price": Price(image=0.5)})
    monkeypatch.setitem(settings.DESIGN.models.image, "flux", card)


def test_the_pages_show_what_of_it_is_gone(team: Cast, client: Client, priced: None):
    client.force_login(team.alice)
    spend(caller(team, own=True), 1_250_000)
    for path, words in (
        ("overview", "USD 1.25 of USD 10.00"),
        ("usage", "USD 1.25 of USD 10.00"),
        (f"tokens/{Token.objects.get().pk}", "USD 1.25 of USD 4.00"),
        ("tokens", "USD 4.00 a month"),
    ):
        assert words in client.get(f"/t/bees/{path}").content.decode(), path


def test_a_token_s_budget_is_set_in_its_form(team: Cast, client: Client, priced: None):
    client.force_login(team.alice)
    token = Token.objects.get()
    form = {"name": "nightly", "scopes": ["images"], "monthly_budget": "12.5"}
    assert client.post(f"/t/bees/tokens/{token.pk}", form).status_code == 302
    token.refresh_from_db()
    assert token.monthly_budget == 12_500_000
    assert 'value="12.5"' in client.get(f"/t/bees/tokens/{token.pk}").content.decode()
    for wrong in ("-1", "0", "1e400", "NaN", "x", "9" * 20):
        assert client.post(f"/t/bees/tokens/{token.pk}", {**form, "monthly_budget": wrong}).status_code == 422
    token.refresh_from_db()
    assert token.monthly_budget == 12_500_000


def test_a_team_s_budget_is_set_in_its_settings_and_the_audit_log_says_so(team: Cast, client: Client):
    client.force_login(team.alice)
    form = {"name": "Bees", "slug": "bees", "visibility": "private", "prompt_days": "90", "monthly_budget": "25"}
    assert client.post("/t/bees/settings", form).status_code == 302
    team.bees.refresh_from_db()
    assert team.bees.monthly_budget == 25 * UNIT
    event = AuditEvent.objects.get(action="settings.changed")
    assert event.detail["monthly_budget"] == "USD 10.00 → USD 25.00"


def test_where_nothing_costs_anything_nobody_is_asked_for_a_budget(client: Client):
    cast = call_the_cast()
    client.force_login(cast.alice)
    for path in ("settings", "tokens/new"):
        assert "monthly_budget" not in client.get(f"/t/bees/{path}").content.decode()
