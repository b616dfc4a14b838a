"""Which models a list tells of: to everybody all, with the tier that each needs; to a token those that it may use."""

from collections.abc import Iterable

from django.http import HttpRequest

from generation.catalogue import ModelCard
from generation.errors import UnknownModel
from pollweb.accounts.identity import identify

# Lists differ by their caller, whose token may stand where no cache looks (X-Pollinations-Token).
NO_STORE = {
    "Cache-Control": "no-store, no-cache, must-revalidate, proxy-revalidate",
    "Pragma": "no-cache",
    "Expires": "0",
}


async def to_caller(request: HttpRequest, cards: Iterable[ModelCard]) -> list[ModelCard]:
    """The cards that this caller is told of. A token that is refused everywhere is refused here too (401)."""
    principal = await identify(request)
    if principal.is_anonymous:
        return list(cards)
    return [card for card in cards if card.admits(principal.tier) and principal.may_use(card.name)]


async def one(request: HttpRequest, card: ModelCard) -> ModelCard:
    """The card itself; UnknownModel (404) where a list would not tell of it."""
    if not await to_caller(request, [card]):
        raise UnknownModel(f"Model not found among those that this token may use: {card.name}")
    return card
