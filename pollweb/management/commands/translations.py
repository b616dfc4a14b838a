"""`manage.py translations [--add]`: is everything that people read translated?"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from pollweb.lib import messages

PACKAGES = ("pollweb", "feeds", "generation")
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
CALL = re.compile(r"""(?:\b_|\b[np]?gettext)\((?:[^()"']|u?"(?:\\.|[^"\\])*"|u?'(?:\\.|[^'\\])*')*\)""", re.DOTALL)


HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: {language}\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"""


class Command(BaseCommand):
    help = "Names what has no translation; exits 1 when there is something."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--add", action="store_true", help="write what is missing into the .po files, to translate")

    def handle(self, *args: Any, add: bool, **options: Any) -> None:
        wanted = dict(spoken(settings.ROOT))
        lacking = 0
        for code, _name in settings.LANGUAGES:
            if code == settings.LANGUAGE_CODE:
                continue  # the language that the sources are written in
            po = settings.ROOT / "pollweb" / "locale" / to_locale(code) / "LC_MESSAGES" / "django.po"
            known = catalogue(po)
            for key, (_plural, where) in wanted.items():
                if key not in known or not known[key].translated:
                    lacking += 1
                    self.stderr.write(f"{to_locale(code)}: no translation of {key[1]!r} ({where})")
            if add:
                po.parent.mkdir(parents=True, exist_ok=True)
                if not po.exists():
                    po.write_text(HEADER.format(language=to_locale(code)), encoding="utf-8")
                with po.open("a", encoding="utf-8") as file:
                    file.writelines(
                        _entry(key, plural, where) for key, (plural, where) in wanted.items() if key not in known
                    )
        if lacking:
            raise CommandError(f"{lacking} translations are missing.")
        self.stdout.write(f"{len(wanted)} texts, all translated.")


def catalogue(po: Path) -> dict[tuple[str | None, str], messages.Message]:
    """The messages of the file, by context and text; none when it is not there."""
    try:
        return {message.key: message for message in messages.parse(po.read_text(encoding="utf-8"))}
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise CommandError(f"{po}, {exc}") from exc


def _entry(key: tuple[str | None, str], plural: str, where: str) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'

    context = f"msgctxt {quoted(key[0])}\n" if key[0] is not None else ""
    texts = f'msgid_plural {quoted(plural)}\nmsgstr[0] ""\n' if plural else 'msgstr ""\n'
    return f"\n#: {where}\n{context}msgid {quoted(key[1])}\n{texts}"


Spoken = tuple[tuple[str | None, str], tuple[str, str]]  # (context, text), (plural, where)


def spoken(root: Path) -> Iterator[Spoken]:
    """What the templates, the Python files and the settings that come along say in words to be translated."""
    for path in sorted((root / "templates").rglob("*.*")):
        if path.suffix in (".html", ".txt", ".xml"):
            yield from in_template(path.read_text(encoding="utf-8"), str(path.relative_to(root)))
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield from in_python(path.read_text(encoding="utf-8"), str(path.relative_to(root)))
    yield from in_settings((root / "pollweb" / "defaults.toml").read_text(encoding="utf-8"), "pollweb/defaults.toml")


def in_settings(source: str, where: str) -> Iterator[Spoken]:
    """What the models are."""
    for models in tomllib.loads(source)["models"].values():
        for model in models.values():
            yield (None, model["description"]), ("", where)


def in_template(source: str, where: str) -> Iterator[Spoken]:
    for call in CALL.finditer(templatize(source, origin=where)):
        yield from in_python(call.group(), where)


def in_python(source: str, where: str) -> Iterator[Spoken]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if name in SINGULAR and len(texts) >= 1:
                yield (None, texts[0]), ("", where)
            elif name in PLURAL and len(texts) >= 2:
                yield (None, texts[0]), (texts[1], where)
            elif name in CONTEXT and len(texts) >= 2:
                yield (texts[0], texts[1]), ("", where)
