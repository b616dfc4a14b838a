"""What is installed is named, with its hash and its licence."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


def test_every_locked_package_has_a_hash() -> None:
    for file in ("requirements.txt", "requirements-traces.txt", "requirements-dev.txt"):
        text = (ROOT / file).read_text()
        packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert len(packages) > 100
        for package in packages:
            assert "--hash=sha256:" in package, package.splitlines()[0]
        assert "://" not in text, "no index is named"


@pytest.mark.slow
def test_the_list_of_what_runs_names_every_locked_package(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "sbom.py", tmp_path], check=True, timeout=100)
    told = json.loads((tmp_path / "sbom.json").read_text())
    assert told["bomFormat"] == "CycloneDX"
    named = {component["name"]: component for component in told["components"]}
    assert {name: named[name]["version"] for name, _ in LOCKED} == dict(LOCKED)
    assert all(component["externalReferences"][0]["hashes"] for component in named.values())
    licences = dict(line.split("\t")[::2] for line in (tmp_path / "licences.txt").read_text().splitlines())
    assert licences["django"] == "BSD-3-Clause"
    assert set(licences) == set(named)
