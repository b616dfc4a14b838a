"""One archive of an installation, made while it is used, restored elsewhere (C26)."""

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from generation import artifacts, store
from generation.models import Artifact, Generation
from pollweb.accounts import webhooks
from pollweb.accounts.models import Webhook
from pollweb.backup import reading, rows, writing
from pollweb.lib import sealing
from tests import databases
from tests.accounts.conftest import Cast, call_the_cast
from tests.factories import token_of
from tests.site import ROOT

ROWS = 10_000 if os.environ.get("FULL") == "1" else 300
TABLES = {model._meta.label: model._meta.db_table for model in rows.tables()}


@pytest.fixture
def cast(transactional_db: None, settings: Any, tmp_path: Path) -> Cast:
    settings.MEDIA_FOLDER = tmp_path / "media"
    return call_the_cast()


def make(number: int, team: Any) -> None:
    digest = artifacts.keep(b"\x89PNG" + number.to_bytes(4), "image/png")
    Generation.objects.create(
        kind="image",
        model="flux",
        prompt=f"wish {number} “中文”",
        params={"n": number},
        team=team,
        state="succeeded",
        artifact_id=digest,
        deadline=timezone.now().replace(microsecond=number),  # which an archive must not cut off
    )


@dataclass(frozen=True)
class Place:
    """An installation of its own. Its commands run as processes; without an address its database is SQLite."""

    home: Path
    url: str = ""

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
        outer |= {"DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_MODELS": "none"}
        outer |= {"POLLWEB_HOME": str(self.home), **({"POLLWEB_DATABASE_URL": self.url} if self.url else {})}
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command], env=outer, capture_output=True, text=True, timeout=110
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        path = self.home / "pollweb.sqlite3"
        with closing(psycopg.connect(self.url) if self.url else sqlite3.connect(path)) as database:
            return list(database.execute(query).fetchall())  # type: ignore[arg-type]

    def restores(self, archive: Path) -> None:
        restored = self.run("restore", str(archive))
        assert restored.returncode == 0, restored.stderr

    def tables(self, archive: Path) -> list[dict[str, Any]]:
        """Make another archive of it; what that says of every table: label, count and SHA-256 of the rows."""
        made = self.run("backup", str(archive))
        assert made.returncode == 0, made.stderr
        return list(reading.check(archive)[0]["tables"])


@pytest.fixture
def in_sqlite(tmp_path: Path) -> Place:
    return Place(tmp_path / "home")


@pytest.fixture
def in_postgresql(tmp_path: Path) -> Iterator[Place]:
    with databases.fresh("restored") as url:
        yield Place(tmp_path / "postgresql", url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.hold])])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(f"in_{request.param}")


def test_an_archive_made_under_load_is_restored_elsewhere_with_equal_counts_and_hashes(
    cast: Cast, place: Place, tmp_path: Path, record_property: Any
) -> None:
    token = token_of(cast.bees)
    Webhook.objects.create(team=cast.bees, url="https://x.example/", secret=sealing.seal("whsec_x", webhooks.PURPOSE))
    for number in range(20):
        make(number, cast.bees)
    template = Generation.objects.order_by("-pk").first()
    assert template
    Generation.objects.bulk_create(_copies(template, ROWS - 20), batch_size=500)
    ended = threading.Event()
    made = 0

    def load() -> None:
        nonlocal made
        try:
            while not ended.is_set():
                made += 1
                make(1000 + made, cast.bees)
        finally:
            connection.close()

    thread = threading.Thread(target=load)
    thread.start()
    archive = tmp_path / "all.tar.gz"
    began = time.monotonic()
    try:
        told = writing.write(archive)
    finally:
        ended.set()
        thread.join()
    took = time.monotonic() - began
    kinds = f"from {connection.vendor} to {'postgresql' if place.url else 'sqlite'}"
    record_property("figures", f"{kinds}: {told['rows']} rows in {took:.1f} s while {made} more were made")
    assert made > 0
    assert told["lost"] == []
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as file:
        content = b"".join(file.extractfile(name).read() for name in file.getnames())  # type: ignore[union-attr]
    for secret in (token, "whsec_x", "only for tests"):
        assert secret.encode() not in content

    place.restores(archive)
    manifest, _ = reading.check(archive)
    counts = {
        table["label"]: place.rows(f"select count(*) from {TABLES[table['label']]}")[0][0]
        for table in manifest["tables"]
    }
    assert counts == {table["label"]: table["count"] for table in manifest["tables"]}
    assert counts["generation.Generation"] >= ROWS
    assert counts["accounts.User"] == 6
    assert place.url or place.rows("pragma foreign_key_check") == []  # PostgreSQL sees to it by itself
    artifacts_there = {digest for (digest,) in place.rows("select digest from generation_artifact")}
    files = [path for path in (place.home / "media").rglob("*") if path.is_file()]
    assert {path.name for path in files} == artifacts_there
    assert all(store.digest_of(path.read_bytes()) == path.name for path in files)
    # Made again from what was restored, an archive says the same of every row.
    assert place.tables(tmp_path / "again.tar") == manifest["tables"]


