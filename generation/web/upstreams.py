"""The operator's page of providers: how each is, and whether it is given work."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from generation import drains, tasks, upstreams
from pollweb.accounts.pages import staff_page
from pollweb.lib.errors import NotFound

# By state: a dot of components/state.html, and its word.
STATES = {
    upstreams.READY: ("ok", gettext_lazy("Ready")),
    upstreams.OPEN: ("failed", gettext_lazy("Fails, left alone for a while")),
    upstreams.NOT_READY: ("waiting", gettext_lazy("Not ready")),
    upstreams.UNKNOWN: ("none", gettext_lazy("Nobody knows")),
    "drained": ("off", gettext_lazy("Drained")),
}


@require_safe
@staff_page
def page(request: HttpRequest) -> HttpResponse:
    rows = [
        (each, *STATES[each.state], [(served, *STATES[served.state]) for served in each.serves])
        for each in upstreams.look()
    ]
    return render(request, "staff/upstreams.html", {"rows": rows})


@require_POST
@staff_page
def act(request: Any) -> HttpResponse:
    """`drain` with a `reason`, `undrain` or `probe` the `provider` that is named."""
    provider, deed = request.POST.get("provider", ""), request.POST.get("deed", "")
    if provider not in settings.DESIGN.providers or deed not in ("drain", "undrain", "probe"):
        raise NotFound(_("There is nothing at this address."))
    if deed == "probe":
        if tasks.send_probe(provider):
            messages.info(
                request, _("A worker asks it for one small thing of each kind. Load this page again in a moment.")
            )
        else:
            messages.error(request, _("No worker can be reached at the moment."))
        return redirect("staff-upstreams")
    if deed == "drain":
        reason = request.POST.get("reason", "").replace("\0", "").strip()[:200]
        is_done = drains.drain(provider, request.user, reason=reason, request=request)
        said = _("It gets no new work, in any process, within two seconds.")
    else:
        is_done = drains.undrain(provider, request.user, request=request)
        said = _("It is asked again within two seconds.")
    messages.info(request, said if is_done else _("Somebody else was quicker."))
    return redirect("staff-upstreams")
