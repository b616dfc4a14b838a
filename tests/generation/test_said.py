"""What a relayed answer has said: each listener hears every word once, and what was heard long ago takes little."""

from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import said
from generation.said import Said

APART = 5


@pytest.fixture(autouse=True, scope="module")
def _few_apart() -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(said, "APART", APART)
        yield


def word(text: str, name: str = "content") -> dict[str, Any]:
    return {"delta": {name: text}, "event": b"the upstream's own"}


def call(number: int) -> dict[str, Any]:
    return {"delta": {"tool_calls": [{"index": number}]}, "event": b"the upstream's own"}


def told(pieces: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """What they say, letter by letter."""
    found: list[tuple[str, Any]] = []
    for piece in pieces:
        for name, value in piece["delta"].items():
            found += [(name, letter) for letter in value] if isinstance(value, str) else [(name, str(value))]
    return found


PIECES = st.one_of(
    st.builds(word, st.text("abc", min_size=1, max_size=3)),
    st.builds(word, st.text("abc", min_size=1, max_size=3), st.just("reasoning_content")),
    st.builds(call, st.integers(0, 3)),
)
# Some pieces, and who listens then.
STEPS = st.lists(st.tuples(st.lists(PIECES, max_size=12), st.sets(st.integers(0, 3))), max_size=12)


@given(STEPS)
def test_whoever_listens_hears_all_of_it_once_and_in_order(steps: Any) -> None:
    answer, all_of_it = Said(), []
    heard: dict[int, list[Any]] = {}
    with ExitStack() as stack:
        places: dict[int, Any] = {}
        for pieces, listeners in [*steps, ([], range(5))]:
            for piece in pieces:
                answer.add(piece)
                all_of_it.append(piece)
            for one in listeners:  # who comes for the first time begins at the beginning
                if one not in places:
                    places[one] = stack.enter_context(answer.place())
                heard.setdefault(one, []).extend(answer.since(places[one]))
    assert len(answer) == len(all_of_it)
    assert all(told(one) == told(all_of_it) for one in heard.values())


def test_what_was_said_long_ago_takes_few_pieces_even_when_nobody_has_heard_it() -> None:
    answer = Said()
    with answer.place() as slow:
        for number in range(100 * APART):
            answer.add(word(f"{number} "))
        pieces = answer.since(slow)
    assert "".join(piece["delta"]["content"] for piece in pieces) == "".join(f"{n} " for n in range(100 * APART))
    assert len(pieces) < 100 + 2 * APART
    assert not any("event" in piece for piece in pieces[: -2 * APART])


def test_joined_words_are_no_longer_than_one_frame_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(said, "LONGEST", 10)
    answer = Said()
    for _ in range(2 * APART):
        answer.add(word("x" * 7))
    with answer.place() as place:
        assert [len(piece["delta"]["content"]) for piece in answer.since(place)] == [10, 10, 10, 5] + [7] * APART
