"""The page of one job, from waiting in line to its result; it belongs to whoever started it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from generation import intake
from generation.models import Generation, State
from generation.web import files, own
from generation.web.result import result_context
from pollweb.accounts import identity
from pollweb.lib.errors import NotFound


def find(request: HttpRequest, public_id: str) -> Generation:
    """One's own job, or anybody's public result. NotFound otherwise, whether it is there or not."""
    job = Generation.objects.filter(public_id=public_id).select_related("artifact").first()
    if job is None or not (own.is_own(request, public_id) or job.is_visible):
        raise NotFound(_("There is no such job, or it was started in another browser."))
    return job


@never_cache
@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    job = find(request, public_id)
    if job.is_visible:
        return redirect("item", public_id)
    context: dict[str, Any] = {"job": job, "progress": _progress(job)}
    if job.state == State.SUCCEEDED:
        context |= result_context(job)
    return render(request, "generation/job.html", context)


@never_cache
@require_safe
def state(request: HttpRequest, public_id: str) -> JsonResponse:
    """How it stands, for a page that asks every second. `url` is where the result is, once there is one."""
    job = find(request, public_id)
    url = reverse("item" if job.is_visible else "job", args=[public_id])
    return JsonResponse({"state": job.state, "is_final": job.is_final, "url": url, **_progress(job)})


def _progress(job: Generation) -> dict[str, Any]:
    """`title` and `detail` in words; `elapsed` in seconds since the work, or the waiting, began."""
    now = timezone.now()
    if job.state == State.RUNNING:
        began = job.started_at or now
        title, detail = _("Being made"), _("The engine is at work.")
    elif job.state == State.QUEUED:
        began = job.queued_at
        title, detail = _("In line"), _ahead(job, now)
    else:
        began = job.started_at or job.created_at
        title, detail = _ended(job)
    return {
        "title": title,
        "detail": detail,
        "elapsed": max(0, round(((job.finished_at or now) - began).total_seconds())),
    }


def _ahead(job: Generation, now: Any) -> str:
    starts = job.start_after
    if starts and starts > now:
        seconds = max(1, round((starts - now).total_seconds()))
        return ngettext(
            "Your next start is allowed in about %(n)s second.",
            "Your next start is allowed in about %(n)s seconds.",
            seconds,
        ) % {"n": seconds}
    waiting = Generation.objects.filter(state=State.QUEUED, slot=job.slot, queued_at__lt=job.queued_at)[:100].count()
    if not waiting:
        return _("You are next.")
    return ngettext("%(n)s job is before yours.", "%(n)s jobs are before yours.", waiting) % {"n": waiting}


def _ended(job: Generation) -> tuple[str, str]:
    if job.state == State.SUCCEEDED:
        return _("Done"), ""
    if job.state == State.CANCELLED:
        return _("Cancelled"), _("You stopped this job. Nothing was made.")
    return _("This did not work"), job.error_message or _("The engine gave no reason.")


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
