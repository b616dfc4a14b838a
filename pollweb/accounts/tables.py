"""Tables for spreadsheets."""

from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """A value of a CSV file. What a spreadsheet would take for a formula is given a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
