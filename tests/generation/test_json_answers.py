"""Mending what should have been JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import json_answers

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
CONTAINERS = st.lists(VALUES, min_size=1, max_size=4) | st.dictionaries(st.text(max_size=4), VALUES, min_size=1)


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('Sure! {"a": [1, 2]} I hope this helps {you}.', '{"a": [1, 2]}'),
        ('{"a": [1, 2', '{"a": [1, 2]}'),
        ('{"a": "cut off in the mid', '{"a": "cut off in the mid"}'),
        ('{"a": 1, "b', '{"a": 1}'),
        ('{"a": 1, "b": tr', '{"a": 1}'),
        ('```json\n{"a": [{"b": 1}, {"b"', '{"a": [{"b": 1}, {}]}'),
        ("I would rather not.", None),
        ("", None),
        ("a } b ] c", None),
    ],
)
def test_it_finds_or_closes_what_is_there_and_invents_nothing(written, mended):
    assert json_answers.repaired(written) == mended


@given(CONTAINERS, st.integers(1, 200))
def test_an_answer_cut_off_anywhere_is_mended_to_something_that_parses(value, length):
    text = json.dumps(value)[:length]
    mended = json_answers.repaired(text)
    assert mended is not None
    json.loads(mended)


@given(st.text(alphabet='{}[]",:\\ab1 `\n', max_size=60))
def test_whatever_is_mended_parses(text):
    mended = json_answers.repaired(text)
    assert mended is None or json_answers.parses(mended)


@given(CONTAINERS, st.integers(1, 200))
def test_what_has_been_said_is_only_added_to(value, length):
    text = json.dumps(value)[:length]
    ending = json_answers.missing_end(text)
    assert ending is None or json_answers.parses(text + ending)


@pytest.mark.parametrize("brackets", ["[" * 100_000, '{"a":' * 20_000])
def test_a_deep_pile_of_brackets_is_no_trouble(brackets):
    assert json_answers.repaired(brackets) is None
