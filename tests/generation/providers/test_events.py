"""Server-sent events, read from bytes in any pieces."""

import pytest

from generation.errors import ProviderError
from generation.providers.upstream.answer import EVENT_BYTES, Events

STREAM = (
    b'\xef\xbb\xbf: hello\n\ndata: {"a": 1}\n\nevent: x\nid: 7\ndata:two\ndata: lines\n\n'
    b"data: one\xe2\x80\xa8line\r\n\r\ndata: c\r\rdata\n\ndata: [DONE]\n\ndata: without an end"
)
FOUND = [b'{"a": 1}', b"two\nlines", b"one\xe2\x80\xa8line", b"c", b"[DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_in_whatever_pieces_they_come(size):
    events = Events("gpu")
    found = []
    for start in range(0, len(STREAM), size):
        found += events.feed(STREAM[start : start + size])
    assert found == FOUND


def test_one_event_has_a_largest_size():
    events = Events("gpu")
    events.feed(b"x" * EVENT_BYTES)
    with pytest.raises(ProviderError):
        events.feed(b"x")
