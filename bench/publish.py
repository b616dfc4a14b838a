"""Tell `--rate` events a second, about 1 KiB each, for `--seconds`, once a line comes in: into the Redis Stream as
everything that is told, or to nginx with nchan.

    python -m bench.publish --rate 20 --seconds 10 [--nchan http://127.0.0.1:8080/publish]
"""

import argparse
import os
import time
import urllib.request
from collections.abc import Callable

import orjson

SIZE = 1024


def to_nchan(url: str) -> Callable[[int], None]:
    def publish(number: int) -> None:
        frame = {"t": "item", "id": f"1.{number}", "sent_ns": time.time_ns(), "prompt": ""}
        frame["prompt"] = "a" * (SIZE - len(orjson.dumps(frame)))
        request = urllib.request.Request(url, orjson.dumps(frame), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    return publish


def to_us() -> Callable[[int], None]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")
    import django

    django.setup()
    from feeds import outbox
    from feeds.events import FeedEvent
    from feeds.models import Outbox
    from pollweb.lib import ids

    def event(prompt: str) -> FeedEvent:
        return FeedEvent(
            id=str(ids.uuid7()),
            public_id=ids.public_id(),
            kind="image",
            model="flux",
            prompt=prompt,
            width=1024,
            height=768,
            src="/media/AAAAAAAAAAAAAAAAAAAAAA/original",
            image_url="http://localhost/image/prompt/a",
        )

    prompt = "a" * (SIZE - len(orjson.dumps(event("").wall_item("1700000000000.1000", time.time_ns()))))

    def publish(number: int) -> None:
        made = event(prompt)
        outbox.append([Outbox(event_id=made.id, kind=made.kind, payload=made.as_dict())])

    return publish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--nchan", metavar="URL")
    options = parser.parse_args()
    publish = to_nchan(options.nchan) if options.nchan else to_us()
    print("ready", flush=True)
    input()  # until the listeners are there
    begun = time.monotonic()
    for number in range(1, int(options.rate * options.seconds) + 1):
        publish(number)
        time.sleep(max(0.0, begun + number / options.rate - time.monotonic()))


if __name__ == "__main__":
    main()
