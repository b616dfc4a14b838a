"""Which characters are spoken, and in which language."""

import pytest

from generation.providers.local.speech import EmptyText, UnsupportedLanguage
from generation.providers.local.speech.script import clean, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello world", "en"),
        ("Il était une fois à Łódź", "en"),
        ("42", "en"),
        ("你好", "zh"),
        ("繁體中文也說", "zh"),
        ("使用 GET 方法", "zh"),
        ("The word 你好 means hello", "zh"),
        ("The angle α", "en"),
    ],
)
def test_the_script_tells_the_language(text, language):
    assert language_of(clean(text)) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("こんにちは", "Japanese"),
        ("東京へようこそ", "Japanese"),
        ("ｶﾀｶﾅ", "Japanese"),
        ("안녕하세요", "Korean"),
        ("Привет, мир", "Russian"),
        ("مرحبا", "Arabic"),
        ("สวัสดี", "Thai"),
        ("नमस्ते", "Hindi"),
        ("Καλημέρα", "Greek"),
        ("Hello, мир", "Russian"),
        ("ᐊᐃ", "Canadian"),
    ],
)
def test_a_language_without_a_voice_is_named(text, language):
    with pytest.raises(UnsupportedLanguage, match=language):
        language_of(clean(text))


@pytest.mark.parametrize("text", ["", "   ", "?!...", "👍🏽🎉", "。。。", "\x00\x07", "\u200b\u200d"])
def test_a_text_without_letters_and_digits_is_empty(text):
    with pytest.raises(EmptyText):
        language_of(clean(text))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Well done 👍🏽!", "Well done !"),
        ("a\x00b\u200bc", "abc"),
        ("ｆｕｌｌ　width，１２", "full width,12"),
        ("𝐁𝐨𝐥𝐝", "Bold"),
        ("٣٤", "34"),
        ("Z̸̧algo", "Zalgo"),
        ("5 km² or ½", "5 km² or ½"),
        ("one\r\ntwo\u2028three", "one\n\ntwo\nthree"),
        ("λ is a letter", "lambda is a letter"),
        ("lone \ud800 surrogate", "lone surrogate"),
    ],
)
def test_what_cannot_be_said_is_left_out(text, spoken):
    assert clean(text) == spoken
