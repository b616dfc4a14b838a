"""What a result costs: the operator's prices in numbers that add up."""

from django.conf import settings

from generation.requests import ChatRequest, EmbeddingRequest, Request, SpeechRequest, TranscriptionRequest, text_of
from pollweb.accounts.usage import Counts

# How much a request can come to before anybody knows: a token is at least two bytes of UTF-8 in any language of use, a
# second of slow speech nine, and a second of a recording is seldom less than 32 kbit.
BYTES_OF_A_TOKEN = 2
BYTES_SPOKEN_A_SECOND = 9
BYTES_RECORDED_A_SECOND = 4000
# An answer whose length the request does not limit, and a picture among the words, in tokens.
ANSWER_TOKENS = 4096
PICTURE_TOKENS = 1500


def cost(ability: str, model: str, counts: Counts) -> int:
    """In millionths of the operator's currency, rounded to the nearest. What has no price, or is gone, is free.

    Prices are for one request, one picture, one minute of sound, and a million tokens each way: the price of a million
    is the price of one in millionths.
    """
    card = getattr(settings.DESIGN.models, ability).get(model)
    if card is None:
        return 0
    price = card.price
    single = price.request * counts.succeeded + price.image * counts.images
    single += price.audio_minute * counts.audio_seconds / 60
    tokens = price.prompt_tokens * counts.prompt_tokens + price.completion_tokens * counts.completion_tokens
    return round(single * 1_000_000 + tokens)


def most(model: str, request: Request) -> int:
    """What this request may come to: exact for a picture, an estimate from above for words and sound."""
    return cost(request.ability, model, _counts(request))


def _counts(request: Request) -> Counts:
    match request:
        case ChatRequest():
            texts = sum(len(text_of(message.get("content")).encode()) for message in request.messages)
            pictures = PICTURE_TOKENS if request.has_media else 0
            return Counts(
                succeeded=1,
                prompt_tokens=texts // BYTES_OF_A_TOKEN + pictures,
                completion_tokens=request.options.get("max_tokens") or ANSWER_TOKENS,
            )
        case SpeechRequest():
            spoken = len(request.text.encode()) / BYTES_SPOKEN_A_SECOND
            return Counts(succeeded=1, audio_seconds=spoken / max(request.speed, 0.1))
        case TranscriptionRequest():
            seconds = len(request.data) / BYTES_RECORDED_A_SECOND
            return Counts(succeeded=1, audio_seconds=seconds, completion_tokens=ANSWER_TOKENS)
        case EmbeddingRequest():
            return Counts(succeeded=1, prompt_tokens=sum(len(t.encode()) for t in request.texts) // BYTES_OF_A_TOKEN)
    return Counts(succeeded=1, images=1)
