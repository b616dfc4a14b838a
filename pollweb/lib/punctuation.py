"""Marks between words that other languages write otherwise: Chinese has full-width ones, with no space after them."""

from collections.abc import Iterable

from django.utils.translation import pgettext


def colon() -> str:
    return pgettext("between a name and what is said of it", ": ")


def named(name: object, value: object) -> str:
    """`Reason: spam`."""
    return f"{name}{colon()}{value}"


def listed(parts: Iterable[object]) -> str:
    return pgettext("between the parts of a list", ", ").join(map(str, parts))


def in_turn(phrases: Iterable[object]) -> str:
    """A list whose parts may have commas."""
    return pgettext("between phrases that have commas", "; ").join(map(str, phrases))
