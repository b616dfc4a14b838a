"""Runs the tests of the table, all in one go, and prints a line for each check and the figures that its tests give.

`python -m tests.hold [C17 C18 …]`. FULL=1 includes what is marked slow at its full size. Ends with 1 unless every check
that has tests holds.
"""

import os
import re
import sys
from collections import defaultdict
from typing import Any

import pytest

from tests.hold.table import CHECKS, Check

FULL = os.environ.get("FULL") == "1"
if FULL:
    os.environ.setdefault("REFERENCE_REQUESTS", "10000")


class Collector:
    """What became of each test, with what it said of itself."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.figures: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: Any) -> None:
        node = report.nodeid
        if report.when == "call" or report.outcome != "passed":
            worst = self.outcomes.get(node) == "failed"
            self.outcomes[node] = "failed" if worst else report.outcome
        if report.when == "call":
            self.figures[node] += [str(value) for name, value in report.user_properties if name == "figures"]
            self.figures[node] += [line for line in report.capstdout.splitlines() if _is_figure(line)][:3]

    def of(self, check: Check) -> dict[str, str]:
        """By node, of all that belong to a check."""
        found = {}
        for test in check.tests:
            wanted = re.compile(rf"tests/{re.escape(test)}($|::|\[)")
            found.update({node: outcome for node, outcome in self.outcomes.items() if wanted.match(node)})
        return found


def _is_figure(line: str) -> bool:
    """What tests print of themselves, not what a library logs."""
    return bool(re.search(r"\d", line)) and not line.startswith(("{", "[")) and len(line) < 200


def main(wanted: list[str]) -> int:
    checks = [check for check in CHECKS if not wanted or check.number in wanted]
    tests = list(dict.fromkeys(f"tests/{test}" for check in checks for test in check.tests))
    marks = "not engines and not clients" if FULL else "not engines and not e2e and not clients and (not slow or hold)"
    told = Collector()
    options = [
        "-q",
        "-m",
        marks,
        "-p",
        "no:cacheprovider",
        "--no-header",
    ]
    pytest.main([*options, *tests], plugins=[told])
    held = 0
    print()
    for check in checks:
        outcomes = told.of(check)
        passed = sum(outcome == "passed" for outcome in outcomes.values())
        failed = [node for node, outcome in outcomes.items() if outcome == "failed"]
        holds = bool(passed) and not failed
        held += holds
        verdict = "holds" if holds else "BROKEN" if failed else "not shown"
        about = check.missing or f"{passed} tests"
        if check.reduced and not FULL:
            about += f"; reduced: {check.reduced}"
        if check.without:
            about += f"; without {check.without}"
        print(f"{check.number}  {verdict:<9}  {check.provokes}: {about}")
        for node in outcomes:
            for figure in told.figures[node]:
                print(f"       {figure}")
        for node in failed:
            print(f"       failed: {node}")
    print(f"\n{held} of {len(checks)}")
    return int(any(outcome == "failed" for outcome in told.outcomes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
