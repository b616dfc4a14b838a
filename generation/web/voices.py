"""How a voice sounds: a few words that the engine reads when somebody first asks for them, kept like every result."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generation import catalogue, intake, media
from generation.catalogue import ModelCard
from generation.requests import SpeechRequest
from pollweb.accounts.identity import Principal
from pollweb.accounts.line import TIERS
from pollweb.lib.errors import NotFound

# One for all who listen: no sample is made twice, and none takes anybody's turn. There are no more of them than voices
# and languages.
LISTENERS = Principal(key="voices", tier=TIERS[-1])
SECONDS = 24 * 3600  # that a browser keeps one


@require_safe
async def sample(request: HttpRequest) -> HttpResponse:
    """`?voice=` in the language of the page, by `?model=` if that one has it. NotFound for a voice that nobody has."""
    voice = request.GET.get("voice", "")
    wish = SpeechRequest(model=_speaker(voice, request.GET.get("model", "")).name, text=words(), voice=voice)
    async with intake.generate(wish, intake.Context(principal=LISTENERS, may_be_public=False)) as answer:
        row = await answer.result()
    response = await media.respond(request, row, filename="voice.mp3")
    response["Cache-Control"] = f"private, max-age={SECONDS}"
    return response


def words() -> str:
    """What the voices say."""
    return _("Hello! This is how I read your text aloud.")


def _speaker(voice: str, model: str) -> ModelCard:
    cards = catalogue.cards("audio")
    having = [card for card in cards.values() if voice in card.voices]
    if not having:
        raise NotFound(_("There is no such voice here."))
    chosen = cards.get(model)
    return chosen if chosen in having else having[0]
