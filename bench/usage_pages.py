"""How long a team's pages take in the database: `python -m bench.usage_pages --rows 1000000 --requests 1000000`.

Fills the database of POLLWEB_DATABASE_URL (an empty one of its own!) with hours and days of usage and with generations,
for 200 teams of which one has a fifth of everything, and opens that team's pages as a member does. For each page it
prints the queries, and the time in the database at the median and the 95th percentile, without the first visit.
"""

import argparse
import math
import os
import random
import statistics
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import batched
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.measure import analyse  # noqa: E402
from generation.models import Generation  # noqa: E402
from generation.requests import ImageRequest, store  # noqa: E402
from pollweb.accounts import tokens, usage  # noqa: E402
from pollweb.accounts.models import Membership, Team, UsageHour, User  # noqa: E402
from pollweb.accounts.usage import Key  # noqa: E402
from pollweb.lib import db, ids  # noqa: E402
from pollweb.lib.paging import cursor  # noqa: E402

TEAMS = 200
DAYS = 30
MODELS = [("image", f"picture-{n}") for n in range(8)] + [("text", f"words-{n}") for n in range(12)]


def keys(team: Team, most: int) -> list[Key]:
    """Up to `most` different keys of a team: models by tokens."""
    made = [tokens.create(team, f"token {n}").token.pk for n in range(-(-most // len(MODELS)))]
    return [Key(kind, model, team.pk, token) for token in made for kind, model in MODELS][:most]


def fill_usage(teams: list[Team], rows: int, days: int) -> None:
    """`rows` hours over so many days, and their days; the first team has a fifth of them. By the database itself."""
    hours = days * 24
    now = usage.hour_of(timezone.now())
    busy = math.ceil(rows / 5 / hours)
    others = math.ceil((rows - busy * hours) / hours / (len(teams) - 1))
    known = [key for place, team in enumerate(teams) for key in keys(team, busy if place == 0 else others)]
    given = (
        "succeeded, failed, cancelled, cached, prompt_tokens, completion_tokens, images, audio_seconds, seconds, cost"
    )
    adapt, adapt_day = connection.ops.adapt_datetimefield_value, connection.ops.adapt_datefield_value
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            db.without_haste(cursor)  # filling takes longer than any page may
        moment = "timestamptz" if connection.vendor == "postgresql" else "text"
        day = "date" if connection.vendor == "postgresql" else "text"
        cursor.execute("CREATE TEMPORARY TABLE k (owner text, kind text, model text, team bigint, token bigint)")
        cursor.execute(f"CREATE TEMPORARY TABLE h (hour {moment}, day {day}, midnight integer)")
        cursor.executemany(
            "INSERT INTO k VALUES (%s, %s, %s, %s, %s)",
            [(key.owner, key.kind, key.model, key.team_id, key.token_id) for key in known],
        )
        moments = [now - timedelta(hours=n) for n in range(hours)]
        cursor.executemany(
            "INSERT INTO h VALUES (%s, %s, %s)",
            [(adapt(at), adapt_day(at.date()), int(at.hour == 0)) for at in moments],
        )
        for table, column, where in (
            ("accounts_usagehour", "hour", "true"),
            ("accounts_usageday", "day", "midnight = 1"),
        ):
            cursor.execute(
                f"""INSERT INTO {table} (owner, kind, model, team_id, token_id, referrer, {column}, {given})
                SELECT owner, kind, model, team, token, '', {column}, 9, 1, 0, 2, 900, 400, 0, 0, 12.5, 90
                FROM h CROSS JOIN k WHERE {where}"""
            )


def generations(teams: list[Team], rows: int) -> Iterator[Generation]:
    chance = random.Random(7)
    wish = store(ImageRequest(model="picture-0", text="a fox"))
    now = timezone.now()
    by_team = {team.pk: list(team.tokens.values_list("pk", flat=True)) for team in teams}
    for n in range(rows):
        team = teams[0] if n % 5 == 0 else teams[chance.randrange(1, len(teams))]
        at = now - timedelta(seconds=n * DAYS * 86_400 / rows)
        kind, model = chance.choice(MODELS)
        failed = chance.random() < 0.01
        yield Generation(
            id=uuid.UUID(int=ids.first_of(at).int | chance.getrandbits(62)),
            kind=kind, model=model, prompt="a fox", params=wish, fingerprint=f"{n}", scope="x",
            principal=f"team:{team.pk}",
            team=team, usage_team=team, token_id=chance.choice(by_team[team.pk]), slot="x", deadline=at, created_at=at,
            state="failed" if failed else "succeeded", error_code="provider_failed" if failed else "",
            started_at=at + timedelta(seconds=1), finished_at=at + timedelta(seconds=4), made_by="bench/model",
        )  # fmt: skip


def fill(rows: int, requests: int, days: int) -> Team:
    call_command("migrate", verbosity=0)
    if User.objects.filter(username="bench").exists():
        return Team.objects.order_by("pk").first()  # type: ignore[return-value]  # filled before
    teams = list(Team.objects.order_by("pk")) or [Team.objects.create(name=f"Team {n}") for n in range(TEAMS)]
    began = time.monotonic()
    if not UsageHour.objects.exists():
        fill_usage(teams, rows, days)
    print(f"{UsageHour.objects.count():,} hours in {time.monotonic() - began:.0f} s", flush=True)
    began, there = time.monotonic(), Generation.objects.count()
    for part in batched(generations(teams, max(0, requests - there)), 5000):
        with transaction.atomic():
            Generation.objects.bulk_create(part)
    print(f"{Generation.objects.count():,} generations in {time.monotonic() - began:.0f} s", flush=True)
    member = User.objects.create_user("bench", "bench@example.com")
    Membership.objects.create(team=teams[0], user=member, role="owner")
    analyse()
    return teams[0]


class Watch:
    """Counts the queries of a page and the seconds in them."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - began


def pages(team: Team) -> list[str]:
    token = team.tokens.order_by("pk").values_list("pk", flat=True)[0]
    log = Generation.objects.used_by(team).newest_first()
    deep = cursor(log.values_list("pk", flat=True)[log.count() // 2])
    return [
        "overview",
        "usage?range=24h",
        "usage?range=7d&split=token",
        "usage",
        "usage?split=token&compare=1",
        f"usage?token={token}&state=failed",
        "requests",
        f"requests?after={deep}",
        "requests?state=failed",
        f"requests?token={token}",
        "requests?model=words-11",
        "requests?kind=text&state=failed",
        "library",
        "library?visibility=private",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=DAYS, help="that the hours of usage are spread over")
    parser.add_argument("--visits", type=int, default=40)
    asked = parser.parse_args()
    team = fill(asked.rows, asked.requests, asked.days)
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(username="bench"))
    print(f"{connection.vendor}; {'page':<40}{'queries':>8}{'median':>10}{'p95':>10}   ms in the database")
    for page in pages(team):
        seconds, queries = [], 0
        for visit in range(asked.visits + 1):
            watch = Watch()
            with connection.execute_wrapper(watch):
                answer = client.get(f"/t/{team.slug}/{page}")
            assert answer.status_code == 200, (page, answer.status_code)
            if visit:
                seconds.append(watch.seconds * 1000)
                queries = max(queries, watch.count)
        slow = statistics.quantiles(seconds, n=20)[-1]
        print(f"{'':<8}{page[:40]:<40}{queries:>8}{statistics.median(seconds):>10.1f}{slow:>10.1f}")


if __name__ == "__main__":
    main()
