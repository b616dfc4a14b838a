"""C05: the database goes away under load and comes back, PostgreSQL as SQLite."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgres
from tests.hold.pace import FULL, Pace, longest, statuses
from tests.site import Answer, Site, end, eventually

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(300)]
AWAY = 10.0 if FULL else 4.0
BACK = 10.0  # seconds in which all is well again
WEB, WORKERS, THREADS = 2, 1, 4
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""


def asking(site: Site) -> Any:
    """What needs no row, what writes one, a page that reads, and the two questions after one's health."""
    paths = {
        "models": "/image/models",
        "picture": "/prompt/a%20boat?seed={}&width=64&height=64",
        "page": "/search?q={}",
        "alive": "/healthz",
        "ready": "/readyz",
    }

    def ask(number: int) -> tuple[str, Answer]:
        what = list(paths)[number % len(paths)]
        return what, site.ask(paths[what].format(number))

    return ask


def works(site: Site) -> bool:
    return site.ask(f"/prompt/again?seed={time.time_ns()}&width=64&height=64").status == 200


def configured(folder: Path, **environment: str) -> Site:
    (folder / "home").mkdir()
    (folder / "home" / "pollweb.toml").write_text(TOML)
    return Site(folder / "home", "--port", "0", "--web", str(WEB), "--workers", str(WORKERS), **environment)


def test_postgresql_is_killed_and_comes_back(tmp_path: Path, record_property: Any) -> None:
    with postgres.serving() as server:
        site = configured(tmp_path, POLLWEB_DATABASE_URL=server.url, POLLWEB_DATABASE_THREADS=str(THREADS))
        try:
            site.ready()
            assert works(site)
            assert site.ask("/search").status == 200  # the first page takes longer than any other
            with Pace(0.1, asking(site)) as pace:
                time.sleep(1)
                server.stop()
                began = time.monotonic()
                time.sleep(AWAY)
                server.start()
                back = time.monotonic()
                assert eventually(lambda: site.ask("/readyz").status == 200, BACK)
                assert eventually(lambda: works(site), BACK)
                again = time.monotonic() - back
                time.sleep(2)
            meanwhile = pace.between(began + 1, began + AWAY - (6 if FULL else 1))
            with psycopg.connect(server.url) as connection:
                found = connection.execute("select count(*) from pg_stat_activity where backend_type='client backend'")
                connections = found.fetchone()[0] - 1  # type: ignore[index]
            after = pace.between(back + again)
        finally:
            end(site)
    record_property(
        "figures",
        f"away for {AWAY:.0f} s: {statuses(meanwhile)}, {longest(meanwhile):.1f} s at most; works again after "
        f"{again:.1f} s; {connections} connections",
    )
    assert set(statuses(pace.asked)) <= {200, 503}, statuses(pace.asked)
    by_kind = {what: set(statuses([one for one in meanwhile if one.what == what])) for what in ("alive", "ready")}
    assert by_kind["alive"] == {200}
    assert by_kind["ready"] == {503} if FULL else 503 in by_kind["ready"]
    for what in ("picture", "page"):
        told = [one for one in meanwhile if one.what == what]
        # Those who came shortly before its return have waited for it.
        assert set(statuses(told)) == {503} if FULL else set(statuses(told)) <= {200, 503}, (
            what,
            [(one.status, round(one.seconds, 2)) for one in told],
        )
        assert all(one.headers.get("x-request-id") for one in told), what
    assert set(statuses(after)) == {200}
    assert connections <= (WEB + WORKERS + 1) * (THREADS + 4)  # beat is the one more


def test_sqlite_is_held_by_somebody_else(tmp_path: Path, record_property: Any) -> None:
    """Who reads goes on; who writes waits, and is told 503 when that takes too long. Nobody hears of a lock as 500."""
    site = configured(tmp_path)
    try:
        site.ready()
        assert works(site)
        assert site.ask("/search").status == 200
        with Pace(0.1, asking(site)) as pace:
            other = sqlite3.connect(tmp_path / "home" / "pollweb.sqlite3", isolation_level=None, timeout=20)
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            time.sleep(AWAY)
            other.execute("ROLLBACK")
            other.close()
            back = time.monotonic()
            assert eventually(lambda: works(site), BACK)
            again = time.monotonic() - back
        meanwhile = pace.between(began, back)
    finally:
        end(site)
    record_property(
        "figures",
        f"SQLite held for {AWAY:.0f} s: {statuses(meanwhile)}, {longest(meanwhile):.1f} s at most; works again after "
        f"{again:.1f} s",
    )
    assert set(statuses(pace.asked)) <= {200, 503}, statuses(pace.asked)
    for what in ("models", "page", "alive"):
        assert set(statuses([one for one in meanwhile if one.what == what])) == {200}, what
