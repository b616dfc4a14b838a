"""Usage for programs: a token sees itself, with usage.read its team, and never another's."""

from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from pollweb.accounts import identity, usage
from pollweb.accounts.models import Team, Token
from pollweb.accounts.usage import Counts, Key
from tests.factories import token_of
from tests.generation.api.conftest import client  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def secrets(transactional_db: None) -> dict[str, str]:
    """A token that reads its own usage, one that reads the team's, and a stranger's; all were used."""
    identity.forget()
    bees, wasps = Team.objects.create(name="Bees"), Team.objects.create(name="Wasps")
    made = {
        "own": token_of(bees, name="own", scopes=["images"]),
        "all": token_of(bees, name="all", scopes=["images", "usage.read"]),
        "other": token_of(wasps, name="other", scopes=["usage.read"]),
    }
    for token in Token.objects.all():
        usage.count(Key("image", "flux", token.team_id, token.pk), Counts(succeeded=2, images=2, cost=1_500_000))
        usage.count(Key("text", "openai", token.team_id, token.pk), Counts(failed=1))
    return made


async def ask(client: httpx.AsyncClient, secret: str, **query: Any) -> httpx.Response:  # noqa: F811
    return await client.get("/v1/usage", params=query, headers={"Authorization": f"Bearer {secret}"} if secret else {})


async def test_a_token_reads_its_own_usage(client: httpx.AsyncClient, secrets: dict[str, str]) -> None:  # noqa: F811
    answer = await ask(client, secrets["own"])
    told = answer.json()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert (told["of"], told["totals"]["requests"], told["totals"]["cost"]) == ("token", 3, 1.5)
    other = await sync_to_async(lambda: Token.objects.get(name="all").pk)()
    assert (await ask(client, secrets["own"], token=other)).json()["totals"]["requests"] == 3


async def test_with_the_scope_it_reads_its_teams_and_no_other(
    client: httpx.AsyncClient,  # noqa: F811
    secrets: dict[str, str],
) -> None:
    told = (await ask(client, secrets["all"], group="token", range="24h")).json()
    assert (told["of"], told["team"], told["step"]) == ("team", "bees", "hour")
    assert {row["token"]: row["requests"] for row in told["data"]} == {"own": 3, "all": 3}
    for count in ("requests", "images", "failed", "cost"):
        assert sum(row[count] for row in told["data"]) == told["totals"][count]
        assert sum(row[count] for row in told["series"]) == told["totals"][count]


async def test_nobody_reads_it_without_a_token(client: httpx.AsyncClient, secrets: dict[str, str]) -> None:  # noqa: F811
    answer = await ask(client, "")
    assert answer.status_code == 403
    assert "usage.read" in answer.text


@pytest.mark.parametrize(
    "query",
    [{"group": "colour"}, {"range": "year"}, {"kind": "x"}, {"from": "yesterday"}, {"from": "2026-01-01", "to": "x"}],
)
async def test_what_it_does_not_understand_it_says(
    client: httpx.AsyncClient,  # noqa: F811
    secrets: dict[str, str],
    query: dict[str, str],
) -> None:
    answer = await ask(client, secrets["all"], **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")