@pytest.mark.slow
@pytest.mark.hold
def test_an_archive_goes_from_sqlite_to_postgresql_and_back(
    cast: Cast, in_sqlite: Place, in_postgresql: Place, tmp_path: Path
) -> None:
    for number in range(20):
        make(number, cast.bees)
    writing.write(tmp_path / "all.tar")
    in_sqlite.restores(tmp_path / "all.tar")
    tables = in_sqlite.tables(tmp_path / "of-sqlite.tar")
    in_postgresql.restores(tmp_path / "of-sqlite.tar")
    assert in_postgresql.tables(tmp_path / "of-postgresql.tar") == tables
    back = Place(tmp_path / "back")
    back.restores(tmp_path / "of-postgresql.tar")
    assert back.tables(tmp_path / "again.tar") == tables


def test_equal_rows_are_written_alike_however_their_json_was_ordered(cast: Cast, tmp_path: Path) -> None:
    """PostgreSQL orders the keys of its JSON by itself, and SQLite keeps them as they came."""
    make(0, cast.bees)
    hashes = []
    for number, params in enumerate(({"width": 64, "n": 1, "seed": 0}, {"seed": 0, "width": 64, "n": 1})):
        Generation.objects.update(params=params)
        writing.write(tmp_path / f"{number}.tar")
        tables = reading.check(tmp_path / f"{number}.tar")[0]["tables"]
        hashes.append(next(table["sha256"] for table in tables if table["label"] == "generation.Generation"))
    assert hashes[0] == hashes[1]


def test_new_rows_are_counted_on_after_those_that_were_restored(cast: Cast, place: Place, tmp_path: Path) -> None:
    token_of(cast.bees)
    writing.write(tmp_path / "all.tar")
    place.restores(tmp_path / "all.tar")
    made = place.run("createtoken", "--team", "wasps")  # a team, a token, and what the audit says of them
    assert made.returncode == 0, made.stderr
    assert place.rows("select count(*) from accounts_team where slug = 'wasps'") == [(1,)]
    if not place.url:
        return  # SQLite counts on from the largest key
    for model in rows.tables():
        if model._meta.pk.get_internal_type() == "BigAutoField":
            table = model._meta.db_table
            [(following, largest)] = place.rows(
                f"select nextval(pg_get_serial_sequence('{table}', 'id')), coalesce(max(id), 0) from {table}"
            )
            assert following > largest, table


def _copies(row: Generation, count: int) -> Any:
    from pollweb.lib import ids

    for _ in range(count):
        values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        yield Generation(**{**values, "id": ids.uuid7(), "public_id": ids.public_id()})


def changed(archive: Path, name: str, change: Any) -> None:
    """The archive anew, with one member changed, or left out."""
    with tarfile.open(archive) as file:
        members = {each: file.extractfile(each).read() for each in file.getnames()}  # type: ignore[union-attr]
    data = change(members.pop(name))
    with tarfile.open(archive, "w") as file:
        for each, content in {**members, **({} if data is None else {name: data})}.items():
            entry = tarfile.TarInfo(each)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))


def later_format(data: bytes) -> bytes:
    return json.dumps({**json.loads(data), "format": 2}).encode()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "rows/accounts.User.jsonl",
            lambda data: data.replace(b"alice", b"mallo"),
            "rows/accounts.User.jsonl is damaged",
        ),
        ("rows/accounts.Team.jsonl", lambda data: None, "rows/accounts.Team.jsonl is missing"),
        ("end.json", lambda data: None, "end.json is missing"),
        ("manifest.json", lambda data: b"[]", "no whole archive"),
        ("manifest.json", later_format, "later version"),
    ],
    ids=["changed", "without a table", "without an end", "another manifest", "of later"],
)
def test_an_archive_that_is_not_whole_changes_nothing(
    name: str, change: Any, said: str, cast: Cast, tmp_path: Path
) -> None:
    writing.write(tmp_path / "all.tar")
    changed(tmp_path / "all.tar", name, change)
    with pytest.raises(CommandError, match=said):
        call_command("restore", str(tmp_path / "all.tar"))
    with pytest.raises(CommandError, match=said):
        call_command("restore", str(tmp_path / "all.tar"), "--check")


