"""The bytes of a result as an answer of a page."""

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from generation import media, saving
from generation.models import Generation
from generation.web.result import file_name
from pollweb.lib.errors import NotFound


def answer(request: HttpRequest, generation: Generation, *, attachment: bool = False) -> HttpResponse:
    """The stored file, or, of an answer, its Markdown. NotFound when the file is no longer there."""
    name = file_name(generation)
    if generation.artifact is None:
        response = HttpResponse(generation.response, content_type="text/markdown; charset=utf-8")
    else:
        response = async_to_sync(media.respond)(request, generation, filename="file", attachment=attachment)
    response["Content-Disposition"] = content_disposition_header(attachment, name) or "inline"
    return response


def another(request: HttpRequest, generation: Generation, format: str, *, with_settings: bool) -> HttpResponse:
    """A picture's file of another type (a name of saving.FORMATS, or "" for its own), or without its settings."""
    assert generation.artifact is not None
    media_type = saving.media_type(generation, format)
    etag = f'"{generation.artifact.digest[:24]}-{format or "own"}-{"with" if with_settings else "bare"}"'
    if etag in request.headers.get("if-none-match", ""):
        return HttpResponse(status=304, headers={"ETag": etag})
    data = saving.saved(generation, format, with_settings)
    if data is None:
        raise NotFound(_("The file of this result is no longer available. Make it again."))
    response = HttpResponse(data, content_type=media_type, headers={"ETag": etag})
    response["Content-Disposition"] = content_disposition_header(True, file_name(generation, media_type)) or ""
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
