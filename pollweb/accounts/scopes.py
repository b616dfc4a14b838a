"""What a token may do, in words. A scope never gives more than the token's team has."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, str | Promise] = {
    "images": _("Make and change pictures"),
    "text": _("Write, chat and see"),
    "speech": _("Speak, and write recordings down"),
    "embeddings": _("Turn texts into vectors"),
    "private.read": _("Read the team's private results"),
    "usage.read": _("Read the team's usage"),
    "feed.write": _("Put results into the public feed"),
    "mcp": _("Connect by MCP"),
    "tokens.manage": _("Make, rotate and revoke tokens"),
}
# What a token may do of which nobody has said anything.
USUAL = frozenset(WORDS) - {"tokens.manage"}
# What whoever comes without a token may do.
OPEN = frozenset({"images", "text", "speech", "embeddings", "feed.write", "mcp"})
# What making a thing of each kind needs; transcription has words as its result and is speech nevertheless.
BY_ABILITY = {
    "image": "images",
    "text": "text",
    "audio": "speech",
    "transcription": "speech",
    "embedding": "embeddings",
}


def of(stored: Iterable[str]) -> frozenset[str]:
    """The scopes of a token's row: those it names, or the usual ones where it names none."""
    return frozenset(stored) & frozenset(WORDS) if stored else USUAL
