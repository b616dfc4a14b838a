"""What is installed is named, with its hash and its licence."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def locked(file: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    return dict(found)


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
    assert {name: one["version"] for name, one in named.items()} == locked("requirements-traces.txt")
    required = {name for name, one in named.items() if one["scope"] == "required"}
    assert required == set(locked("requirements.txt"))
    assert named["opentelemetry-sdk"]["scope"] == "optional"
    assert all(component["externalReferences"][0]["hashes"] for component in named.values())
    licences = dict(line.split("\t")[::2] for line in (tmp_path / "licences.txt").read_text().splitlines())
    assert licences["django"] == "BSD-3-Clause"
    assert set(licences) == set(named)


def test_what_traces_add_is_beside_the_same_versions() -> None:
    """So one folder of wheels serves both."""
    assert locked("requirements.txt").items() <= locked("requirements-traces.txt").items()


def audit() -> Any:
    specification = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["audit"] = module
    specification.loader.exec_module(module)
    return module


def pip_says(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


GOOD = {"name": "django", "version": "6.1", "vulns": []}
BAD = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "description": "x"}]}
UNKNOWN = {"name": "yarl", "skip_reason": "Dependency not found on PyPI and could not be audited: yarl (1.0)"}


def test_an_audit_is_good_news_only_when_all_were_asked_about() -> None:
    of_pip = audit().of_pip
    assert of_pip(pip_says(GOOD)).status == 0
    assert of_pip(pip_says(GOOD, UNKNOWN)).status == 2
    assert of_pip(pip_says(GOOD, UNKNOWN, BAD)).status == 1
    assert of_pip(pip_says()).status == 2
    said = of_pip(pip_says(GOOD, UNKNOWN, BAD)).words("Python")
    assert "2 packages asked about, 1 known to be vulnerable" in said
    assert "pillow 1.0: PYSEC-1, mended in 1.1" in said
    assert "not known of 1, which the registry has no word about: yarl" in said


def test_a_registry_that_does_not_answer_is_said_to_be_away() -> None:
    module = audit()
    refused = json.dumps({"message": "405 Method Not Allowed", "error": {"code": "E405"}})
    told = module.of_npm(refused, "npm error audit endpoint returned an error\nnpm error A complete log of this run: x")
    assert told.status == 2
    assert "nobody could be asked: npm error audit endpoint returned an error" in told.words("JavaScript")
    assert (module.of_pip(pip_says(GOOD)) + told).status == 2
    assert (module.of_pip(pip_says(BAD)) + told).status == 1
    assert module.of_pip("", "ConnectionError: no route").status == 2


def test_npm_tells_what_is_vulnerable() -> None:
    of_npm = audit().of_npm
    counted = {"dependencies": {"total": 40}}
    assert of_npm(json.dumps({"vulnerabilities": {}, "metadata": counted})).status == 0
    one = {"ws": {"name": "ws", "severity": "high", "range": "<8.17.1", "via": []}}
    told = of_npm(json.dumps({"vulnerabilities": one, "metadata": counted}))
    assert (told.status, told.vulnerable) == (1, ["ws: high, <8.17.1"])
