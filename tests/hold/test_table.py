"""The table of checks is whole, and what it names is there."""

import ast

import pytest

from tests.hold.table import CHECKS
from tests.site import ROOT


def test_every_check_is_in_the_table_once() -> None:
    assert [check.number for check in CHECKS] == [f"C{number:02d}" for number in range(1, 44)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.number)
def test_its_tests_are_there(check) -> None:
    assert bool(check.tests) != bool(check.missing)
    for test in check.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text())
        names = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not name or name in names, test
