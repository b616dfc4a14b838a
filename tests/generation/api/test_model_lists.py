"""What the lists of models tell: to everybody the same, to a token what it and its team may use."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from pollweb.accounts import identity, tokens
from pollweb.accounts.models import Team
from tests.generation.api.conftest import client  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = ("/image/models", "/image/about", "/text/models", "/openai/models", "/v1/models")


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    identity.forget()


async def names(client: Any, path: str, headers: dict[str, str] | None = None) -> set[str]:  # noqa: F811
    answer = await client.get(path, headers=headers or {})
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["cache-control"]
    body = answer.json()
    rows = body["data"] if isinstance(body, dict) else body
    return {row if isinstance(row, str) else row.get("id") or row["name"] for row in rows}


@sync_to_async
def token_of(tier: str, *, team: list[str] | None = None, own: list[str] | None = None) -> dict[str, str]:
    bees = Team.objects.create(name="Bees", tier=tier, allowed_models=team or [])
    return {"Authorization": f"Bearer {tokens.create(bees, allowed_models=own or []).secret}"}


@pytest.mark.parametrize("path", LISTS)
async def test_a_token_is_told_of_what_it_and_its_team_may_use(client, path):  # noqa: F811
    bearer = await token_of("nectar", team=["flux", "openai", "rare"], own=["flux", "openai", "turbo"])
    everything = await names(client, path)
    assert {"flux", "turbo"} <= everything or {"openai", "openai-large"} <= everything
    assert await names(client, path, bearer) == everything & {"flux", "openai"}
    assert await names(client, path) == everything


async def test_what_needs_a_higher_tier_is_told_to_everybody_but_to_a_token_that_lacks_it(client):  # noqa: F811
    about = {card["name"]: card["tier"] for card in (await client.get("/image/about")).json()}
    assert about["rare"] == "flower"
    assert "rare" not in await names(client, "/image/models", await token_of("seed"))
    assert "rare" in await names(client, "/image/models", await token_of("flower"))
    # SDKs send dummies, which are read as nobody.
    assert "rare" in await names(client, "/image/models", {"Authorization": "Bearer dummy"})


async def test_what_is_listed_can_be_used_and_what_is_not_cannot(client):  # noqa: F811
    bearer = await token_of("seed", own=["flux"])
    assert await names(client, "/image/models", bearer) == {"flux"}
    for name, status in (("flux", 200), ("turbo", 403), ("rare", 403)):
        answer = await client.get(f"/prompt/x?model={name}&width=64&height=64", headers=bearer)
        assert answer.status_code == status
    assert (await client.get("/v1/models/flux", headers=bearer)).status_code == 200
    assert (await client.get("/v1/models/openai", headers=bearer)).status_code == 404


async def test_a_revoked_token_lists_nothing(client):  # noqa: F811
    @sync_to_async
    def revoked() -> str:
        made = tokens.create(Team.objects.create(name="Bees"))
        tokens.revoke(made.token)
        return made.secret

    answer = await client.get("/v1/models", headers={"Authorization": f"Bearer {await revoked()}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_revoked")
