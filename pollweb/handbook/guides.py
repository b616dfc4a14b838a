"""Which guides there are, and their Markdown with this installation's own addresses.

A guide is a page of docs/ or, where the page of the whole API says it already, a section of docs/api.md. Chinese guides
are pages of their own (`NAME.zh-CN.md`); where one is missing, the English one is shown and says its language.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

DOCS = Path(__file__).parents[2] / "docs"
SUFFIX = {"en": "", "zh-hans": ".zh-CN"}
# What the documents of the repository write, and what it is here; longer ones first.
WRITTEN = (
    ("http://localhost:8000/image", "IMAGE_URL"),
    ("http://localhost:8000/text", "TEXT_URL"),
    ("http://localhost:8000/auth", "AUTH_URL"),
    ("http://localhost:8000", "SITE_URL"),
)
INCLUDE = re.compile(r"^<!-- api\.md: (.+) -->$", re.M)
LINK = re.compile(r"\]\((?!https?://|/|#)([^)#\s]+)(#[^)\s]+)?\)")


@dataclass(frozen=True)
class Guide:
    """One page at /docs/{slug}; `file` is its Markdown below docs/, without `.md` and the language."""

    slug: str
    name: str | Promise
    file: str

    def path(self, language: str) -> tuple[Path, str]:
        """The file, and the language that it is really in."""
        own = DOCS / f"{self.file}{SUFFIX.get(language, '')}.md"
        return (own, language) if own.is_file() else (DOCS / f"{self.file}.md", "en")


GROUPS: tuple[tuple[str | Promise, tuple[Guide, ...]], ...] = (
    (
        _("Begin"),
        (
            Guide("quick-start", _("Quick start"), "guides/quick-start"),
            Guide("moving", _("Moving from another base URL"), "clients"),
        ),
    ),
    (
        _("Make"),
        (
            Guide("image", _("Pictures"), "guides/image"),
            Guide("text", _("Text and chat"), "guides/text"),
            Guide("speech", _("Speech"), "guides/speech"),
            Guide("transcription", _("Transcription"), "guides/transcription"),
            Guide("vision", _("Vision"), "guides/vision"),
            Guide("tools", _("Tools"), "guides/tools"),
            Guide("feeds", _("Live feeds"), "guides/feeds"),
        ),
    ),
    (_("Connect"), (Guide("mcp", _("MCP"), "mcp"), Guide("react-hooks", _("React hooks"), "react"))),
    (
        _("Know"),
        (
            Guide("authentication", _("Authentication"), "guides/authentication"),
            Guide("limits", _("Tiers and limits"), "guides/limits"),
            Guide("errors", _("Errors"), "guides/errors"),
            Guide("api", _("The whole API"), "api"),
        ),
    ),
    (
        _("Run"),
        (
            Guide("self-hosting", _("Self-hosting"), "guides/self-hosting"),
            Guide("moderation", _("Moderation"), "guides/moderation"),
            Guide("settings", _("Settings"), "settings"),
        ),
    ),
)
BY_SLUG = {guide.slug: guide for _name, guides in GROUPS for guide in guides}
BY_FILE = {guide.file: guide for guide in BY_SLUG.values()}


def current_language() -> str:
    return (get_language() or "en").lower()


def markdown(guide: Guide, language: str) -> tuple[str, str]:
    """The guide's Markdown as it is served, and the language that it is in."""
    path, told = guide.path(language)
    return _read(path), told


@cache
def _read(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    text = INCLUDE.sub(lambda match: _section(match[1]), text)
    text = LINK.sub(lambda match: _link(path, match[1], match[2] or ""), text)
    return _with_addresses(text)


def _with_addresses(text: str) -> str:
    for written, name in WRITTEN:
        text = text.replace(written, f"\0{name}\0")
    return re.sub(r"\0(\w+)\0", lambda match: str(getattr(settings, match[1])), text)


def _section(heading: str) -> str:
    """What docs/api.md says below a heading, up to the next one of its level; inner headings move up beside it."""
    lines = (DOCS / "api.md").read_text(encoding="utf-8").splitlines()
    try:
        begin = next(at for at, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line))
    except StopIteration:
        raise LookupError(f"docs/api.md has no heading {heading!r}") from None
    level = lines[begin].index(" ")
    ends = (at for at, line in enumerate(lines) if at > begin and re.match(rf"#{{1,{level}}} ", line))
    text = "\n".join(lines[begin + 1 : next(ends, len(lines))]).strip()
    if level == 2:
        text = re.sub(r"^###", "##", text, flags=re.M)
    return re.sub(r"\]\(#", "](/docs/api#", text)


def _link(page: Path, target: str, anchor: str) -> str:
    """A link of the repository as one of the site; what has no page here becomes its text alone."""
    file = (page.parent / target).resolve()
    if file.is_relative_to(DOCS) and file.suffix == ".md":
        name = re.sub(r"\.zh-CN$", "", str(file.relative_to(DOCS).with_suffix("")))
        if name in BY_FILE:
            return f"](/docs/{BY_FILE[name].slug}{anchor})"
    return "](#)"


def neighbours(guide: Guide) -> tuple[Guide | None, Guide | None]:
    every = list(BY_SLUG.values())
    at = every.index(guide)
    return (every[at - 1] if at else None), (every[at + 1] if at + 1 < len(every) else None)


def all_guides() -> tuple[Guide, ...]:
    return tuple(BY_SLUG.values())
