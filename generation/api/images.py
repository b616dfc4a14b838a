"""The image face: pictures, and the list of models that make them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation import catalogue, intake, media
from generation.api import doors, jobs, pictures, responses
from generation.wire import pollinations
from pollweb.accounts.identity import identify
from pollweb.lib import http

NO_STORE = {
    "Cache-Control": "no-store, no-cache, must-revalidate, proxy-revalidate",
    "Pragma": "no-cache",
    "Expires": "0",
}


@doors.methods("GET", "POST", "HEAD")
async def prompt(request: HttpRequest) -> HttpResponse:
    """`GET /prompt/{prompt}`: the picture itself, as bytes."""
    wish = http.prompt_from_path(request, "/prompt/")
    query: dict[str, str] = {name: str(value) for name, value in http.query(request).items()}
    images: tuple[str | bytes, ...] = pollinations.image_addresses(http.query(request).getlist("image"))
    body: dict[str, Any] = {}
    if request.method == "POST":
        body, brought = await pictures.given(request)
        query |= _plain(body)
        images += brought
        wish = wish if wish.strip() else query.get("prompt", "")
    card = catalogue.image(query.get("model", ""))
    wanted = pollinations.image_request(wish, query, card, images)
    request.error_context = {  # type: ignore[attr-defined]
        **{name: value for name, value in wanted.params().items() if name != "images"},
        "prompt": wanted.prompt,
    }
    if request.method == "HEAD":
        return HttpResponse(content_type="image/jpeg")
    address = pollinations.address(f"{settings.IMAGE_URL}/prompt", wanted.prompt, query)
    context = doors.context(request, await identify(request, body), source_url=address, body=body)
    if jobs.is_wanted(request):
        return await jobs.accept(wanted, context)
    async with intake.generate(wanted, context) as answer:
        row = await answer.result()
        return await responses.file(request, answer, media.filename(row))


def _plain(body: dict[str, Any]) -> dict[str, str]:
    """The fields of a body as a query would say them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in body.items()
        if isinstance(value, str | int | float)
    }


@doors.methods("GET", "HEAD")
async def models(request: HttpRequest) -> HttpResponse:
    """`GET /models`: an array of names. Clients print its elements, so they stay strings."""
    return responses.json(list(catalogue.cards("image")), more=NO_STORE)


@doors.methods("GET", "HEAD")
async def about(request: HttpRequest) -> HttpResponse:
    """`GET /about`: what each model is and can do."""
    cards = catalogue.cards("image").values()
    return responses.json(
        [
            {
                "name": card.name,
                "aliases": list(card.aliases),
                "description": card.description,
                "tier": card.tier,
                "enhance": True,
                "edit": card.edits,
                "maxSideLength": card.largest_side,
                "maxPixels": card.largest_side**2,
                "made_by": [str(source) for source in card.sources],
            }
            for card in cards
        ],
        more=NO_STORE,
    )
