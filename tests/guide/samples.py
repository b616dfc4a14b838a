"""The samples of the public guide, cut out of its text: shell commands and Python programs, in its order.

guide.zh.txt is the guide as it is published, without the markup that told code from prose. So a command is what begins
with `curl ` and goes on until the shell would run it, and a program is the longest piece after a heading such as
"Python (requests):" that is Python.
"""

import ast
import re
from pathlib import Path

GUIDE = (Path(__file__).parent / "guide.zh.txt").read_text(encoding="utf-8")
TO_UNCOMMENT = re.compile(r"^# --- .*取消注释以运行.*---\n", re.M)  # "uncomment to run"


def commands() -> list[str]:
    """Each curl command, with its continued lines."""
    found: list[str] = []
    lines = iter(GUIDE.splitlines())
    for line in lines:
        if line.startswith("curl "):
            command = line
            while command.endswith("\\") or command.count("'") % 2:
                command += "\n" + next(lines)
            found.append(command)
    return found


def programs() -> list[str]:
    """Each Python program; where the guide says that its last lines are to be uncommented, they are."""
    parts = re.split(r"^Python \(.*\):\n", GUIDE, flags=re.M)[1:]
    # The heading of the next sample, "代码示例: …", would be Python too: an annotated name.
    return [_uncommented(_program_at_the_start_of(part.partition("\n代码示例")[0])) for part in parts]


def _program_at_the_start_of(text: str) -> str:
    lines = text.splitlines(keepends=True)
    for length in range(len(lines), 0, -1):
        source = "".join(lines[:length])
        try:
            ast.parse(source)
        except SyntaxError:
            continue
        return source.strip() + "\n"
    raise ValueError(f"no program begins here: {text[:60]!r}")


def _uncommented(program: str) -> str:
    mark = TO_UNCOMMENT.search(program)
    return program if mark is None else program[: mark.end()] + re.sub(r"^# ?", "", program[mark.end() :], flags=re.M)
