"""Translations without gettext's tools: reads .po files and writes the .mo files that Python loads.

Formats: GNU gettext manual, "The Format of PO Files" and "The Format of GNU MO Files".
"""

import ast
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = 0x950412DE
CONTEXT, PLURAL = "\x04", "\x00"  # how .mo joins context, text and plural


@dataclass(slots=True)
class Message:
    id: str = ""
    plural: str = ""
    context: str | None = None
    texts: dict[int, str] = field(default_factory=dict)
    fuzzy: bool = False

    @property
    def key(self) -> tuple[str | None, str]:
        return self.context, self.id

    @property
    def translated(self) -> bool:
        return not self.fuzzy and bool(self.texts) and all(self.texts.values())


def parse(text: str) -> list[Message]:
    """The messages of a .po file, its header (`id` "") included. Entries are parted by empty lines.

    ValueError names the line that is no .po.
    """
    messages: list[Message] = []
    message, part = Message(), ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        line = line.strip()
        try:
            if not line:
                if part:
                    messages.append(message)
                message, part = Message(), ""
            elif line.startswith("#"):
                message.fuzzy |= line.startswith("#,") and "fuzzy" in line
            elif line.startswith('"'):
                _extend(message, part, ast.literal_eval(line))
            else:
                word, _, value = line.partition(" ")
                part = word
                _extend(message, part, ast.literal_eval(value.strip()))
        except (SyntaxError, ValueError) as exc:
            raise ValueError(f"line {number}: {line}") from exc
    return messages


def _extend(message: Message, part: str, text: str) -> None:
    if part == "msgid":
        message.id += text
    elif part == "msgid_plural":
        message.plural += text
    elif part == "msgctxt":
        message.context = (message.context or "") + text
    elif part.startswith("msgstr"):
        index = int(part[7:-1]) if part.startswith("msgstr[") else 0
        message.texts[index] = message.texts.get(index, "") + text
    else:
        raise ValueError(part)


def compiled(messages: list[Message]) -> bytes:
    """A .mo file of those messages that are translated."""
    pairs = []
    for message in messages:
        if message.translated:
            key = (f"{message.context}{CONTEXT}" if message.context is not None else "") + message.id
            key += f"{PLURAL}{message.plural}" if message.plural else ""
            texts = PLURAL.join(message.texts[index] for index in sorted(message.texts))
            pairs.append((key.encode(), texts.encode()))
    pairs.sort()
    start = 28 + 16 * len(pairs)  # behind the header and two tables of (length, offset)
    ends = [b"".join(side + b"\0" for side in sides) for sides in zip(*pairs, strict=True)] if pairs else [b"", b""]
    tables, offset = [], start
    for sides in zip(*pairs, strict=True):
        for side in sides:
            tables.append(struct.pack("<II", len(side), offset))
            offset += len(side) + 1
    head = struct.pack("<7I", MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start)
    return head + b"".join(tables) + b"".join(ends)


def compile_folder(source: Path, target: Path) -> None:
    """Write `target`/LANGUAGE/LC_MESSAGES/django.mo for each .po of `source`, where it is missing or older."""
    for po in source.glob("*/LC_MESSAGES/*.po"):
        mo = (target / po.relative_to(source)).with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime_ns == po.stat().st_mtime_ns:
            continue
        mo.parent.mkdir(parents=True, exist_ok=True)
        part = mo.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(compiled(parse(po.read_text(encoding="utf-8"))))
        os.utime(part, ns=(po.stat().st_atime_ns, po.stat().st_mtime_ns))
        part.replace(mo)
