"""A team's tokens: the list, a new one, and the page of each."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import allowances, audit, reports, scopes, tokens
from pollweb.accounts.models import Token
from pollweb.accounts.pages import NotAllowed, one_of, team_page
from pollweb.accounts.token_forms import Limits, NewToken, Revocation, Rotation
from pollweb.accounts.tokens import Actor

ROWS = 50
STATES = {"active": "usable", "expiring": "expiring", "expired": "expired", "revoked": "revoked"}


def _token(request: Any, pk: int, *, to_change: bool = False) -> Token:
    """The team's token of this number; NotAllowed for somebody else's that one may not change."""
    found = one_of(Token.objects.filter(team=request.visit.team, pk=pk).select_related("created_by", "app", "team"))
    if to_change and not _may_change(request, found):
        raise NotAllowed(_("This token is somebody else's. Its maker or an admin of the team can change it."))
    return found


def _may_change(request: Any, token: Token) -> bool:
    if "tokens.change_all" in request.visit.may:
        return True
    return "tokens.change" in request.visit.may and token.created_by_id == request.visit.user.pk


@require_safe
@team_page("tokens.see")
def tokens_list(request: Any) -> HttpResponse:
    """Newest first. Filters: `state`, `creator` (a member's number), `unused`."""
    team, asked = request.visit.team, request.GET
    rows = team.tokens.select_related("created_by", "app").order_by("-pk")
    state = asked.get("state", "")
    if state in STATES:
        rows = getattr(rows, STATES[state])()
    if (creator := asked.get("creator", "")).isdecimal():
        rows = rows.filter(created_by=int(creator))
    if asked.get("unused"):
        rows = rows.filter(last_used_at=None)
    page = rows.filter(pk__lt=int(asked["before"])) if asked.get("before", "").isdecimal() else rows
    found = list(page[: ROWS + 1])
    kept = {name: asked[name] for name in ("state", "creator", "unused") if asked.get(name)}
    lately = reports.lately(team, "token_id", [token.pk for token in found[:ROWS]])
    context = {
        "tokens": [(token, lately[token.pk]) for token in found[:ROWS]],
        "older_url": f"?{urlencode({**kept, 'before': found[ROWS - 1].pk})}" if len(found) > ROWS else "",
        "newer_url": f"?{urlencode(kept)}" if "before" in asked else "",
        "filters": kept,
        "creators": list(
            team.tokens.exclude(created_by=None)
            .order_by("created_by__username")
            .values_list("created_by", "created_by__username")
            .distinct()
        ),
        "expiring": list(team.tokens.expiring().order_by("expires_at")[:5]),
        "in_urls": list(team.tokens.usable().exclude(seen_in_url_at=None)[:5]),
        "any": bool(found) or team.tokens.exists(),
        "usable": team.tokens.usable().exists(),
    }
    return render(request, "teams/tokens.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("tokens.create")
def new(request: Any) -> HttpResponse:
    form = NewToken(request.POST or None, team=request.visit.team)
    if request.method == "POST" and form.is_valid():
        limits = form.limits()
        made = tokens.create(
            request.visit.team, limits.pop("name"), limits.pop("visibility"), by=Actor.at(request), **limits
        )
        return _made(request, made)
    return render(request, "teams/token_new.html", {"form": form}, status=422 if form.errors else 200)


def _made(request: HttpRequest, made: tokens.NewToken, *, rotated: bool = False) -> HttpResponse:
    """The one page that shows the secret: it answers the form itself, since nothing keeps the secret."""
    lines = [
        f"POLLWEB_TOKEN={made.secret}",
        f"OPENAI_API_KEY={made.secret}",
        f"OPENAI_BASE_URL={settings.SITE_URL}/v1",
    ]
    context = {
        "token": made.token,
        "secret": made.secret,
        "rotated": rotated,
        "env": "data:text/plain;charset=utf-8," + quote("\n".join(lines) + "\n"),
        "curl": f'curl "{settings.TEXT_URL}/Say%20hello" -H "Authorization: Bearer {made.secret}"',
        "used": False,
    }
    return render(request, "teams/token_made.html", context)


@require_safe
@team_page("tokens.see")
def first(request: Any, token: int) -> HttpResponse:
    """Whether the new secret was used: a piece of the page that shows it, which asks every two seconds."""
    found = _token(request, token)
    since = found.last_used_at and (found.previous_until is None or not found.previous_works or _newer(found))
    return render(request, "teams/_token_first.html", {"token": found, "used": bool(since)})


def _newer(token: Token) -> bool:
    """Whether the secret of now was used, and not only the one before it."""
    return token.last_used_at != token.previous_used_at


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("tokens.see")
def one(request: Any, token: int) -> HttpResponse:
    """What it may do, when it was used, and the forms that change it."""
    found = _token(request, token, to_change=request.method == "POST")
    form = Limits(request.POST or None, team=request.visit.team, initial=Limits.initial_of(found))
    if request.method == "POST" and form.is_valid():
        _change(request, found, form.limits())
        messages.success(request, _("Saved. It holds for every request from now on."))
        return redirect("team-tokens-one", request.visit.team.slug, found.pk)
    return _page(request, found, form, 422 if form.errors else 200)


def _page(request: Any, token: Token, form: Limits, status: int = 200, **forms: Any) -> HttpResponse:
    undo = token.revoked_at is not None and token.revoked_at > timezone.now() - tokens.UNDO
    context = {
        "token": token,
        "may_change": _may_change(request, token),
        "words": [words for name, words in scopes.WORDS.items() if name in scopes.of(token.scopes)],
        "form": form,
        "rotation": Rotation(),
        "revocation": Revocation(),
        "may_undo": undo,
        "allowances": allowances.of(token),
        **forms,
    }
    return render(request, "teams/token.html", context, status=status)


@transaction.atomic
def _change(request: Any, token: Token, fields: dict[str, Any]) -> None:
    changed = sorted(name for name, value in fields.items() if getattr(token, name) != value)
    for name, value in fields.items():
        setattr(token, name, value)
    token.save(update_fields=list(fields))
    audit.record(
        "token.changed",
        team=token.team,
        actor=request.visit.user,
        target=token,
        request=request,
        token=token.pk,
        fields=changed,
    )


@require_POST
@team_page("tokens.see")
def rotate(request: Any, token: int) -> HttpResponse:
    found = _token(request, token, to_change=True)
    form = Rotation(request.POST)
    if found.state == "revoked":
        messages.error(request, _("A revoked token is not rotated. Make a new one."))
    elif form.is_valid():
        overlap = timedelta(hours=int(form.cleaned_data["overlap"]))
        return _made(request, tokens.rotate(found, overlap, by=Actor.at(request)), rotated=True)
    else:
        limits = Limits(team=request.visit.team, initial=Limits.initial_of(found))
        return _page(request, found, limits, 422, rotation=form)
    return redirect("team-tokens-one", request.visit.team.slug, found.pk)


@require_POST
@team_page("tokens.see")
def revoke(request: Any, token: int) -> HttpResponse:
    found = _token(request, token, to_change=True)
    form = Revocation(request.POST)
    if not form.is_valid():
        limits = Limits(team=request.visit.team, initial=Limits.initial_of(found))
        return _page(request, found, limits, 422, revocation=form)
    if found.revoked_at is None:
        tokens.revoke(found, form.cleaned_data["reason"], by=Actor.at(request))
    return redirect("team-tokens-one", request.visit.team.slug, found.pk)


@require_POST
@team_page("tokens.see")
def restore(request: Any, token: int) -> HttpResponse:
    found = _token(request, token, to_change=True)
    if tokens.restore(found, by=Actor.at(request)):
        messages.success(request, _("The token works again."))
    else:
        messages.error(request, _("It was revoked too long ago to be had back. Make a new one."))
    return redirect("team-tokens-one", request.visit.team.slug, found.pk)
