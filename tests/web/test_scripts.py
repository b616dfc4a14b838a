"""How much script a page loads, by itself and by what its scripts import."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.ROOT) / "static"
IMPORT = re.compile(r"""^\s*(?:import|export)\s[^;]*?["']\./([\w.-]+\.js)["']""", re.MULTILINE)
MOST = 45_000


def loaded(page: str) -> set[Path]:
    """The script files of a page, with all that they import."""
    named = re.findall(r'<script[^>]*\ssrc="[^"]*?static/([^"]+?\.js)"', page)
    waiting, found = [STATIC / name for name in named], set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [file.parent / name for name in IMPORT.findall(file.read_text())]
    return found


@pytest.mark.parametrize(
    "path",
    ["/", "/live", "/models", "/status", "/docs", "/jobs", "/chat"]
    + [f"/create?mode={mode}" for mode in ("image", "text", "speech", "transcribe")],
)
def test_a_page_loads_at_most_45_kb_of_scripts(client, db, path):
    files = loaded(client.get(path).content.decode())
    assert files
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= MOST


def test_what_a_script_imports_is_counted(client, db):
    names = {file.name for file in loaded(client.get("/chat").content.decode())}
    assert {"chat.js", "pictures.js", "announce.js"} <= names
