"""Tables for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """A value of a CSV file. What a spreadsheet would take for a formula is given a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def written(lines: Sequence[dict[str, Any]]) -> bytes:
    """A CSV file with a heading, in UTF-8 with the mark that spreadsheets know it by; empty without lines."""
    file = io.StringIO()
    if lines:
        table = csv.DictWriter(file, list(lines[0]), lineterminator="\r\n")
        table.writeheader()
        table.writerows({name: cell(value) for name, value in line.items()} for line in lines)
    return file.getvalue().encode("utf-8-sig")
