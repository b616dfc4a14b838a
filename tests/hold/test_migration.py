"""C25: the database is brought up to date while the release before goes on answering.

The release before is the newest tag; without one it is the commit before the newest migration, so that there is always
something to migrate.
"""

import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.hold.pace import FULL, Pace, longest, statuses
from tests.site import ROOT, Answer, Site, end, eventually
from tests.test_recovery import manage

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(300)]
EVERY = 0.1 if FULL else 0.25
BEFORE, AFTER = (5.0, 10.0) if FULL else (2.0, 4.0)
LOCK = 2.0
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def release_before() -> str:
    """A commit; nothing where its history is not there."""
    if tag := git("describe", "--tags", "--abbrev=0", "HEAD~1"):
        return tag
    newest = git("log", "--diff-filter=A", "--format=%H", "-1", "--", "*/migrations/0*.py")
    return git("rev-parse", "--verify", f"{newest}~1") if newest else ""


def unpack(commit: str, folder: Path) -> Path:
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    if kind == "sqlite":
        yield {}
        return
    with databases.fresh("migrated") as url:
        yield {"POLLWEB_DATABASE_URL": url}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_release_before_answers_while_the_database_is_migrated(
    kind: str, tmp_path: Path, record_property: Any
) -> None:
    commit = release_before()
    if not commit:
        pytest.skip("there is no history of this checkout")  # as in an archive of it: no older code is anywhere
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.toml").write_text(TOML)

    def ask(number: int) -> tuple[str, Answer]:
        what, path = (
            ("picture", f"/prompt/a%20boat?seed={number}&width=64&height=64"),
            ("page", "/"),
            ("search", f"/search?q=boat{number}"),
            ("feed", "/feed.json"),
        )[number % 4]
        return what, site.ask(path)

    with database(kind) as environment:
        site = Site(tmp_path / "home", root=unpack(commit, tmp_path / "before"), **environment)
        try:
            site.ready()
            assert eventually(lambda: site.ask("/prompt/first?width=64&height=64").status == 200, 60)
            open_before = manage(site, "showmigrations", "--plan", **environment).count("[ ]")
            with Pace(EVERY, ask) as pace:
                time.sleep(BEFORE)
                began = time.monotonic()
                manage(site, "migrate", "--verbosity", "0", **environment)
                done = time.monotonic()
                time.sleep(AFTER)
            open_after = manage(site, "showmigrations", "--plan", **environment).count("[ ]")
        finally:
            end(site)
    usual, meanwhile = pace.between(0, began), pace.between(began, done)
    record_property(
        "figures",
        f"{kind}: {open_before} migrations since {commit[:8]} in {done - began:.1f} s; {statuses(pace.asked)}; longest "
        f"answer before {longest(usual):.2f} s, meanwhile {longest(meanwhile):.2f} s",
    )
    assert open_before > 0
    assert open_after == 0
    assert set(statuses(pace.asked)) <= {200, 429}
    # Nobody waited for a lock: an answer takes what it took before, and the rest of the machine is busy migrating.
    assert longest(meanwhile) <= longest(usual) + LOCK
