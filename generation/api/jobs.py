"""`Prefer: respond-async` (RFC 7240): 202 and a job that is made whether or not anybody waits; `/v1/jobs/{id}`."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation import intake, media, order
from generation.api import doors, responses
from generation.models import Generation, State
from generation.requests import Request
from generation.wire import openai
from pollweb.accounts.identity import Principal, identify
from pollweb.lib import db
from pollweb.lib.errors import NotFound


def is_wanted(request: HttpRequest) -> bool:
    words = request.META.get("HTTP_PREFER", "").lower().replace(",", " ").replace(";", " ").split()
    return "respond-async" in words


async def accept(wanted: Request, context: intake.Context) -> HttpResponse:
    """Queue the request and say where its job is. Asked again under its Idempotency-Key, it is the same job."""
    row, replayed = await db.run(intake.accept, await intake.prepare(wanted, context), context)
    more = {
        "Location": _address(row),
        "Preference-Applied": "respond-async",
        "X-Visibility": row.visibility,
        "Cache-Control": "private, no-store",
        **({"Idempotency-Replayed": "true"} if replayed else {}),
    }
    return responses.json(await db.run(_told, row), status=202, more=more)


@doors.methods("GET", "HEAD", "DELETE")
async def job(request: HttpRequest, public_id: str) -> HttpResponse:
    """`GET /v1/jobs/{id}`: how it stands. `DELETE`: give it up. A job of somebody else is the same 404 as none."""
    row, principal = await _own(request, public_id)
    if request.method == "DELETE" and await db.run(intake.cancel, row, principal):
        row, _ = await _own(request, public_id)
    return responses.json(await db.run(_told, row), more={"Cache-Control": "private, no-store"})


@doors.methods("GET", "HEAD")
async def result(request: HttpRequest, public_id: str) -> HttpResponse:
    """`GET /v1/jobs/{id}/result`: the file or the answer; what went wrong, with its status, if it did."""
    row, _ = await _own(request, public_id)
    if not row.is_final:
        raise NotFound("This job is not finished yet.", code="not_finished", retry_after=1)
    if row.state != State.SUCCEEDED:
        raise intake.failure_of(row)
    if row.artifact_id:
        response = await media.respond(request, row, filename=media.filename(row))
    else:
        response = responses.json(openai.completion(row))
    response["Cache-Control"] = "private, no-store"
    response["X-Model-Used"] = row.made_by
    return response


def _find(public_id: str) -> Generation | None:
    return Generation.objects.select_related("artifact").filter(public_id=public_id).first()


async def _own(request: HttpRequest, public_id: str) -> tuple[Generation, Principal]:
    principal = await identify(request)
    row = await db.run(_find, public_id)
    if row is None or (row.principal != principal.key and not row.is_visible):
        raise NotFound("There is no such job.")
    if not row.is_visible and row.token_id != principal.token_id:
        principal.require("private.read")  # another token of the same team made it
    return row, principal


def _address(row: Generation) -> str:
    return f"{settings.SITE_URL}/v1/jobs/{row.public_id}"


def _told(row: Generation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": row.public_id,
        "object": "job",
        "status": row.state,
        "kind": row.kind,
        "model": row.model,
        "visibility": row.visibility,
        "created": int(row.created_at.timestamp()),
        "url": _address(row),
    }
    if row.state == State.QUEUED:
        told["position"], seconds = order.place(row)
        told["wait_seconds"] = round(seconds, 1)
    elif row.state == State.SUCCEEDED:
        told["result_url"] = f"{_address(row)}/result"
    elif row.is_final:
        told["error"] = {"code": row.error_code, "message": row.error_message}
    return told
