"""C34: of fifty tokens, made and used in every way, none is found in clear in what is kept, logged or shown."""

import io
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import serializers
from django.core.management import call_command
from django.db import connection
from django.test import Client

from generation.models import Generation
from pollweb.accounts import domains, identity, sightings, tokens, webhooks
from pollweb.accounts.errors import InvalidReferrer
from pollweb.accounts.models import Membership, Team, Token
from pollweb.accounts.tokens import Actor
from pollweb.lib import redis
from pollweb.lib.log import JsonLines
from tests.factories import UserFactory
from tests.generation.api.conftest import client  # noqa: F401


def database() -> str:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        said = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            said.append(str(cursor.fetchall()))
    return "\n".join(said)


def redis_dump() -> str:
    """Every key of ours with its value, whatever it is."""
    store, said = redis.sync_client(), []
    for key in store.scan_iter(f"{settings.REDIS_PREFIX}*", count=1000):
        read = {
            b"string": store.get,
            b"hash": store.hgetall,
            b"list": lambda name: store.lrange(name, 0, -1),
            b"set": store.smembers,
            b"zset": lambda name: store.zrange(name, 0, -1, withscores=True),
            b"stream": lambda name: store.xrange(name),
        }[store.type(key)]
        said.append(f"{key!r} {read(key)!r}")
    return "\n".join(said)


def shown(user: Any, team: Team, pks: list[int]) -> str:
    """Every page of the team that could tell one, and the last hundred requests' own."""
    browser = Client()
    browser.force_login(user)
    requests = Generation.objects.used_by(team).newest_first().values_list("public_id", flat=True)[:100]
    paths = [
        *("overview", "library", "library?view=table", "usage", "usage?split=token", "requests", "audit", "members"),
        *("settings", "webhooks", "referrers", "tokens", "tokens?state=active", "tokens/new", "audit.csv"),
        *(f"tokens/{pk}" for pk in pks[:5]),
        *(f"webhooks/{pk}" for pk in team.webhooks.values_list("pk", flat=True)),
        *(f"requests/{public_id}" for public_id in requests),
    ]
    said = []
    for path in paths:
        answer = browser.get(f"/t/{team.slug}/{path}")
        assert answer.status_code == 200, path
        said.append(b"".join(answer).decode())
    assert requests
    return "\n".join(said)


async def test_no_token_is_found_in_clear(client, transactional_db):  # noqa: F811
    identity.forget()
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    try:
        secrets, webhook, team, user = await sync_to_async(_make)()
        for number, secret in enumerate(secrets):
            bearer = {"Authorization": f"Bearer {secret}"}
            match number % 7:
                case 0:
                    await client.get(f"/prompt/bees-{number}?width=64&height=64", headers=bearer)
                case 1:
                    await client.get(f"/text/hello-{number}?token={secret}&seed=7")
                case 2:
                    body = {
                        "messages": [{"role": "user", "content": f"hi {number}"}],
                        "token": secret,
                        "user": secret[:3],
                    }
                    await client.post("/openai", json=body)
                case 3:
                    await client.get(f"/auth/api/validate-token/{secret}")
                case 4:
                    await client.get(
                        f"/prompt/x-{number}?width=0&token={secret}", headers={"Referer": f"https://a.test/?t={secret}"}
                    )
                case 5:
                    await client.get(
                        f"/text/ref-{number}?referrer={secret}", headers={**bearer, "User-Agent": f"x {secret}"}
                    )
                case 6:
                    await client.get(f"/image/nothing?token={secret}", headers=bearer)
        await sightings.settle()
        await sync_to_async(_look)(secrets, webhook, team, user, lines)
    finally:
        logging.getLogger().removeHandler(handler)


def _make() -> tuple[list[str], list[str], Team, Any]:
    team, user = Team.objects.create(name="Bees", tier="nectar"), UserFactory.create(username="alice")
    Membership.objects.create(team=team, user=user, role="owner")
    secrets = [tokens.create(team, f"token {number}").secret for number in range(45)]
    rotated = tokens.rotate(Token.objects.order_by("pk")[0], timedelta(hours=1))
    tokens.revoke(Token.objects.order_by("pk")[1], "lost")
    webhook, first = webhooks.create(team, "https://hooks.example.com/x", ["generation.done"], by=Actor(user))
    second = webhooks.rotate(webhook, by=Actor(user))
    out = io.StringIO()
    for _ in range(4):
        call_command("createtoken", team="Bees", stdout=out, stderr=io.StringIO())
    return [*secrets, rotated.secret, *out.getvalue().split()], [first, second], team, user


def _look(secrets: list[str], webhook: list[str], team: Team, user: Any, lines: io.StringIO) -> None:
    assert len(set(secrets)) == 50
    assert Token.objects.filter(last_used_at__isnull=False).count() > 30  # they were really used
    dump, kept, log = database(), redis_dump(), lines.getvalue()
    pages = shown(user, team, list(Token.objects.values_list("pk", flat=True)))
    assert team.name in dump
    assert "pollweb.access" in log
    assert "token 3" in pages
    every = {"database": dump, "redis": kept, "log": log, "pages": pages}
    every["rows"] = serializers.serialize("json", Token.objects.all())
    for place, text in every.items():
        found = [secret for secret in secrets if secret in text or secret[3:33] in text]
        assert not found, f"{len(found)} tokens stand in the {place}"
        assert not [secret for secret in webhook if secret.removeprefix("whsec_") in text], place
        assert not [each for each in re.findall(r"pw_[0-9A-Za-z]{36}", text) if tokens.is_well_formed(each)], place
    print(
        f"50 tokens: database {len(dump)}, redis {len(kept)}, log {len(log)}, pages {len(pages)} characters, none found"
    )


def test_a_token_in_the_referrers_place_is_no_referrer():
    assert domains.named(tokens.new_secret()) is None
    assert domains.named(f"https://a.test/?token={tokens.new_secret()}") is None
    with pytest.raises(InvalidReferrer, match="It is a secret"):
        domains.claimed(tokens.new_secret())
