"""audit.py: which of the locked packages have known vulnerabilities, as far as those who know could be asked.

Python's packages at the package index, by pip-audit; those of the JavaScript clients' tests at npm's registry, by npm.
It ends with 0 when all were asked about and none is known to be vulnerable, with 1 when one is, and with 2 when not all
could be asked about: that is no good news, only none.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# It holds all that runs, with traces, and what is needed to develop.
LOCK = ROOT / "requirements-dev.txt"
SCRIPTS = ROOT / "tests" / "clients" / "js"
SECONDS = 600


@dataclass
class Told:
    """About the packages of one registry."""

    asked: int = 0
    unasked: list[str] = field(default_factory=list)
    vulnerable: list[str] = field(default_factory=list)  # a line for each
    away: str = ""  # why nobody could be asked

    def __add__(self, other: "Told") -> "Told":
        return Told(
            self.asked + other.asked,
            self.unasked + other.unasked,
            self.vulnerable + other.vulnerable,
            self.away or other.away,
        )

    @property
    def status(self) -> int:
        return 1 if self.vulnerable else 2 if self.unasked or self.away or not self.asked else 0

    def words(self, name: str) -> str:
        lines = [f"{name}: {self.asked} packages asked about, {len(self.vulnerable)} known to be vulnerable"]
        lines += [f"  {line}" for line in self.vulnerable]
        if self.away:
            lines.append(f"  nobody could be asked: {self.away}")
        if self.unasked:
            some = ", ".join(self.unasked[:5]) + (", …" if len(self.unasked) > 5 else "")
            lines.append(f"  not known of {len(self.unasked)}, which the registry has no word about: {some}")
        return "\n".join(lines)


def of_pip(said: str, error: str = "") -> Told:
    """What pip-audit says with `--format json`."""
    try:
        dependencies = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Told(away=_last_line(error or said))
    told = Told()
    for each in dependencies:
        if "skip_reason" in each:
            told.unasked.append(each["name"])
            continue
        told.asked += 1
        for one in each["vulns"]:
            mended = ", ".join(one["fix_versions"]) or "no version yet"
            told.vulnerable.append(f"{each['name']} {each['version']}: {one['id']}, mended in {mended}")
    return told


def of_npm(said: str, error: str = "") -> Told:
    """What `npm audit --json` says."""
    try:
        whole: dict[str, Any] = json.loads(said)
        packages, asked = whole["vulnerabilities"], whole["metadata"]["dependencies"]["total"]
    except (ValueError, KeyError, TypeError):
        return Told(away=_last_line(error or said))
    found = [f"{name}: {one['severity']}, {one['range']}" for name, one in packages.items()]
    return Told(asked=asked, vulnerable=found)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "complete log" not in line]
    return lines[-1][:200] if lines else "it said nothing"


def _run(*command: str, folder: Path = ROOT) -> tuple[str, str]:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as exc:
        return "", str(exc)
    return done.stdout, done.stderr


def main() -> int:
    pip_audit = str(Path(sys.executable).with_name("pip-audit"))
    options = ("--no-deps", "--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off")
    python = of_pip(*_run(pip_audit, "--requirement", str(LOCK), *options))
    npm = shutil.which("npm")
    asked = _run(npm, "audit", "--package-lock-only", "--json", folder=SCRIPTS) if npm else ("", "there is no npm here")
    javascript = of_npm(*asked)
    print(python.words("Python (requirements-dev.txt, which holds the others)"))  # noqa: T201
    print(javascript.words("JavaScript (tests/clients/js)"))  # noqa: T201
    return (python + javascript).status


if __name__ == "__main__":
    sys.exit(main())
