"""Which scripts a page loads."""

import re
from pathlib import Path

from django.conf import settings

STATIC = Path(settings.ROOT) / "static"
IMPORT = re.compile(r"""^\s*(?:import|export)\s[^;]*?["']\./([\w.-]+\.js)["']""", re.MULTILINE)
NAMED = re.compile(r'<script[^>]*\ssrc="/static/[0-9a-f]+/([^"]+\.js)"')


def scripts_of(page: str) -> set[Path]:
    """The script files of a page, with all that they import."""
    waiting, found = [STATIC / name for name in NAMED.findall(page)], set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [file.parent / name for name in IMPORT.findall(file.read_text())]
    return found