def test_a_truncated_archive_and_one_that_is_none_are_refused(cast: Cast, tmp_path: Path) -> None:
    writing.write(tmp_path / "all.tar")
    data = (tmp_path / "all.tar").read_bytes()
    (tmp_path / "half.tar").write_bytes(data[: len(data) // 2])
    (tmp_path / "none.tar").write_bytes(b"no tar at all")
    for name in ("half.tar", "none.tar", "nowhere.tar"):
        with pytest.raises(CommandError, match="no whole archive"):
            call_command("restore", str(tmp_path / name))


def test_a_damaged_result_is_found(cast: Cast, tmp_path: Path) -> None:
    make(1, cast.bees)
    writing.write(tmp_path / "all.tar")
    digest = Artifact.objects.get().digest
    changed(tmp_path / "all.tar", f"media/{digest}", lambda data: b"another")
    with pytest.raises(CommandError, match=f"media/{digest} is damaged"):
        call_command("restore", str(tmp_path / "all.tar"), "--check")


def test_it_is_not_restored_over_what_is_there(cast: Cast, tmp_path: Path) -> None:
    writing.write(tmp_path / "all.tar")
    with pytest.raises(CommandError, match="Somebody or something is here already"):
        call_command("restore", str(tmp_path / "all.tar"))


def test_a_result_that_was_lost_before_is_told_and_left_out(cast: Cast, in_sqlite: Place, tmp_path: Path) -> None:
    make(1, cast.bees)
    make(2, cast.bees)
    lost = Artifact.objects.order_by("pk").first()
    assert lost
    store.remove(lost.digest, unless=lambda: False)
    assert writing.write(tmp_path / "all.tar")["lost"] == [lost.digest]
    in_sqlite.restores(tmp_path / "all.tar")


def test_a_design_with_keys_in_it_is_left_out(cast: Cast, tmp_path: Path, settings: Any, monkeypatch: Any) -> None:
    settings.POLLWEB_HOME = tmp_path
    (tmp_path / "pollweb.toml").write_text('[site]\nname = "Bees"\n')
    writing.write(tmp_path / "with.tar")
    monkeypatch.setattr(writing, "_holds_secrets", lambda: True)
    writing.write(tmp_path / "without.tar")
    for name, is_there in (("with.tar", True), ("without.tar", False)):
        with tarfile.open(tmp_path / name) as archive:
            assert ("pollweb.toml" in archive.getnames()) is is_there


def test_pruning_takes_what_has_had_its_time(cast: Cast, settings: Any, capsys: Any) -> None:
    from importlib import import_module

    from feeds.models import Outbox
    from generation.models import IdempotencyKey
    from pollweb import config
    from pollweb.lib import ids

    long_ago = timezone.now() - timedelta(days=90)
    settings.DESIGN = config.parse({"retention": {"visitors_days": 60, "failed_days": 30}, "feeds": {"history": 100}})
    common = {
        "kind": "image",
        "model": "flux",
        "prompt": "x",
        "params": {},
        "deadline": long_ago,
        "visibility": "public",
    }
    for state, team, age in [
        ("succeeded", None, 90), ("succeeded", None, 1), ("succeeded", cast.bees, 90), ("failed", cast.bees, 90),
        ("failed", cast.bees, 1), ("queued", None, 90),
    ]:  # fmt: skip
        at = timezone.now() - timedelta(days=age)
        pk = ids.first_of(at)
        Generation.objects.create(id=_after(pk), team=team, state=state, created_at=at, **common)
    IdempotencyKey.objects.create(principal="p", key="old", request_hash="h", created_at=long_ago)
    IdempotencyKey.objects.create(principal="p", key="new", request_hash="h")
    for _ in range(210):
        Outbox.objects.create(event_id=ids.uuid7(), kind="image", payload={}, published_at=long_ago)
    Outbox.objects.create(event_id=ids.uuid7(), kind="image", payload={}, published_at=None)
    sessions = import_module(settings.SESSION_ENGINE).SessionStore
    for days in (-1, 1):
        session = sessions()
        session["x"] = 1
        session.set_expiry(timezone.now() + timedelta(days=days))
        session.save()
    call_command("prune")
    said = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert said["results of visitors"] == "1"
    assert said["failed generations"] == "1"
    assert said["idempotency keys"] == "1"
    assert said["feed events"] == "11", "211, and the newest 200 can be replayed"
    assert said["ended sessions"] == "1"
    kept = sorted(Generation.objects.values_list("state", "team__slug"), key=str)
    assert kept == [("failed", "bees"), ("queued", None), ("succeeded", "bees"), ("succeeded", None)]
    assert IdempotencyKey.objects.get().key == "new"


def _after(pk: Any) -> Any:
    import secrets
    from uuid import UUID

    return UUID(int=pk.int | secrets.randbits(60))
