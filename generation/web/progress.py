"""How a job stands, in words and numbers, for its page and its socket."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generation import order, wellbeing
from generation.models import Generation, State


def of(job: Generation) -> dict[str, Any]:
    """`title` and `detail` in words; `elapsed` in seconds since the work, or the waiting, began; of one that is being
    made, `expected` is how many this model usually takes, None where nobody knows."""
    now = timezone.now()
    expected = None
    if job.state == State.RUNNING:
        began = job.started_at or now
        title, detail = _("Being made"), _("The engine is at work.")
        expected = wellbeing.seen().get("speeds", {}).get(job.model)
    elif job.state == State.QUEUED:
        began = job.queued_at
        title, detail = _("In line"), _ahead(job)
    else:
        began = job.started_at or job.created_at
        title, detail = _ended(job)
    return {
        "title": title,
        "detail": detail,
        "elapsed": max(0, round(((job.finished_at or now) - began).total_seconds())),
        "expected": expected,
    }


def told(job: Generation) -> dict[str, Any]:
    """The same for a script. `url` is where the result is, once there is one."""
    url = reverse("item" if job.is_visible else "job", args=[job.public_id])
    return {"state": job.state, "is_final": job.is_final, "url": url, **of(job)}


def _ahead(job: Generation) -> str:
    position, seconds = order.place(job)
    if seconds >= 1:
        n = max(1, round(seconds))
        return ngettext(
            "Your next start is allowed in about %(n)s second.", "Your next start is allowed in about %(n)s seconds.", n
        ) % {"n": n}
    if position <= 1:
        return _("You are next.")
    return ngettext("%(n)s job is before yours.", "%(n)s jobs are before yours.", position - 1) % {"n": position - 1}


def _ended(job: Generation) -> tuple[str, str]:
    if job.state == State.SUCCEEDED:
        return _("Done"), ""
    if job.state == State.CANCELLED:
        return _("Cancelled"), _("You stopped this job. Nothing was made.")
    return _("This did not work"), job.error_message or _("The engine gave no reason.")
