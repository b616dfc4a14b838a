"""Translations without gettext's tools."""

import gettext
import os
from pathlib import Path

import pytest

from pollweb.lib import messages
from pollweb.management.commands.translations import in_python, in_template

PO = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: somewhere
msgid "a \"boat\"\n"
"on a lake"
msgstr "湖上的船"

msgctxt "verb"
msgid "like"
msgstr "喜欢"

msgid "%(n)s boat"
msgid_plural "%(n)s boats"
msgstr[0] "一条船"
msgstr[1] "许多船"

#, fuzzy
msgid "guessed"
msgstr "猜的"

msgid "left"
msgstr ""
"""


def test_python_reads_what_was_compiled(tmp_path: Path) -> None:
    (tmp_path / "zh_Hans" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po").write_text(PO, encoding="utf-8")
    messages.compile_folder(tmp_path, tmp_path / "out")
    read = gettext.translation("django", tmp_path / "out", ["zh_Hans"])
    assert read.gettext('a "boat"\non a lake') == "湖上的船"
    assert read.pgettext("verb", "like") == "喜欢"
    assert read.ngettext("%(n)s boat", "%(n)s boats", 1) == "一条船"
    assert read.ngettext("%(n)s boat", "%(n)s boats", 3) == "许多船"
    assert read.gettext("guessed") == "guessed"
    assert read.gettext("left") == "left"


def test_it_compiles_again_only_what_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(PO, encoding="utf-8")
    messages.compile_folder(tmp_path, tmp_path)
    (folder / "django.mo").write_bytes(b"seen")
    (folder / "django.mo").touch()
    stat = (folder / "django.po").stat()
    os.utime(folder / "django.mo", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    messages.compile_folder(tmp_path, tmp_path)
    assert (folder / "django.mo").read_bytes() == b"seen"
    os.utime(folder / "django.po", ns=(0, 0))
    messages.compile_folder(tmp_path, tmp_path)
    assert (folder / "django.mo").read_bytes() != b"seen"


def test_a_line_that_is_no_po_is_named() -> None:
    with pytest.raises(ValueError, match="line 2: mgsstr"):
        messages.parse('msgid "a"\nmgsstr "b"\n')


def test_it_hears_every_way_to_say_something() -> None:
    template = """{% load i18n %}{% translate "One (1)" %}{% translate 'Two' as two %}{{ _("Three") }}
      {% blocktranslate trimmed with a=b %}
        Four {{ a }}'s
      {% endblocktranslate %}{% translate "Five" context "verb" %}
      {% blocktranslate count n=n %}{{ n }} boat{% plural %}{{ n }} boats{% endblocktranslate %}
      {# {% translate "not this" %} #} not "that" either (really)"""
    assert [key for key, _ in in_template(template, "here")] == [
        (None, "One (1)"),
        (None, "Two"),
        (None, "Three"),
        (None, "Four %(a)s's"),
        ("verb", "Five"),
        (None, "%(n)s boat"),
    ]
    source = '_("a" "b"); gettext_lazy("c"); ngettext("d", "e", n); pgettext("verb", "f"); other("g"); _(h)'
    assert [key for key, _ in in_python(source, "here")] == [(None, "ab"), (None, "c"), (None, "d"), ("verb", "f")]
