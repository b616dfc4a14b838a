"""Sentences, and phonemes cut to a length, without a loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.providers.local.speech.pieces import cut, sentences


def test_english_sentences_end_at_their_full_stops_but_not_at_titles():
    assert list(sentences("Dr. Smith paid $3.50. Really? Yes!\nThe end", "en")) == [
        "Dr. Smith paid $3.50.",
        "Really?",
        "Yes!",
        "The end",
    ]


def test_chinese_sentences_keep_their_closing_quotes():
    assert list(sentences("他说:“你好!”然后走了。价格是3.5元;完", "zh")) == [
        "他说:“你好!”",
        "然后走了。",
        "价格是3.5元;",
        "完",
    ]


@pytest.mark.parametrize(("language", "word"), [("en", "word "), ("zh", "字")])
def test_a_text_without_any_punctuation_is_cut_all_the_same(language, word):
    parts = list(sentences(word * 2000, language))
    assert max(map(len, parts)) <= 400
    assert "".join(parts).replace(" ", "") == word.strip() * 2000


def test_a_cut_prefers_the_end_of_a_clause_then_the_end_of_a_word():
    assert list(cut("aaaa bbb, cccc dd", 12)) == ["aaaa bbb,", " cccc dd"]
    assert list(cut("aaaa bbb cccc dd", 12)) == ["aaaa bbb", " cccc dd"]
    assert list(cut("a" * 25, 10)) == ["a" * 10, "a" * 10, "a" * 5]


def test_a_long_beginning_is_cut_early_so_that_its_sound_starts():
    clause = "a" * 60 + ", "
    assert [len(piece) for piece in cut(clause * 4, 240, opening=True)] == [61, 187]
    assert len(list(cut(clause * 3, 240))) == 1


@given(st.text(alphabet="ab ,.;—", max_size=300), st.integers(4, 60), st.booleans())
def test_nothing_is_lost_and_nothing_is_too_long(text, limit, opening):
    pieces = list(cut(text, limit, opening=opening))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= limit for piece in pieces)
