"""Numbers for people to read."""

from django.utils.formats import number_format


def grouped(number: float, places: int = 0) -> str:
    """12345 → `12,345`, with the separators of the language that is spoken now."""
    return number_format(number, places, force_grouping=True)
