"""The create page: a form for each kind of result, and the code that does the same."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generation import catalogue, intake, store
from generation.models import Generation
from generation.requests import DEFAULT_IMAGE_SEED, Request
from generation.web import brought, own
from generation.web.forms import FORMS, MODES, OWN_SHAPE, SHAPES, ImageForm, TextForm, WishForm, form_for
from generation.web.limits import standing
from generation.web.samples import Sample, samples
from generation.web.tiles import tiles
from pollweb.accounts import current, identity
from pollweb.accounts.models import Membership
from pollweb.lib.errors import NotFound, PollwebError


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form; sent, it starts a job and leads to its page. Mistakes answer 422 with everything that was typed."""
    mode = _mode(request)
    if request.method == "POST":
        form = FORMS[mode](request.POST, request.FILES)
        form.bring()
        if isinstance(form, TextForm) and (deed := request.POST.get("arrange")):
            form.arrange(deed)
            return _page(request, form)
        if "code" in request.POST:
            return _page(request, form)  # for browsers without scripts: nothing is started
        if not form.is_valid():
            return _page(request, form, status=422)
        return _started(request, form)
    begin = _begin(request)
    source = _source(request)
    if source is not None and source.kind == "image" and "edit" in request.GET:
        return _page(request, ImageForm(initial={**begin, **_to_edit(source)}))
    if source is not None:
        kind = form_for(source.request())
        again = kind.initial_from(source.request())
        if "vary" in request.GET:
            again.pop("seed", None)
        return _page(request, kind(initial={**begin, **again}))
    prompt = {} if mode == "transcribe" else {"prompt": request.GET.get("prompt", "")[:4000]}
    return _page(request, FORMS[mode](initial={**begin, **prompt}))


def _started(request: HttpRequest, form: WishForm) -> HttpResponse:
    """Queue all that the form asks for, as much as finds a place in line, and lead to it."""
    wishes = form.wishes()
    started: list[str] = []
    for wish in wishes:
        try:
            started.append(_queue(request, wish))
        except PollwebError as error:
            if not started:
                return _refused(request, form, error)
            told = {"n": len(started), "count": len(wishes), "reason": error.message}
            sentence = ngettext(
                "%(n)s of %(count)s was started. %(reason)s",
                "%(n)s of %(count)s were started. %(reason)s",
                len(started),
            )
            messages.warning(request, sentence % told)
            break
    if len(started) == 1:
        return redirect("job", started[0])
    return redirect(reverse("jobs", query={"id": started}))


def _queue(request: HttpRequest, wish: Request) -> str:
    job = intake.enqueue(wish, intake.Context(principal=identity.visitor(request)))
    own.remember(request, job.public_id)
    return job.public_id


def _to_edit(source: Generation) -> dict[str, Any]:
    """A form that changes this picture: with the first model that can, if there is one."""
    editor = next((card.name for card in catalogue.cards("image").values() if card.edits), None)
    pictures = brought.of([source.artifact_id] if source.artifact_id else [])
    return {"model": editor or source.model, "brought": pictures, "shape": OWN_SHAPE, "public": False}


def _begin(request: HttpRequest) -> dict[str, Any]:
    """Where one's team keeps what it makes to itself, the box for the gallery begins empty."""
    team = current.team_of(request)
    return {"public": False} if team is not None and (team.always_private or team.visibility == "private") else {}


def _mode(request: HttpRequest) -> str:
    mode = request.POST.get("mode") or request.GET.get("mode", "")
    return mode if mode in MODES else MODES[0]


def _source(request: HttpRequest) -> Generation | None:
    """The item, own job or own team's result that `?from=` names, if this visitor may see it."""
    public_id = request.GET.get("from", "")
    source = Generation.objects.filter(public_id=public_id).first() if public_id else None
    if source is None or source.is_visible or own.is_own(request, public_id):
        return source
    if source.team_id is None:
        return None
    is_member = (
        request.user.is_authenticated
        and Membership.objects.filter(user=request.user, team_id=source.team_id, team__deleted_at=None).exists()
    )
    return source if is_member and not source.deleted_at else None


def _refused(request: HttpRequest, form: WishForm, error: PollwebError) -> HttpResponse:
    form.add_error(None, error.message)
    response = _page(request, form, status=error.status if error.status in (429, 503, 507) else 422)
    if error.retry_after is not None:
        response["Retry-After"] = str(max(1, round(error.retry_after)))
    return response


def _page(request: HttpRequest, form: WishForm, status: int = 200) -> HttpResponse:
    principal = identity.visitor(request)
    context: dict[str, Any] = {
        "form": form,
        "mode": form.mode,
        "shapes": [(name, *sides, round(sides[0] / sides[1] * 100)) for name, sides in SHAPES.items()],
        "own_shape": OWN_SHAPE,
        "tier": principal.tier,
        "registered": principal.is_registered,
        "locked": [card.name for card in form.cards if not card.admits(principal.tier)],
        "standing": standing(principal, form.card),
        "tiles": tiles(own.recent(request)),
        "samples": _code(form),
    }
    return render(request, f"generation/create_{form.mode}.html", context, status=status)


@require_safe
def given(request: HttpRequest, words: str) -> HttpResponse:
    """A picture that came along with a form, for the page that names it."""
    found, _lost = brought.named([words])
    data = store.read(found[0].digest) if found else None
    if data is None:
        raise NotFound(_("This picture is no longer here."))
    response = HttpResponse(data, content_type=found[0].media_type)
    response["Cache-Control"] = f"private, max-age={brought.SECONDS}"
    return response


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """The code of the form as it stands and the limits of its model, for the page to show while somebody types."""
    form = FORMS[_mode(request)](request.POST)
    limits = standing(identity.visitor(request), form.card)
    return render(request, "generation/_code.html", {"samples": _code(form), "standing": limits})


def _code(form: WishForm) -> list[Sample]:
    """Code for what the form holds; fields that hold nothing useful yet count as they begin."""
    values = {name: form.value(name) for name in form.fields}
    if form.needs_prompt:
        values["prompt"] = str(values["prompt"] or "").strip() or _("your prompt")
    if "seed" in values and values["seed"] in (None, ""):
        values["seed"] = DEFAULT_IMAGE_SEED  # code that gives another result each time would be of no use
    filled = form.copy(values)
    if not filled.is_valid():
        usual = {name: form.fields[name].initial for name in filled.errors if name in form.fields}
        filled = form.copy({**values, **usual})
    return samples(filled.wish()) if filled.is_valid() else []
