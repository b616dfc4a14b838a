"""A team's referrers: the list, adding one, showing that it is one's own, and what others send."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import audit, domains, looking, referrers, reports, verification
from pollweb.accounts.errors import InvalidReferrer
from pollweb.accounts.models import Referrer, SeenHost
from pollweb.accounts.pages import NotAllowed, one_of, team_page
from pollweb.accounts.tokens import Actor

MOST_SEEN = 50


class Registration(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Domain or identifier"),
        max_length=domains.LONGEST,
        widget=forms.TextInput(
            attrs={"placeholder": "app.example.com", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=gettext_lazy("An address, a domain, *.example.com for all below it, or a name such as MyPythonApp."),
    )
    app = forms.CharField(
        label=gettext_lazy("App"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"list": "apps"}),
        help_text=gettext_lazy("What it is a part of. Usage is told by app too."),
    )


def _referrer(request: Any, pk: int, *, to_change: bool = False) -> Referrer:
    found = one_of(Referrer.objects.filter(team=request.visit.team, pk=pk).select_related("app", "team", "created_by"))
    if to_change and not _may_change(request, found):
        raise NotAllowed(_("This referrer is somebody else's. Its maker or an admin of the team can change it."))
    return found


def _may_change(request: Any, referrer: Referrer) -> bool:
    if "referrers.change" in request.visit.may:
        return True
    return "referrers.create" in request.visit.may and referrer.created_by_id == request.visit.user.pk


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("referrers.see")
def referrers_list(request: Any) -> HttpResponse:
    """GET: all, by app; `test=` says what a referrer would get. POST: register one."""
    if request.method == "POST":
        request.visit.require("referrers.create")
        form = Registration(request.POST)
        if form.is_valid():
            try:
                row = referrers.register(
                    request.visit.team,
                    form.cleaned_data["text"],
                    form.cleaned_data["app"].strip(),
                    by=Actor.at(request),
                )
            except InvalidReferrer as exc:
                form.add_error("text", exc.message)
            else:
                if row.kind == "identifier":
                    messages.success(request, _("%(name)s is yours and counts from now on.") % {"name": row.pattern})
                return redirect("team-referrers-one", request.visit.team.slug, row.pk)
        return _list(request, form, 422)
    return _list(request, Registration())


def _list(request: Any, form: Registration, status: int = 200) -> HttpResponse:
    team = request.visit.team
    rows = list(team.referrers.select_related("app").order_by("app__name", "pattern")[: referrers.MOST_OF_A_TEAM])
    lately = reports.lately(team, "referrer", [row.pattern for row in rows])
    test = request.GET.get("test", "").strip()[: domains.LONGEST]
    context = {
        "form": form,
        "rows": [(row, lately[row.pattern], referrers.tier_of(team, row.kind)) for row in rows],
        "apps": list(team.apps.order_by("name").values_list("name", flat=True)),
        "seen": list(team.seen_hosts.order_by("blocked_at", "-requests")[:MOST_SEEN]),
        "test": test,
        "tested": _tested(test) if test else None,
        "may_change": "referrers.change" in request.visit.may,
    }
    return render(request, "teams/referrers.html", context, status=status)


def _tested(text: str) -> dict[str, Any]:
    """What a request with this referrer would get, and why."""
    claim = domains.named(text)
    standing = referrers.stand(claim.pattern) if claim else referrers.UNKNOWN
    return {"claim": claim, "standing": standing}


@require_safe
@team_page("referrers.see")
def one(request: Any, referrer: int) -> HttpResponse:
    row = _referrer(request, referrer)
    host = verification.host_of(row)
    context = {
        "referrer": row,
        "host": host,
        "line": verification.line_of(row),
        "tag": f'<meta name="{verification.NAME}" content="{row.proof}">',
        "file": f"https://{host}{verification.FILE}",
        "progress": looking.progress(row),
        "tier": referrers.tier_of(row.team, row.kind),
        "may_change": _may_change(request, row),
    }
    return render(request, "teams/referrer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("referrers.see")
def check(request: Any, referrer: int) -> HttpResponse:
    """POST: have it looked at; the referrer's page says what is seen. GET: what that page asks until it is over."""
    row = _referrer(request, referrer, to_change=request.method == "POST")
    if request.method == "POST":
        if row.kind != "identifier":
            looking.ask(row, request.visit.user)
        return redirect("team-referrers-one", request.visit.team.slug, row.pk)
    progress = looking.progress(row)
    if progress is not None and progress.is_on:
        return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("referrers.see")
def remove(request: Any, referrer: int) -> HttpResponse:
    row = _referrer(request, referrer, to_change=True)
    if request.method == "POST":
        referrers.remove(row, by=Actor.at(request))
        messages.success(request, _("%(name)s is removed.") % {"name": row.pattern})
        return redirect("team-referrers", request.visit.team.slug)
    return render(request, "teams/referrer_remove.html", {"referrer": row})


@require_POST
@team_page("referrers.change")
def block(request: Any, host: int) -> HttpResponse:
    """Refuse a seen host the use of the team's identifiers, or allow it again."""
    seen = one_of(SeenHost.objects.filter(team=request.visit.team, pk=host))
    seen.blocked_at = None if seen.blocked_at else timezone.now()
    seen.save(update_fields=["blocked_at"])
    action = "referrer.blocked" if seen.blocked_at else "referrer.unblocked"
    audit.record(action, team=request.visit.team, actor=request.visit.user, target=seen, request=request)
    return redirect("team-referrers", request.visit.team.slug)
