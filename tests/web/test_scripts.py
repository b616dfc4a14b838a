"""How much script a page loads, by itself and by what its scripts import."""

import gzip

import pytest

from tests.scripts import scripts_of

MOST = 45_000


@pytest.mark.parametrize(
    "path",
    ["/", "/live", "/models", "/status", "/docs", "/jobs", "/chat"]
    + [f"/create?mode={mode}" for mode in ("image", "text", "speech", "transcribe")],
)
def test_a_page_loads_at_most_45_kb_of_scripts(client, db, path):
    files = scripts_of(client.get(path).content.decode())
    assert files
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= MOST


def test_what_a_script_imports_is_counted(client, db):
    names = {file.name for file in scripts_of(client.get("/chat").content.decode())}
    assert {"chat.js", "pictures.js", "announce.js"} <= names
