"""Chinese text as Kokoro's phonemes: pinyin by misaki's tables (jieba finds the words, pypinyin their reading),
numbers and signs as Chinese says them, Latin words inside the text by the English rules."""

import logging
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from .script import HAN

PUNCTUATION = str.maketrans("。、「」『』《》〈〉【】", ".,“”“”“”“”“”")
"""Punctuation that the phoneme table lacks, as its nearest relative there; NFKC has made the full-width ones plain."""

MARKS = {mark: f"{mark} " for mark in ",.;:!?…—)”"} | {"(": " (", "“": " “"}
CURRENCIES = {"$": "美元", "¥": "元", "€": "欧元", "£": "英镑"}
READINGS: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),  # 1,250
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)"), lambda date: f"{date[1]}年{int(date[2])}月{int(date[3])}日"),
    (
        re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)"),
        lambda time: f"{time[1]}点" + (f"{time[2]}分" if int(time[2]) else "整"),
    ),
    (re.compile(r"([$¥€£])\s?(\d+(?:\.\d+)?)"), lambda money: money[2] + CURRENCIES[money[1]]),
    (re.compile(r"\d{12,}|(?<![\d.])1\d{10}(?![\d.])|(?<![\d.])0\d+(?![\d.])"), lambda digits: " ".join(digits[0])),
    (re.compile(r"\d+(?:\.\d+){2,}"), lambda version: version[0].replace(".", "点")),  # 1.2.3
    (re.compile(r"(?<=\d)[-–~](?=\d)"), "到"),
    (re.compile(r"(?<=[^\W\d])-(?=\d)"), " "),  # GPT-4 is not minus four
]
SIGNS = {
    "+": "加",
    "=": "等于",
    "×": "乘",
    "÷": "除以",
    "<": "小于",
    ">": "大于",
    "&": "和",
    "%": "百分号",
    "°C": "摄氏度",
    "°F": "华氏度",
    "°": "度",
    "²": "平方",
    "³": "立方",
}
LATIN = "A-Za-zÀ-ɏḀ-ỿ"

_sign = re.compile("|".join(re.escape(sign) for sign in SIGNS))
_runs = re.compile(rf"(?P<han>[{HAN}]+)|(?P<latin>[{LATIN}]+(?:[ '’.@/_-][{LATIN}]+)*)|(?P<mark>.)", re.DOTALL)
_dots = re.compile(r"(?:\. ){3,}")
_needless_space = re.compile(r" +(?=[ ,.;:!?…”)])|(?<=[(“]) +")


class Chinese:
    """Turns a sentence into phonemes. The dictionaries (about a second to load) come with the first sentence."""

    def __init__(self, english: Callable[[str], str]) -> None:
        self.english = english

    def __call__(self, sentence: str) -> str:
        spoken = []
        for run in _runs.finditer(self.in_words(sentence).translate(PUNCTUATION)):
            if run["han"]:
                words = (self._reading(word) for word in self._words(run["han"]))
                spoken.append(" ".join(word for word in words if word))
            elif run["latin"]:
                spoken.append(f" {self._latin(run['latin'])} ")
            else:
                spoken.append(MARKS.get(run["mark"], " "))
        return _needless_space.sub("", _dots.sub("… ", "".join(spoken))).strip()

    def in_words(self, sentence: str) -> str:
        """The sentence with its numbers and signs written as Chinese words."""
        for pattern, reading in READINGS:
            sentence = pattern.sub(reading, sentence)
        return _sign.sub(lambda sign: SIGNS[sign[0]], self._numbers(sentence))

    def _latin(self, words: str) -> str:
        return "ˈA" if words == "A" else self.english(words)  # the letter, not the article

    def _reading(self, word: str) -> str:
        """The phonemes of one word; a character without a known reading is silent."""
        try:
            return str(self._misaki.word2ipa(word)).replace("\N{COMBINING INVERTED BREVE BELOW}", "")
        except ValueError:
            return "".join(self._reading(char) for char in word) if len(word) > 1 else ""

    @cached_property
    def _numbers(self) -> Callable[[str], str]:
        from cn2an.transform import Transform

        transform = Transform()
        return lambda sentence: str(transform.transform(sentence, "an2cn"))

    @cached_property
    def _words(self) -> Callable[[str], list[str]]:
        return _jieba().lcut

    @cached_property
    def _misaki(self) -> Any:
        _jieba()
        from misaki.zh import ZHG2P

        return ZHG2P


def _jieba() -> Any:
    """jieba's tokenizer, read from its own dictionary and silent.

    By itself jieba reports to stderr and keeps a marshalled cache under a fixed name in the temporary folder, which
    every user of the machine may write and which it would read back unchecked."""
    import jieba

    logger = logging.getLogger("jieba")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.setLevel(logging.WARNING)
    if not jieba.dt.initialized:
        jieba.dt.FREQ, jieba.dt.total = jieba.dt.gen_pfdict(jieba.dt.get_dict_file())
        jieba.dt.initialized = True
    return jieba.dt
