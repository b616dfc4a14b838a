"""C06: several processes write the same rows of SQLite."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.site import ROOT

PROCESSES, EACH = 4, 200
WRITER = f"""
import django; django.setup()
from django.db import transaction
from pollweb.accounts.models import UsageHour
from pollweb.accounts.usage import Counts, Key, count
from datetime import UTC, datetime
at = datetime(2026, 1, 1, tzinfo=UTC)
for _ in range({EACH}):
    with transaction.atomic():
        UsageHour.objects.filter(hour=at).count()  # reads, then writes: what fails without IMMEDIATE
        count(Key(kind="image", model="flux"), Counts(succeeded=1), at)
"""


@pytest.mark.slow
@pytest.mark.hold
def test_four_processes_count_together_and_no_count_is_lost(tmp_path: Path, record_property: Any) -> None:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    outer |= {"POLLWEB_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_MODELS": "none"}
    subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"], env=outer, check=True, timeout=100)
    began = time.monotonic()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER], env=outer, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for writer in writers:
        said = writer.communicate(timeout=110)[1]
        assert writer.returncode == 0, said
        assert "locked" not in said
    took = time.monotonic() - began
    database = sqlite3.connect(tmp_path / "pollweb.sqlite3")
    assert database.execute("select sum(succeeded) from accounts_usagehour").fetchone() == (PROCESSES * EACH,)
    database.close()
    record_property("figures", f"{PROCESSES} processes x {EACH} counts in {took:.1f} s, none lost")
