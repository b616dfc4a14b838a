"""`/status`: how this installation is and was, for people, as JSON and as a feed, without asking the database."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from generation import wellbeing
from pollweb.gallery import announcements
from pollweb.gallery.models import Announcement
from pollweb.lib.punctuation import named

PARTS = {
    "image": gettext_lazy("Pictures"),
    "text": gettext_lazy("Text and chat"),
    "audio": gettext_lazy("Speech"),
    "transcription": gettext_lazy("Transcription"),
    "queue": gettext_lazy("Queue"),
    "feed": gettext_lazy("Live feed"),
    "storage": gettext_lazy("Storage"),
    "workers": gettext_lazy("Workers"),
}
STATES = {
    "ok": gettext_lazy("Works"),
    "troubled": gettext_lazy("Troubled"),
    "away": gettext_lazy("Away"),
    "unknown": gettext_lazy("Unknown"),
}
OVERALL = {
    "ok": gettext_lazy("Everything works."),
    "troubled": gettext_lazy("Some things are slow, away, or answered by substitutes."),
    "away": gettext_lazy("This server cannot make anything at the moment."),
    "unknown": gettext_lazy("Nobody has looked for some minutes. The workers may be away."),
}
DAYS, STEP = 90, 6  # bars, and units of the drawing from one to the next
MOST_ENTRIES = 50


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    told = wellbeing.seen()
    overall = wellbeing.overall(told)
    context = {
        "overall": overall,
        "sentence": OVERALL[overall],
        "rows": [_row(part, told) for part in PARTS if not told["known"] or part in told["parts"]],
        "days": DAYS,
        "incidents": announcements.incidents(),
        "at": datetime.fromtimestamp(told["at"], UTC) if "at" in told else None,
    }
    response = render(request, "gallery/status.html", context)
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """`/status.json`: the same for programs; `status` is ok, troubled, away or unknown."""
    told = wellbeing.seen()
    kept = {name: value for name, value in told.items() if name not in ("known", "storage")}
    kept["at"] = datetime.fromtimestamp(told["at"], UTC).isoformat() if "at" in told else None
    kept["incidents"] = [_incident(each) for each in announcements.incidents()]
    return JsonResponse({"status": wellbeing.overall(told), **kept}, headers={"Cache-Control": "no-cache"})


@require_safe
def atom(request: HttpRequest) -> HttpResponse:
    """What the operator says of incidents, then each day on which something was wrong, newest first."""
    feed = Atom1Feed(
        title=_("Status of %(site)s") % {"site": settings.DESIGN.site.name},
        link=f"{settings.SITE_URL}/status",
        feed_url=f"{settings.SITE_URL}/status.atom",
        description="",
    )
    for incident in announcements.incidents()[:MOST_ENTRIES]:
        feed.add_item(
            title=incident.words,
            link=f"{settings.SITE_URL}/status#incidents",
            description=incident.words,
            unique_id=f"{settings.SITE_URL}/status#incident-{incident.pk}",
            pubdate=incident.begins_at,
            updateddate=incident.ends_at or incident.begins_at,
        )
    told = wellbeing.seen()
    bad = [
        (day["day"], part, day)
        for part, days in told.get("history", {}).items()
        for day in days
        if part in PARTS and day["troubled"] + day["away"]
    ]
    for day, part, counts in sorted(bad, key=lambda each: (each[0], each[1]), reverse=True)[:MOST_ENTRIES]:
        feed.add_item(
            title=named(PARTS[part], _title(counts)),
            link=f"{settings.SITE_URL}/status#{part}",
            description=_title(counts),
            unique_id=f"{settings.SITE_URL}/status#{part}-{day}",
            updateddate=datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=23),
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _incident(row: Announcement) -> dict[str, Any]:
    ended = row.ends_at.isoformat() if row.ends_at and row.state == "over" else None
    return {"words": row.words, "began_at": row.begins_at.isoformat(), "ended_at": ended}


def _row(part: str, told: dict[str, Any]) -> dict[str, Any]:
    state = told["parts"].get(part, "unknown") if told["known"] else "unknown"
    days = {day["day"]: day for day in told.get("history", {}).get(part, ())}
    today = datetime.now(UTC).date()
    every = [today - timedelta(days=DAYS - 1 - at) for at in range(DAYS)]
    bars = [{"x": at * STEP, **_bar(days.get(str(day)), day)} for at, day in enumerate(every)]
    looks = sum(day["looks"] for day in days.values())
    well = sum(day["looks"] - day["away"] for day in days.values())
    return {
        "part": part,
        "name": PARTS[part],
        "state": state,
        "word": STATES[state],
        "detail": _detail(part, told) if told["known"] else "",
        "bars": bars,
        "share": f"{100 * well / looks:.2f}" if looks else "",
    }


def _bar(day: dict[str, Any] | None, when: date) -> dict[str, Any]:
    if day is None or not day["looks"]:
        return {"day": when, "state": "unknown", "words": STATES["unknown"]}
    share = (day["troubled"] + day["away"]) / day["looks"]
    state = "away" if day["away"] / day["looks"] > 0.05 else "troubled" if share > 0.005 else "ok"
    return {"day": when, "state": state, "words": _title(day) if state != "ok" else STATES["ok"]}


def _title(day: dict[str, Any]) -> str:
    """How long something was wrong on a day: one look is one minute."""
    bad = day["troubled"] + day["away"]
    return ngettext("%(n)d minute of trouble", "%(n)d minutes of trouble", bad) % {"n": bad}


def _detail(part: str, told: dict[str, Any]) -> str:
    match part:
        case "queue":
            if not told["queue"]["length"]:
                return _("Nothing waits")
            return _("%(n)d wait, the oldest for %(seconds)d s") % {
                "n": told["queue"]["length"],
                "seconds": told["queue"]["oldest"],
            }
        case "feed":
            rate = told["feed"]["per_minute"]
            return _("%(n)d in the last minute") % {"n": rate} if rate is not None else ""
        case "workers":
            return ngettext("%(n)d is here", "%(n)d are here", told["workers"]) % {"n": told["workers"]}
        case _:
            return ""
