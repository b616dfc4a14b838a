"""From sentences to the phonemes of Kokoro's table."""

import json
import os
import subprocess
import sys

import pytest

from generation.providers.local.speech.chinese import Chinese
from generation.providers.local.speech.english import English
from generation.providers.local.speech.kokoro import DATA
from generation.providers.local.speech.script import clean
from tests.site import ROOT as CHECKOUT

TABLE = json.loads((DATA / "phonemes.json").read_text())
american, british = English(), English(british=True)
chinese = Chinese(american)


def test_american_and_british_english_differ():
    assert american("Hello there.") == "həlˈO ðˈɛɹ."
    assert british("Hello there.") == "həlˈQ ðˈɛː."


def test_a_number_beyond_all_names_is_read_digit_by_digit():
    assert american("9" * 5000).split()[:2] == ["nˈIn", "nˈIn"]


def test_letters_with_rare_marks_are_read_as_their_plain_ones():
    assert american("ế") == american("e")


def test_chinese_has_tones_and_the_latin_word_in_english():
    phonemes = chinese(clean("使用 GET 方法生成音频对于短文本来说很简单。"))
    assert phonemes.startswith("ʂɨ↓jʊ↘ŋ ɡˈɛt fa→ŋfa↓")
    assert phonemes.endswith("ta→n.")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("价格是35元", "价格是三十五元"),
        ("花了$12.5", "花了十二点五美元"),
        ("1,250人", "一千二百五十人"),
        ("2024-03-03见", "二零二四年三月三日见"),
        ("8:30见", "八点三十分见"),
        ("8:05见", "八点零 五分见"),
        ("8:00见", "八点整见"),
        ("3-5天", "三到五天"),
        ("30%的人", "百分之三十的人"),
        ("25°C", "二十五摄氏度"),
        ("GPT-4模型", "GPT 四模型"),
        ("1+1=2", "一加一等于二"),
        ("13800138000", "一 三 八 零 零 一 三 八 零 零 零"),
        ("1.2.3版", "一点二点三版"),
    ],
)
def test_numbers_and_signs_are_said_as_chinese_says_them(text, spoken):
    assert chinese.in_words(clean(text)) == spoken


def test_chinese_punctuation_becomes_the_tables_own():
    assert chinese(clean("好，好；“好”……好？（好）")) == "xau↓, xau↓; “xau↓”… xau↓? (xau↓)"


def test_a_single_latin_letter_is_not_an_article():
    assert "ˈA" in chinese("A和B")


@pytest.mark.parametrize(
    "text", ["好," * 50, "嗯哼嘸𠀀々〇", "ê好", "9" * 40 + "好", "好" * 300, "$$$%%%°°°好", "1.1.1.1,1,1:1:1好"]
)
def test_every_phoneme_is_in_the_table(text):
    assert set(chinese(clean(text))) <= set(TABLE)


def test_jieba_leaves_no_cache_in_the_temporary_folder_and_no_word_on_stderr(tmp_path):
    program = "from generation.providers.local.speech.chinese import Chinese; print(Chinese(str)('你好'))"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        cwd=CHECKOUT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert ran.stdout == "ni↓xau↓\n"
    assert ran.stderr == ""
    assert not list(tmp_path.iterdir())
