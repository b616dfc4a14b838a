"""A team's named walls: the list, the page of each with its screens, and what is done with them."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from feeds import collected, walls
from feeds.forms import ScreenForm, WallForm
from feeds.models import Screen, Wall
from pollweb.accounts.pages import one_of, team_page
from pollweb.accounts.tokens import Actor
from pollweb.lib.errors import BadRequest
from pollweb.lib.forms import sent

ON = timedelta(minutes=2)  # seen so lately, a screen is on


def _wall(request: Any, pk: int) -> Wall:
    return one_of(request.visit.team.walls.filter(pk=pk).select_related("team", "app", "created_by"))


def _screen(request: Any, pk: int) -> Screen:
    return one_of(Screen.objects.filter(pk=pk, wall__team=request.visit.team).select_related("wall__team"))


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("walls.see")
def walls_list(request: Any) -> HttpResponse:
    """GET: all of them. POST: make one."""
    if request.method == "POST":
        request.visit.require("walls.change")
    team = request.visit.team
    form = WallForm(sent(request), team=team, person=request.visit.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = walls.create(team, by=Actor.at(request), **form.values)
        except BadRequest as exc:
            form.add_error(None, exc.message)
        else:
            return redirect("team-walls-one", team.slug, made.pk)
    rows = list(team.walls.select_related("app").prefetch_related("screens").order_by("pk"))
    titles = collected.keeper.titles(wall.collection for wall in rows if wall.collection)
    context = {
        "form": form,
        "rows": [
            (wall, titles.get(wall.collection), _on(wall.screens.all()), len(wall.screens.all())) for wall in rows
        ],
        "is_full": len(rows) >= walls.MOST_WALLS,
    }
    return render(request, "teams/walls.html", context, status=422 if form.errors else 200)


def _is_on(screen: Screen) -> bool:
    return screen.last_seen_at is not None and screen.last_seen_at > timezone.now() - ON


def _on(screens: Any) -> int:
    return sum(map(_is_on, screens))


@require_safe
@team_page("walls.see")
def one(request: Any, wall: int) -> HttpResponse:
    found = _wall(request, wall)
    screens = list(found.screens.order_by("pk"))
    context = {
        "wall": found,
        "title": collected.keeper.titles([found.collection]).get(found.collection) if found.collection else None,
        "address": settings.SITE_URL + reverse("wall", args=[found.slug]),
        "screens": [(screen, _is_on(screen)) for screen in screens],
        "is_full": len(screens) >= walls.MOST_SCREENS,
    }
    return render(request, "teams/wall.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("walls.change")
def change(request: Any, wall: int) -> HttpResponse:
    found = _wall(request, wall)
    form = WallForm(sent(request), team=request.visit.team, person=request.visit.user, wall=found)
    if request.method == "POST" and form.is_valid():
        walls.change(found, by=Actor.at(request), **form.values)
        messages.success(request, _("Saved. Whoever looks at the wall sees it in a few seconds."))
        return redirect("team-walls-one", request.visit.team.slug, found.pk)
    context = {"form": form, "wall": found}
    return render(request, "teams/wall_change.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("walls.change")
def remove(request: Any, wall: int) -> HttpResponse:
    found = _wall(request, wall)
    if request.method == "POST":
        walls.remove(found, by=Actor.at(request))
        messages.success(request, _("%(name)s is removed.") % {"name": found.name})
        return redirect("team-walls", request.visit.team.slug)
    return render(request, "teams/wall_remove.html", {"wall": found, "screens": found.screens.count()})


@require_POST
@team_page("walls.change")
def reload(request: Any, wall: int) -> HttpResponse:
    """All screens of a wall."""
    walls.reload(_wall(request, wall))
    messages.success(request, _("The screens load their pages anew in a few seconds."))
    return redirect("team-walls-one", request.visit.team.slug, wall)


# --- screens ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("walls.change")
def add_screen(request: Any, wall: int) -> HttpResponse:
    """GET: the form. POST: the screen; the answer shows its display key, this once."""
    found = _wall(request, wall)
    form = ScreenForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made, key = walls.add_screen(found, form.cleaned_data["name"], form.shown, by=Actor.at(request))
        except BadRequest as exc:
            form.add_error(None, exc.message)
        else:
            return _made(request, made, key)
    context = {"form": form, "wall": found}
    return render(request, "teams/screen.html", context, status=422 if form.errors else 200)


def _made(request: Any, screen: Screen, key: str) -> HttpResponse:
    address = f"{settings.SITE_URL}{reverse('kiosk')}?token={key}"
    return render(request, "teams/screen_made.html", {"screen": screen, "wall": screen.wall, "address": address})


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("walls.change")
def change_screen(request: Any, screen: int) -> HttpResponse:
    found = _screen(request, screen)
    form = ScreenForm(sent(request), screen=found)
    if request.method == "POST" and form.is_valid():
        walls.change_screen(found, form.cleaned_data["name"], form.shown, by=Actor.at(request))
        messages.success(request, _("Saved. The screen shows it in a few seconds."))
        return redirect("team-walls-one", request.visit.team.slug, found.wall_id)
    context = {"form": form, "wall": found.wall, "screen": found}
    return render(request, "teams/screen.html", context, status=422 if form.errors else 200)


@require_POST
@team_page("walls.change")
def reload_screen(request: Any, screen: int) -> HttpResponse:
    found = _screen(request, screen)
    walls.reload(found.wall, found)
    messages.success(request, _("%(name)s loads its page anew in a few seconds.") % {"name": found.name})
    return redirect("team-walls-one", request.visit.team.slug, found.wall_id)


@require_POST
@team_page("walls.change")
def rotate(request: Any, screen: int) -> HttpResponse:
    """A new display key; the answer shows it, this once."""
    found = _screen(request, screen)
    return _made(request, found, walls.rotate(found, by=Actor.at(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("walls.change")
def remove_screen(request: Any, screen: int) -> HttpResponse:
    found = _screen(request, screen)
    if request.method == "POST":
        walls.remove_screen(found, by=Actor.at(request))
        messages.success(request, _("%(name)s is removed.") % {"name": found.name})
        return redirect("team-walls-one", request.visit.team.slug, found.wall_id)
    return render(request, "teams/screen_remove.html", {"screen": found, "wall": found.wall})
