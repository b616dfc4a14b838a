"""A model's Markdown as HTML that is safe on our pages: no scripts, no forms, nothing fetched from elsewhere."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "li"),
    *("strong", "em", "del", "code", "a", "span"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "span": {"class"}, "ol": {"start"}, "th": {"align"}, "td": {"align"}}


def _coloured(code: str, language: str, _attributes: str) -> str:
    try:
        return highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True)) if language else ""
    except ClassNotFound:
        return ""


_markdown = MarkdownIt("commonmark", {"html": False, "highlight": _coloured}).enable(["table", "strikethrough"])


def coloured(code: str, language: str) -> SafeString:
    """Code coloured by classes, escaped by Pygments. `language` is one that it knows."""
    return mark_safe(_coloured(code, language, "").rstrip("\n"))  # noqa: S308


def to_html(markdown: str) -> SafeString:
    """Rendered and sanitised. Its headings start at the second level, since the page has a first one."""
    tokens = _markdown.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
    )
    return mark_safe(clean)  # noqa: S308
