"""The image face: pictures, and the list of models that make them."""

from collections import OrderedDict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from generation import catalogue, intake, media
from generation.api import doors, jobs, listing, pictures, responses
from generation.requests import ImageRequest
from generation.wire import pollinations
from pollweb.accounts.identity import identify
from pollweb.lib import http
from pollweb.lib.errors import NotFound


@doors.methods("GET", "POST", "HEAD")
async def prompt(request: HttpRequest) -> HttpResponse:
    """`GET /prompt/{prompt}`: the picture itself, as bytes."""
    body: dict[str, Any] = {}
    if request.method == "POST":
        body, brought = await pictures.given(request)
        wanted, address = _wanted(request, _plain(body), brought)
    else:
        wanted, address = _read(request)
    request.error_context = {  # type: ignore[attr-defined]
        **{name: value for name, value in wanted.params().items() if name != "images"},
        "prompt": wanted.prompt,
    }
    if request.method == "HEAD":
        return HttpResponse(content_type="image/jpeg")
    context = doors.context(request, await identify(request, body), source_url=address, body=body)
    if jobs.is_wanted(request):
        return await jobs.accept(wanted, context)
    async with intake.generate(wanted, context) as answer:
        row = await answer.result()
        return await responses.file(request, answer, media.filename(row))


@doors.methods("GET", "HEAD")
async def prompt_alone(request: HttpRequest) -> HttpResponseBase:
    """`GET /image/{prompt}`, as the public service's later API has it. On the pictures' own host it is a mistake: what
    asks each host for its files would have them painted there."""
    if not request.scope["root_path"]:  # type: ignore[attr-defined]
        raise NotFound("There is nothing at this address.")
    return await prompt(request)


def _wanted(request: HttpRequest, more: dict[str, str], brought: tuple[str | bytes, ...]) -> tuple[ImageRequest, str]:
    """The picture that is asked for, and the address that makes it again. `more` is what a body adds to the query."""
    below = "/prompt/" if f"{request.path_info}/".startswith("/prompt/") else "/"
    wish = http.prompt_from_path(request, below)
    given = http.query(request)
    query = {name: str(value) for name, value in given.items()} | more
    images = (*pollinations.image_addresses(given.getlist("image")), *brought)
    if request.method == "POST" and not wish.strip():
        wish = query.get("prompt", "")
    wanted = pollinations.image_request(wish, query, catalogue.image(query.get("model", "")), images)
    return wanted, pollinations.address(f"{settings.IMAGE_URL}/prompt", wanted.prompt, query)


READ, READ_BYTES = 2000, 2000  # so many addresses, of so many bytes each
_known: OrderedDict[tuple[bytes, str], tuple[catalogue.ModelCard, ImageRequest, str]] = OrderedDict()


def _read(request: HttpRequest) -> tuple[ImageRequest, str]:
    """The same for an address that was opened before. It says what is asked for, never who may have it: all else is
    decided anew each time."""
    query = http.query(request)
    card = catalogue.image(query.get("model", ""))
    key = (request.scope["raw_path"], request.META["QUERY_STRING"])  # type: ignore[attr-defined]
    if (known := _known.get(key)) is not None and known[0] is card:
        _known.move_to_end(key)
        return known[1:]
    wanted, address = _wanted(request, {}, ())
    # A seed of -1 draws another each time.
    if "-" not in query.get("seed", "") and not wanted.images and len(key[0]) + len(key[1]) <= READ_BYTES:
        _known[key] = card, wanted, address
        if len(_known) > READ:
            _known.popitem(last=False)
    return wanted, address


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
    cards = await listing.to_caller(request, catalogue.cards("image").values())
    return responses.json([card.name for card in cards], more=listing.NO_STORE)


@doors.methods("GET", "HEAD")
async def about(request: HttpRequest) -> HttpResponse:
    """`GET /about`: what each model is and can do."""
    cards = await listing.to_caller(request, catalogue.cards("image").values())
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
        more=listing.NO_STORE,
    )
