import pytest

from generation.search import parse


def shown(text: str) -> list[str]:
    return [term.shown for term in parse(text).terms]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("red fox", ["red", "fox"]),
        ('"red fox" snow', ['"red fox"', "snow"]),
        ("“red fox” 「红狐」", ['"red fox"', '"红狐"']),
        ('-blurry -"stock photo"', ["-blurry", '-"stock photo"']),
        ("model:Flux kind:pictures seed:042 size:1024×768", ["model:flux", "kind:image", "seed:42", "size:1024x768"]),
        ("－model：turbo", ["-model:turbo"]),
        ("before:2026-11-01 before:soon", ["before:2026-11-01", "before:soon"]),
        ("kind:nonsense note:this", ["kind:nonsense", "note:this"]),
        ('unclosed "quote here', ["unclosed", '"quote here"']),
        ('"" - -- : "!" model:', ["model:"]),
        ("a 狐", ["狐"]),
    ],
)
def test_a_question_is_read_into_terms(text, terms):
    assert shown(text) == terms


def test_what_is_read_reads_the_same_again():
    text = 'red -"stock photo" model:flux -kind:text before:2026-11-01 "a b"'
    assert shown(" ".join(shown(text))) == shown(text)


@pytest.mark.parametrize(
    "text", ["", " ", '"', "\0", "((", "'; DROP TABLE", "a" * 100_000, "-" * 500, "\ud800", "before:9999-12-31"]
)
def test_nothing_that_is_typed_is_an_error(text):
    assert len(parse(text).terms) <= 12


def test_a_term_can_be_left_out():
    query = parse('red "big fox" -blue')
    assert query.without(query.terms[1]) == "red -blue"
