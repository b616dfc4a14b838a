"""What the feeds' endpoints take and give, for the reference."""

from feeds import jsonfeed, stream
from pollweb.lib import schema
from pollweb.lib.operations import EVENTS, JSON, Answer, Operation, Operations
from pollweb.lib.schema import Fields

TAG = "Feeds"

RESUMED: Fields = {
    "last_event_id": schema.text("The id of the last event that was seen; empty the first time. Events then have ids."),
    "past_results": schema.whole("How many past events come first.", 1, stream.MOST_PAST_RESULTS),
    "password": schema.text("The operator's feed password, which adds mature items."),
}
WALL: Fields = {
    "kinds": schema.text("Kinds with commas between them: " + ", ".join(sorted(stream.KINDS)) + "."),
    "models": schema.text("Names of models with commas between them."),
    "words": schema.text("Words with commas between them, of which one has to occur in prompt or answer."),
    "after": schema.text("The id of the last item that was seen."),
    "wall": schema.text("The name of a team's wall, as in its address: only what is within its bounds."),
    "token": schema.text("A screen's display key; then its wall and its settings hold, whatever else is asked."),
}
IMAGE_EVENT = schema.named(
    "ImageEvent",
    schema.record(
        {
            "prompt": schema.text(),
            "imageURL": schema.text(format="uri"),
            "model": schema.text(),
            "width": schema.whole(),
            "height": schema.whole(),
            "seed": schema.or_null(schema.whole()),
            "remote": {"type": "boolean", "description": "Made by another installation."},
        },
        "The `data` of one event of the image feed.",
    ),
)
TEXT_EVENT = schema.named(
    "TextEvent",
    schema.record(
        {
            "response": schema.text(),
            "model": schema.text(),
            "messages": schema.listed(schema.record({"role": schema.text(), "content": schema.text()})),
            "parameters": {"type": "object"},
            "remote": {"type": "boolean", "description": "Made by another installation."},
        },
        "The `data` of one event of the text feed.",
    ),
)
WALL_FRAME = schema.named(
    "WallFrame",
    schema.record(
        {"t": schema.choice(("hello", "item", "remove", "gap", "stats", "ping", "screen"), "What it is.")},
        "The `data` of one event of the wall.",
        ["t"],
    ),
)
HELLO = schema.named(
    "WallHello",
    schema.record(
        {
            "t": {"const": "hello"},
            "now": schema.number("Unix seconds."),
            "rate": schema.number("Items in a minute."),
            "items": schema.listed({"type": "object"}),
            "removed": schema.listed(schema.text()),
            "last": schema.text("Where the stream is; the next request sends it as `after`."),
            "gap": schema.whole("How many items were missed."),
            "revision": schema.text("Of a named wall's page; one of another revision is to be loaded anew."),
        },
        required=["t", "items", "removed", "last"],
    ),
)
JSON_FEED = schema.named(
    "JSONFeed",
    schema.record(
        {
            "version": schema.text(format="uri"),
            "title": schema.text(),
            "home_page_url": schema.text(format="uri"),
            "feed_url": schema.text(format="uri"),
            "items": schema.listed({"type": "object"}),
        },
        "JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/.",
        ["version", "title", "items"],
    ),
)


# A display key that does not hold any more, a wall that there is none of.
NO_WALL = (403, 404)


def _feed(
    summary: str, fields: Fields, event: schema.Schema, description: str = "", refuses: tuple[int, ...] = ()
) -> Operation:
    return Operation(
        TAG,
        summary,
        description,
        query=fields,
        headers=("Last-Event-ID",),
        answers={
            200: Answer(
                "Events, until the client leaves. While it is quiet, a comment at least every 15 s.", {EVENTS: event}
            )
        },
        refuses=(*refuses, 429, 503),
    )


OPERATIONS: Operations = {
    jsonfeed.feed: {
        "GET": Operation(
            TAG,
            "The newest public items, for feed readers",
            "",
            query={name: value for name, value in WALL.items() if name in ("kinds", "models", "words")},
            answers={200: Answer("", {"application/feed+json": JSON_FEED})},
            refuses=(503,),
        )
    },
    stream.image_feed: {
        "GET": _feed("Every new public picture", RESUMED, IMAGE_EVENT, "After the last 20, or `past_results`.")
    },
    stream.text_feed: {
        "GET": _feed("Every new public answer", RESUMED, TEXT_EVENT, "Past answers only with `past_results`.")
    },
    stream.wall_events: {"GET": _feed("The live wall's frames", WALL, WALL_FRAME, refuses=NO_WALL)},
    stream.wall_items: {
        "GET": Operation(
            TAG,
            "The live wall's newest items",
            "For browsers that poll.",
            query=WALL,
            headers=("Last-Event-ID",),
            answers={200: Answer("", {JSON: HELLO})},
            refuses=(*NO_WALL, 503),
        )
    },
}
