"""docs/settings.md says everything that can be set, and nothing that cannot."""

import ast
import functools
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from pollweb import config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
SHIPPED = tomllib.loads(config.DEFAULTS.read_text(encoding="utf-8"))
READERS = {
    "text",
    "flag",
    "number",
    "seconds",
    "words",
    "host_ports",
    "networks",
    "redis_url",
    "choice",
    "folder",
    "base_url",
    "optional_url",
    "location",
}  # of pollweb.lib.env


def sources() -> Iterator[ast.Module]:
    for folder in ("pollweb", "generation", "feeds"):
        for path in (ROOT / folder).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"), str(path))
    yield ast.parse((ROOT / "manage.py").read_text(encoding="utf-8"))


@functools.cache
def variables_read() -> dict[str, set[str]]:
    """Each POLLWEB_ variable that code reads, and the plain defaults that are written there."""
    found: dict[str, set[str]] = {}
    for tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                said, arguments = ast.unparse(node.func), node.args
                reads = said in ("os.environ.get", "os.getenv") or said in {f"env.{reader}" for reader in READERS}
            elif isinstance(node, ast.Subscript):
                reads, arguments = ast.unparse(node.value) == "os.environ", [node.slice]
            else:
                continue
            if not (reads and arguments and isinstance(arguments[0], ast.Constant)):
                continue
            name = str(arguments[0].value)
            if name.startswith("POLLWEB_"):
                defaults = found.setdefault(name, set())
                if len(arguments) > 1 and isinstance(arguments[1], ast.Constant):
                    defaults.add(str(arguments[1].value))
    return found


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each table row whose first cell is one `name`."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| `") and re.fullmatch(r"`\w+`", cells[0]):
            yield [cells[0].strip("`"), *cells[1:]]


def documented_variables() -> dict[str, list[str]]:
    return {cells[0]: cells for cells in rows(PAGE) if cells[0].startswith("POLLWEB_")}


def documented_keys() -> dict[str, dict[str, str]]:
    """`{"tiers.NAME": {"interval": "by tier", …}, …}` as the page has it: key → default."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^### ", PAGE, flags=re.M)[1:]:
        if heading := re.match(r"\[([\w.]+)\]\n", part):
            found[heading[1]] = {cells[0]: cells[1].strip("`") for cells in rows(part)}
    return found


def tables(model: type[config.Table] = config.Design, path: str = "") -> Iterator[tuple[str, type[config.Table]]]:
    """Each table of the file with the class that reads it: `("tiers.NAME", Tier)`, …"""
    for name, field in model.model_fields.items():
        key, inner = field.alias or name, field.annotation
        arguments = typing.get_args(inner)
        named = typing.get_origin(inner) is dict
        table = arguments[-1] if arguments else inner
        if not (isinstance(table, type) and issubclass(table, config.Table)):
            continue
        here = f"{path}.{key}".strip(".")
        if model is config.Models:
            here = "models.KIND"
        here = f"{here}.NAME" if named else here
        if any(issubclass(_inner(f.annotation), config.Table) for f in table.model_fields.values()):
            yield from tables(table, here)
        if any(typing.get_origin(f.annotation) is not dict for f in table.model_fields.values()):
            yield here, table


def _inner(annotation: Any) -> type:
    last = typing.get_args(annotation)[-1] if typing.get_args(annotation) else annotation
    return last if isinstance(last, type) else object


def keys_read() -> dict[str, dict[str, Any]]:
    return {
        path: {field.alias or name: field for name, field in table.model_fields.items()} for path, table in tables()
    }


def test_it_names_every_variable_that_code_reads():
    missing = variables_read().keys() - documented_variables().keys()
    assert not missing, f"docs/settings.md has no row for {', '.join(sorted(missing))}."


def test_it_names_no_variable_that_no_code_reads():
    unread = documented_variables().keys() - variables_read().keys()
    assert not unread, f"docs/settings.md describes {', '.join(sorted(unread))}, which no code reads."


def test_the_scripts_use_documented_variables_only():
    used = set()
    for path in [ROOT / "Makefile", ROOT / ".ci" / "run", *(ROOT / "scripts").iterdir()]:
        used |= set(re.findall(r"POLLWEB_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8")))
    unknown = used - documented_variables().keys()
    assert not unknown, f"scripts use {', '.join(sorted(unknown))}, of which docs/settings.md has no row."


def test_it_says_the_defaults_that_the_code_has():
    pages = documented_variables()
    for name, defaults in variables_read().items():
        for default in defaults - {"", "None"} if name in pages else ():
            assert default in pages[name][2], (
                f"{name} is {default!r} when unset; docs/settings.md says {pages[name][2]}."
            )


def test_it_says_for_every_variable_its_unit_its_default_and_its_meaning():
    for name, cells in documented_variables().items():
        assert [bool(cell) for cell in cells] == [True] * 4, f"the row of {name} in docs/settings.md lacks something."


def test_it_describes_every_key_of_the_operators_file():
    documented = documented_keys()
    for path, keys in keys_read().items():
        missing = keys.keys() - documented.get(path, {}).keys()
        assert not missing, f"docs/settings.md does not describe {', '.join(sorted(missing))} of [{path}]."


def test_it_describes_no_key_that_the_operators_file_has_not():
    read = keys_read()
    for path, keys in documented_keys().items():
        unread = keys.keys() - read.get(path, {}).keys()
        assert not unread, f"docs/settings.md describes {', '.join(sorted(unread))} of [{path}], which nothing reads."


def test_it_says_the_defaults_of_the_shipped_file():
    read = keys_read()
    for path, keys in documented_keys().items():
        for key, said in keys.items():
            if path in SHIPPED:
                expected = SHIPPED[path][key]
            elif said in ("by tier", "by pack", "needed", "free"):
                continue
            else:
                expected = read[path][key].default
            assert tomllib.loads(f"value = {said}")["value"] == expected, (
                f"{key} of [{path}] is {expected!r}, not {said}."
            )


def test_its_table_of_tiers_is_the_shipped_one():
    said = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| `\"(\w+)\"` \|$", PAGE, re.M)
    assert {name: (int(i), int(c), m) for name, i, c, m in said} == {
        name: (tier["interval"], tier["concurrency"], tier["models"]) for name, tier in SHIPPED["tiers"].items()
    }


def test_its_example_is_a_valid_file():
    example = PAGE.rpartition("```toml\n")[2].partition("```")[0]
    assert config.parse(tomllib.loads(example)).models.text["pirate"].system == "You are a pirate."
    with pytest.raises(ImproperlyConfigured, match="sistem is not a known key"):
        config.parse(tomllib.loads(example.replace("system", "sistem")))
