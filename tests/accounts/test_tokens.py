import io

import pytest
from django.core.management import call_command

from pollweb.accounts import identity, tokens
from pollweb.accounts.models import Team, Token


@pytest.fixture(autouse=True)
def _nothing_remembered():
    identity.forget()


def test_a_token_has_the_form_that_leak_scanners_look_for(db):
    new = tokens.create(Team.objects.create(name="alice"))
    assert tokens.is_well_formed(new.secret)
    assert not tokens.is_well_formed(new.secret[:-1] + ("a" if new.secret[-1] != "a" else "b"))


def test_only_its_digest_is_kept(db):
    new = tokens.create(Team.objects.create(name="alice"))
    row = Token.objects.values().get()
    assert new.secret not in str(row)
    assert row["last_four"] == new.secret[-4:]


async def test_a_token_is_its_team(transactional_db):
    from asgiref.sync import sync_to_async

    team = await sync_to_async(Team.objects.create)(name="alice", tier="nectar")
    new = await sync_to_async(tokens.create)(team)
    principal = await identity.by_token(new.secret)
    assert (principal.key, principal.tier, principal.visibility) == (f"team:{team.pk}", "nectar", "private")


async def test_an_unknown_or_revoked_token_is_nobodys(transactional_db):
    from asgiref.sync import sync_to_async
    from django.utils import timezone

    team = await sync_to_async(Team.objects.create)(name="alice")
    new = await sync_to_async(tokens.create)(team)
    await sync_to_async(Token.objects.update)(revoked_at=timezone.now())
    assert await identity.by_token(new.secret) is None
    assert await identity.by_token("pw_" + "0" * 36) is None
    assert await identity.by_token("dummy") is None


def test_createtoken_prints_the_token_alone_on_stdout(db):
    out, err = io.StringIO(), io.StringIO()
    call_command("createtoken", team="alice", tier="nectar", stdout=out, stderr=err)
    secret = out.getvalue()
    assert tokens.is_well_formed(secret.strip())
    assert secret.count("\n") == 1
    assert secret.strip() not in err.getvalue()
    assert Team.objects.get().tier == "nectar"
