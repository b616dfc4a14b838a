"""The bytes of a result as an answer of a page."""

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from generation import media
from generation.models import Generation
from generation.web.result import file_name


def answer(request: HttpRequest, generation: Generation, *, attachment: bool = False) -> HttpResponse:
    """The stored file, or, of an answer, its Markdown. NotFound when the file is no longer there."""
    name = file_name(generation)
    if generation.artifact is None:
        response = HttpResponse(generation.response, content_type="text/markdown; charset=utf-8")
    else:
        response = async_to_sync(media.respond)(request, generation, filename="file", attachment=attachment)
    response["Content-Disposition"] = content_disposition_header(attachment, name) or "inline"
    return response
