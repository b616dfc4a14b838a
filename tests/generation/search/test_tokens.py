import pytest

from generation.search import tokens


def stream(text: str) -> list[str]:
    return [word.token for word in tokens.words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Red Fox", ["a", "red", "fox"]),
        ("stained-glass, windows!", ["stained", "glass", "window"]),
        ("Château près d'Évian", ["chateau", "pre", "d", "evian"]),
        ("foxes cities glasses bus glass gas ties", ["fox", "city", "glass", "bus", "glass", "gas", "tie"]),
        ("狐狸", ["狐", "狐狸", "狸"]),
        ("雪中狐", ["雪", "雪中", "中", "中狐", "狐"]),
        ("red狐狸4k", ["red", "狐", "狐狸", "狸", "4k"]),
        ("ＦＯＸ１２", ["fox12"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("\U0002a6d6", ["\U0002a6d6"]),
        (" \t…!?。，", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_text_is_split_into_the_words_of_its_scripts(text, words):
    assert stream(text) == words


def test_a_word_knows_where_it_stands():
    text = "the Foxes, 红狐狸"
    assert [text[word.start : word.end] for word in tokens.words(text)] == [
        "the", "Foxes", "红", "红狐", "狐", "狐狸", "狸",
    ]  # fmt: skip


@pytest.mark.parametrize("piece", ["红狐", "狐狸在", "在雪中", "红狐狸在雪中", "fox 红狐狸", "中 red", "狐"])
def test_any_piece_of_a_run_stands_in_a_row_in_the_text(piece):
    text, wanted = stream("fox 红狐狸在雪中 red"), tokens.phrase(piece)
    assert any(text[at : at + len(wanted)] == wanted for at in range(len(text)))


def test_a_long_text_is_read_up_to_a_bound():
    assert len(tokens.stream("word " * 10_000, "more " * 10_000, [])) <= tokens.MOST + 1


def test_nobody_can_write_a_mark():
    assert tokens.mark("model", "flux") not in stream(f"{tokens.mark('model', 'flux')} model:flux")
