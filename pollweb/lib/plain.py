"""Markdown where it is not drawn: in a tile, a list, a wall."""

import re

_BOLD, _HEADING = re.compile(r"\*\*(\S[^*\n]*)\*\*"), re.compile(r"^#{1,6} +", re.MULTILINE)


def plain(text: str) -> str:
    """The words of what would be bold, or a heading, without their signs; everything else as it stands."""
    return _HEADING.sub("", _BOLD.sub(r"\1", text))
