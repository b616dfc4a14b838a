"""The create page: a form for each kind of result, and the code that does the same."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from generation import intake
from generation.models import Generation
from generation.requests import DEFAULT_IMAGE_SEED
from generation.web import own
from generation.web.forms import FORMS, MODE_OF, MODES, SHAPES, WishForm
from generation.web.samples import Sample, samples
from generation.web.tiles import tiles
from pollweb.accounts import identity
from pollweb.lib.errors import PollwebError


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form; sent, it starts a job and leads to its page. Mistakes answer 422 with everything that was typed."""
    mode = _mode(request)
    if request.method == "POST":
        form = FORMS[mode](request.POST)
        if not form.is_valid():
            return _page(request, form, status=422)
        try:
            job = intake.enqueue(form.wish(), intake.Context(principal=identity.visitor(request)))
        except PollwebError as error:
            return _refused(request, form, error)
        own.remember(request, job.public_id)
        return redirect("job", job.public_id)
    source = _source(request)
    if source is not None:
        mode = MODE_OF[source.kind]
        return _page(request, FORMS[mode](initial=FORMS[mode].initial_from(source.request())))
    return _page(request, FORMS[mode](initial={"prompt": request.GET.get("prompt", "")[:4000]}))


def _mode(request: HttpRequest) -> str:
    mode = request.POST.get("mode") or request.GET.get("mode", "")
    return mode if mode in MODES else MODES[0]


def _source(request: HttpRequest) -> Generation | None:
    """The item or own job that `?from=` names, if this visitor may see it."""
    public_id = request.GET.get("from", "")
    source = Generation.objects.filter(public_id=public_id).first() if public_id else None
    return source if source and (source.is_visible or own.is_own(request, public_id)) else None


def _refused(request: HttpRequest, form: WishForm, error: PollwebError) -> HttpResponse:
    form.add_error(None, error.message)
    response = _page(request, form, status=error.status if error.status in (429, 503, 507) else 422)
    if error.retry_after is not None:
        response["Retry-After"] = str(max(1, round(error.retry_after)))
    return response


def _page(request: HttpRequest, form: WishForm, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "mode": form.mode,
        "shapes": [(name, *sides, round(sides[0] / sides[1] * 100)) for name, sides in SHAPES.items()],
        "tiles": tiles(own.recent(request)),
        "samples": _code(form),
    }
    return render(request, f"generation/create_{form.mode}.html", context, status=status)


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """The code of the form as it stands, for the page to show while somebody types."""
    form = FORMS[_mode(request)](request.POST)
    return render(request, "components/code.html", {"samples": _code(form)})


def _code(form: WishForm) -> list[Sample]:
    """Code for what the form holds; fields that hold nothing useful yet count as they begin."""
    values = {name: form.value(name) for name in form.fields}
    values["prompt"] = str(values["prompt"] or "").strip() or _("your prompt")
    if "seed" in values and values["seed"] in (None, ""):
        values["seed"] = DEFAULT_IMAGE_SEED  # code that gives another result each time would be of no use
    filled = type(form)(values)
    if not filled.is_valid():
        usual = {name: form.fields[name].initial for name in filled.errors if name in form.fields}
        filled = type(form)({**values, **usual})
    return samples(filled.wish()) if filled.is_valid() else []
