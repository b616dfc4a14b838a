"""Each row of docs/compatibility.md names a test that is really there."""

import ast
import re
from pathlib import Path

from tests.guide import samples

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.endswith(("- |", "proved by |"))]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_row_names_a_test() -> None:
    assert len(ROWS) > 50
    for row in ROWS:
        assert re.search(r"\| `tests/[\w/]+\.py::test_\w+` \|$", row), f"this row names no test: {row}"


def test_the_tests_it_names_exist() -> None:
    for path, name in NAMED:
        assert (ROOT / path).is_file(), f"docs/compatibility.md names {path}, which is not there."
        assert name in functions_of(ROOT / path), f"docs/compatibility.md names {name}, which is not in {path}."


def test_it_has_a_row_for_every_sample_that_is_run() -> None:
    for path in (ROOT / "tests" / "guide").glob("test_*.py"):
        if path.name != "test_samples.py":
            for name in functions_of(path):
                assert (f"tests/guide/{path.name}", name) in NAMED, f"docs/compatibility.md has no row for {name}."


def parameters(section: str, end: str) -> set[str]:
    """The names in the guide's table of parameters between two of its headings."""
    table = samples.GUIDE.partition(section)[2].partition("\n参数")[2].partition(end)[0]
    return set(re.findall(r"^([a-z_]+) ", table, re.M))


def test_it_has_a_row_for_every_parameter() -> None:
    for heading, section, end in (
        ("Pictures", "1. 文本生成图像 (GET)", "\n返回:"),
        ("Text", "1. 文本生成文本 (GET)", "\n返回:"),
        ("Chat", "通用请求体参数:", "\n代码示例"),
    ):
        named = parameters(section, end)
        assert {"model", "seed", "private", "referrer"} <= named
        rows = PAGE.partition(f"\n## {heading}")[2].partition("\n## ")[0]
        missing = {name for name in named if f"`{name}" not in rows}
        assert not missing, f"docs/compatibility.md has no row for {', '.join(sorted(missing))} under {heading}."
