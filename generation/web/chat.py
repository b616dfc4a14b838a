"""The chat page. With scripts an answer is streamed and the browser keeps the conversation; without them each turn is a
job, and the address names the last one."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from generation import inputs, intake
from generation.models import Generation
from generation.requests import ChatRequest
from generation.web import own, progress, turns
from generation.web.answers import to_html
from generation.web.limits import standing
from generation.web.turns import LONGEST_MESSAGE, MOST_MESSAGES, Message, TurnForm
from pollweb.accounts import identity
from pollweb.lib import sse
from pollweb.lib.errors import BadRequest, NotFound, PollwebError


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The conversation that ends with `?after=`, and a form for the next turn; sent, it queues it."""
    before = _before(request)
    if request.method == "POST":
        return _sent(request, before)
    begin: dict[str, Any] = {"prompt": request.GET.get("prompt", "")[: turns.LONGEST]}
    if before is not None:
        asked = before.request()
        assert isinstance(asked, ChatRequest)
        system = next((m["content"] for m in asked.messages if m.get("role") == "system"), "")
        begin |= {"model": before.model, "system": system}
    elif model := request.GET.get("model"):
        begin["model"] = model
    return _page(request, TurnForm(initial=begin), before)


def _before(request: HttpRequest) -> Generation | None:
    """The visitor's own turn that the address or the form names. NotFound for everybody else's."""
    public_id = request.POST.get("after", "") or request.GET.get("after", "")
    if not public_id:
        return None
    row = Generation.objects.filter(public_id=public_id, kind="text").first()
    if row is None or not own.is_own(request, public_id) or not isinstance(row.request(), ChatRequest):
        raise NotFound(_("There is no such conversation, or it was begun in another browser."))
    return row


def _sent(request: HttpRequest, before: Generation | None) -> HttpResponse:
    form = TurnForm(request.POST, request.FILES)
    form.bring()
    if not form.is_valid():
        return _page(request, form, before, status=422)
    wish, _left_out = form.wish(turns.of(before) if before else [])
    try:
        job = intake.enqueue(wish, intake.Context(principal=identity.visitor(request)))
    except PollwebError as error:
        form.add_error(None, error.message)
        status = error.status if error.status in (429, 503, 507) else 422
        return _page(request, form, before, status=status)
    own.remember(request, job.public_id)
    return redirect(reverse("chat", query={"after": job.public_id}) + "#last")


def _page(request: HttpRequest, form: TurnForm, before: Generation | None, status: int = 200) -> HttpResponse:
    principal = identity.visitor(request)
    said = turns.of(before) if before else []
    context = {
        "form": form,
        "mode": "chat",
        "before": before,
        "progress": progress.of(before) if before and not before.response else None,
        "said": [(message, to_html(message.text) if message.role == "assistant" else "") for message in said],
        "told": orjson.dumps([message.told() for message in said]).decode(),
        "locked": [card.name for card in form.cards if not card.admits(principal.tier)],
        "standing": standing(principal, form.card),
    }
    return render(request, "generation/chat.html", context, status=status)


# --- with scripts -----------------------------------------------------------------------------------------------------


@require_POST
async def answer(request: HttpRequest) -> HttpResponseBase:
    """The next turn, streamed as server-sent events.

    `{"wait", "pictures", "left_out"}` first: seconds until its turn comes, the pictures as they are kept, how many of
    the first messages found no room; then `{"delta"}`s; at last `{"text", "html"}`, or `{"error", "retry_after"}`.
    Whoever leaves stops the answer.
    """
    form, wish, context, begin = await sync_to_async(_asked)(request)
    if wish is None:
        errors = [message for messages in form.errors.values() for message in messages]
        return JsonResponse({"errors": errors}, status=422)
    stream = StreamingHttpResponse(_events(wish, context, begin), content_type="text/event-stream")
    stream["Cache-Control"] = "no-store"
    stream["X-Accel-Buffering"] = "no"
    return stream


def _asked(request: HttpRequest) -> tuple[TurnForm, ChatRequest | None, intake.Context, dict[str, Any]]:
    principal = identity.visitor(request)
    context = intake.Context(principal=principal, streamed=True, request_id=getattr(request, "id", ""))
    form = TurnForm(request.POST, request.FILES)
    form.bring()
    if not form.is_valid():
        return form, None, context, {}
    wish, left_out = form.wish(form.cleaned_data["earlier"])
    kept = Message("user", "", tuple(form.brought)).told()["pictures"]
    return form, wish, context, {"wait": standing(principal, form.card).wait, "pictures": kept, "left_out": left_out}


async def _events(wish: ChatRequest, context: intake.Context, begin: dict[str, Any]) -> AsyncIterator[bytes]:
    yield sse.data(begin)
    try:
        # The pictures are in the store already; the intake takes what any caller may bring.
        async with intake.generate(await inputs.give(wish, ""), context) as made:
            async for piece in made.pieces():
                if words := (piece.get("delta") or {}).get("content"):
                    yield sse.data({"delta": words})
            row = await made.result()
            yield sse.data({"text": row.response, "html": to_html(row.response)})
    except PollwebError as error:
        yield sse.data({"error": error.message, "retry_after": error.retry_after})


@require_POST
def show(request: HttpRequest) -> JsonResponse:
    """A JSON list of Markdown texts as a list of safe HTML, for a conversation that a browser has kept."""
    try:
        texts = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        texts = None
    if (
        not isinstance(texts, list)
        or len(texts) > MOST_MESSAGES
        or not all(isinstance(text, str) and len(text) <= LONGEST_MESSAGE for text in texts)
    ):
        raise BadRequest(f"A JSON list of up to {MOST_MESSAGES} texts is needed.")
    return JsonResponse({"html": [to_html(text) for text in texts]})
