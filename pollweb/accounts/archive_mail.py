"""The mail that says how an archive ended, to whoever asked for it: it is ready, or it could not be made.

Its row says since when it is due. Who sends it puts that off first, so that nobody else does, and takes it away when
the mail server has it. Whoever dies on the way leaves it due, now or after the lease: it goes once, and a second time
only where the server had it and the row could not hear of it any more.
"""

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from pollweb.accounts import mail
from pollweb.accounts.models import DataExport

LEASE = timedelta(minutes=10)
AGAIN = timedelta(minutes=5)  # after a mail server that was away
BATCH = 20


def send_due() -> None:
    """What a dead worker or an absent mail server left. Any number may run."""
    for export in DataExport.objects.untold().select_related("person", "team").order_by("tell_at")[:BATCH]:
        if not send(export):
            break  # the others would wait for the same server


def send(export: DataExport) -> bool:
    """Send its mail, unless somebody else is at it. False when the mail server did not take it."""
    row = DataExport.objects.filter(pk=export.pk)
    lease = timezone.now() + LEASE
    if export.tell_at is None or not row.filter(tell_at=export.tell_at).update(tell_at=lease):
        return True
    sent = not export.person.email or _sent(export)
    row.filter(tell_at=lease).update(tell_at=None if sent else timezone.now() + AGAIN)
    return sent


def _sent(export: DataExport) -> bool:
    return mail.send(
        "archive" if export.state == "ready" else "archive_failed",
        [export.person.email],
        {
            "team": export.team.name if export.team else "",
            "chosen": export.chosen,
            "bytes": export.size,
            "expires_at": export.expires_at,
            "link": settings.SITE_URL + _path(export),
        },
    )


def _path(export: DataExport) -> str:
    """Of the archive, which opens for them alone, signed in; or of the page where another one can be asked for."""
    if export.state == "ready":
        return reverse("export", args=[export.name])
    if export.team is None:
        return reverse("account-export")
    return reverse("team-library" if export.chosen else "team-settings-export", args=[export.team.slug])
