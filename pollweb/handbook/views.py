"""`/docs`, its guides and their Markdown, the reference of the API, and `/llms.txt`."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.csp import CSP
from django.utils.translation import gettext as _
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from pollweb.handbook import guides, pages
from pollweb.lib.punctuation import named

MARKDOWN = "text/markdown; charset=utf-8"
# Swagger UI colours its samples with styles in their elements, draws its icons from data: addresses, and asks the API's
# own hosts.
REFERENCE_CSP: dict[str, Any] = {
    **settings.SECURE_CSP,
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "connect-src": [CSP.SELF, settings.IMAGE_URL, settings.TEXT_URL, settings.AUTH_URL],
    "media-src": [CSP.SELF, "data:", "blob:"],
}


@require_safe
def guide(request: HttpRequest, slug: str = "quick-start") -> HttpResponse:
    """One guide; `/docs` is the first of them."""
    if slug not in guides.BY_SLUG:
        raise Http404
    shown = guides.BY_SLUG[slug]
    markdown, language = guides.markdown(shown, guides.current_language())
    before, after = guides.neighbours(shown)
    context = {
        "guide": shown,
        "groups": guides.GROUPS,
        "page": pages.page(markdown),
        "language": "" if language == guides.current_language() else language,
        "before": before,
        "after": after,
        "canonical_url": f"{settings.SITE_URL}/docs/{shown.slug}",
    }
    return render(request, "docs/guide.html", context)


@require_safe
def source(request: HttpRequest, slug: str) -> HttpResponse:
    """A guide's Markdown, with this installation's addresses, for programs that read."""
    if slug not in guides.BY_SLUG:
        raise Http404
    markdown, language = guides.markdown(guides.BY_SLUG[slug], guides.current_language())
    return HttpResponse(markdown, content_type=MARKDOWN, headers={"Content-Language": language})


@require_safe
@csp_override(REFERENCE_CSP)
def reference(request: HttpRequest) -> HttpResponse:
    """Swagger UI over /v1/openapi.json."""
    return render(request, "docs/reference.html", {"groups": guides.GROUPS, "document": "/v1/openapi.json"})


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    """https://llmstxt.org: what there is to read here, for programs."""
    lines = [
        f"# {settings.DESIGN.site.name}",
        "",
        "> " + _("Pictures, text, chat, speech, transcription and live feeds behind one API, with a gallery."),
        "",
        "- " + named(_("Image API"), settings.IMAGE_URL),
        "- " + named(_("Text API"), settings.TEXT_URL),
        "- " + named("OpenAI", f"{settings.SITE_URL}/v1"),
        "- " + named("MCP", f"{settings.SITE_URL}/mcp"),
        "- " + named("OpenAPI", f"{settings.SITE_URL}/v1/openapi.json"),
    ]
    for name, group in guides.GROUPS:
        lines += ["", f"## {name}", ""]
        lines += [f"- [{each.name}]({settings.SITE_URL}/docs/{each.slug}.md)" for each in group]
    return HttpResponse("\n".join([*lines, ""]), content_type=MARKDOWN)
