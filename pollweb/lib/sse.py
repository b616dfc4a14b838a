"""Server-sent events (WHATWG HTML, section 9.2), written. Reading them from upstreams is httpx-sse's work."""

import orjson

HEARTBEAT = b": heartbeat\n\n"
DONE = b"data: [DONE]\n\n"


def data(payload: object, *, id: str = "", event: str = "") -> bytes:
    """One frame holding `payload` as JSON on one line."""
    head = (f"event: {event}\n" if event else "") + (f"id: {id}\n" if id else "")
    return head.encode() + b"data: " + orjson.dumps(payload) + b"\n\n"


def comment(text: str) -> bytes:
    return f": {text}\n\n".encode()
