"""The page of one job, from waiting in line to its result; it belongs to whoever started it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from generation import intake
from generation.models import Generation, State
from generation.web import files, originals, own, progress
from generation.web.result import result_context
from generation.web.tiles import Tile
from generation.wire import transcripts
from pollweb.accounts import identity
from pollweb.lib.errors import NotFound


def find(request: HttpRequest, public_id: str) -> Generation:
    """One's own job, or anybody's public result. NotFound otherwise, whether it is there or not."""
    job = Generation.objects.filter(public_id=public_id).select_related("artifact").first()
    if job is None or job.deleted_at or not (own.is_own(request, public_id) or job.is_visible):
        raise NotFound(_("There is no such job, or it was started in another browser."))
    return job


@never_cache
@require_safe
def several(request: HttpRequest) -> HttpResponse:
    """What this browser made, or what `?id=…&id=…` names of it; `?part` is the list alone, to be fetched again."""
    asked = request.GET.getlist("id")[: own.MOST]
    made = own.recent(request, own.MOST, asked)
    context = {
        "tiles": [Tile(job, position, own=True) for position, job in enumerate(made)],
        "asked": asked,
        "unfinished": any(not job.is_final for job in made),
        "part": reverse("jobs", query={"id": asked, "part": ""}),
    }
    return render(request, "generation/_made.html" if "part" in request.GET else "generation/jobs.html", context)


@never_cache
@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    job = find(request, public_id)
    if job.is_visible or job.is_kept_back:  # whose page says why
        return redirect("item", public_id)
    context: dict[str, Any] = {"job": job, "progress": progress.of(job)}
    if job.state == State.SUCCEEDED:
        context |= {**result_context(job), "is_own": True, "original": originals.of(job, is_own=True)}
    return render(request, "generation/job.html", context)


@never_cache
@require_safe
def state(request: HttpRequest, public_id: str) -> JsonResponse:
    """How it stands, for a page that asks every second because it has no socket."""
    return JsonResponse(progress.told(find(request, public_id)))


@require_POST
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stop one's own job, unless it is shared with somebody who asked for the same before."""
    job = find(request, public_id)
    if own.is_own(request, public_id):
        intake.cancel(job, identity.visitor(request))
    return redirect("job", public_id)


@never_cache
@require_safe
def media(request: HttpRequest, public_id: str) -> HttpResponse:
    """The bytes of one's own result, private ones too."""
    job = find(request, public_id)
    if job.state != State.SUCCEEDED:
        raise NotFound(_("This job has no result."))
    return files.answer(request, job, attachment="download" in request.GET)


TRANSCRIPTS = {
    "txt": ("text/plain", transcripts.text),
    "srt": ("application/x-subrip", transcripts.srt),
    "vtt": ("text/vtt", transcripts.vtt),
}


@never_cache
@require_safe
def transcript(request: HttpRequest, public_id: str, format: str) -> HttpResponse:
    """One's own recording as it was written down, as text or as subtitles."""
    job = find(request, public_id)
    if job.state != State.SUCCEEDED or job.ability != "transcription":
        raise NotFound(_("This job has no transcript."))
    media_type, write = TRANSCRIPTS[format]
    response = HttpResponse(write(job), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="transcript-{job.created_at:%Y-%m-%d}.{format}"'
    return response
