"""Markdown of our own documents as a page: prose, groups of code with tabs, and the headings to go to."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from generation.web.answers import ATTRIBUTES, TAGS
from generation.web.samples import Sample

LANGUAGES = {
    "sh": ("Shell", "bash"),
    "python": ("Python", "python"),
    "js": ("JavaScript", "javascript"),
    "tsx": ("React", "typescript"),
    "json": ("JSON", "json"),
    "toml": ("TOML", "toml"),
    "html": ("HTML", "html"),
}
PLAIN = ("", "text")
WORD = re.compile(r"[a-z_]+")
SPEAKS = ("openai-audio", "tts-1")

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass(frozen=True)
class Heading:
    anchor: str
    text: str
    level: int


@dataclass(frozen=True)
class Block:
    """A piece of the page: prose, or samples that say the same in several languages."""

    html: SafeString | None = None
    samples: tuple[Sample, ...] = ()
    run: str = ""  # where Create does what the samples do


@dataclass
class Page:
    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)


@lru_cache(maxsize=64)
def page(markdown: str) -> Page:
    """A whole document; its first heading is the title."""
    made = Page()
    prose: list[Token] = []
    samples: list[Sample] = []
    rows, named = 0, set[str]()

    def say() -> None:
        if prose:
            made.blocks.append(Block(_clean(_markdown.renderer.render(prose, _markdown.options, {}))))
            prose.clear()

    def show() -> None:
        if samples:
            made.blocks.append(Block(samples=tuple(samples), run=_run(samples)))
            samples.clear()

    for kind, tokens in _parts(_markdown.parse(markdown)):
        if kind == "title":
            made.title = tokens[1].content
        elif kind == "fence" and tokens[0].level == 0:
            say()
            samples.append(_sample(tokens[0]))
        else:
            show()
            if kind == "heading":
                made.headings.append(_anchored(tokens, made.headings))
            rows += (tokens[0].type == "table_open") - (tokens[0].type == "table_close")
            if rows:
                _name_words(tokens[0], named)
            prose += tokens
    say()
    show()
    return made


def _parts(tokens: list[Token]) -> Iterator[tuple[str, list[Token]]]:
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open" and token.level == 0:
            yield ("title" if token.tag == "h1" else "heading"), tokens[at : at + 3]
            at += 3
        else:
            yield ("fence" if token.type == "fence" else "prose"), [token]
            at += 1


def _anchored(tokens: list[Token], known: list[Heading]) -> Heading:
    text = "".join(child.content for child in tokens[1].children or ())
    anchor = wanted = slugify(text, allow_unicode=True) or "part"
    number = 1
    while any(each.anchor == anchor for each in known):
        number += 1
        anchor = f"{wanted}-{number}"
    tokens[0].attrSet("id", anchor)
    return Heading(anchor, text, int(tokens[0].tag[1]))


def _name_words(token: Token, named: set[str]) -> None:
    """A code or parameter in a table can be led to: `#code-quota_exceeded`, where it stands first."""
    for child in token.children or ():
        if child.type == "code_inline" and WORD.fullmatch(child.content) and child.content not in named:
            named.add(child.content)
            child.attrSet("id", f"code-{child.content}")


def _sample(token: Token) -> Sample:
    kind = token.info.strip()
    name, language = LANGUAGES.get(kind, ("", "text"))
    if kind == "sh" and token.content.lstrip().startswith("curl"):
        name = "cURL"
    return Sample(name, language, token.content)


def _clean(html: str) -> SafeString:
    clean = nh3.clean(
        html.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>"),
        tags=TAGS | {"div"},
        attributes={**ATTRIBUTES, "h2": {"id"}, "h3": {"id"}, "h4": {"id"}, "div": {"class"}, "code": {"class", "id"}},
        url_schemes={"http", "https", "mailto", "ws"},
        link_rel=None,
    )
    clean = re.sub(r'<div class="scroll">', '<div class="scroll" tabindex="0">', clean)
    return mark_safe(re.sub(r'<a href="#">(.*?)</a>', r"\1", clean))  # noqa: S308


# --- Run --------------------------------------------------------------------------------------------------------------


def _run(samples: list[Sample]) -> str:
    """The create page with what the first curl command asks for; empty where it makes nothing that Create makes."""
    for line in samples[0].code.replace("\\\n", " ").splitlines() if samples[0].name == "cURL" else ():
        if found := _asked(line):
            mode, asked = found
            return f"/create?{urlencode({'mode': mode, **asked})}"
    return ""


def _asked(command: str) -> tuple[str, dict[str, str]] | None:
    if body := re.search(r"(?:-d|--json) '(\{.*\})'", command, re.S):
        return _from_body(body[1])
    address = re.search(r'https?://[^\s"\']+', command)
    return _from_address(address[0]) if address else None


def _from_body(text: str) -> tuple[str, dict[str, str]] | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    said = body.get("messages") or [{}]
    words = said[-1].get("content") if isinstance(said, list) else None
    speaks = body.get("model") in SPEAKS
    prompt = words or body.get("input") or body.get("prompt")
    if not isinstance(prompt, str):
        return None
    return ("speech" if speaks else "image" if "size" in body else "text"), {"prompt": prompt}


def _from_address(address: str) -> tuple[str, dict[str, str]] | None:
    query = dict(parse_qsl(urlsplit(address).query))
    bare = address.partition("?")[0]
    for base in (f"{settings.IMAGE_URL}/prompt/", f"{settings.SITE_URL}/prompt/"):
        if bare.startswith(base) and "image" not in query:
            return "image", {"prompt": unquote(bare.removeprefix(base))}
    words = unquote(bare.removeprefix(f"{settings.TEXT_URL}/"))
    if bare.startswith(f"{settings.TEXT_URL}/") and words not in ("", "models", "feed", "openai"):
        return ("speech" if query.get("model") in SPEAKS else "text"), {"prompt": words}
    return None
