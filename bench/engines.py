"""What it adds to make something in an installation: the embedded engines asked over HTTP, and the same ones bare.

`bare` is the provider in a process of its own, without web server, database, queue and worker; loaded before, as the
worker's are. Both are asked the same in turn. Needs the model files: `manage.py models fetch`.
"""

import asyncio
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from bench import measure
from bench.installation import NO_LINE, ROOT, Installation, environment, installation

TARGET = 1.10
WORDS = "The red fox sleeps in the snow, and nobody in the village has heard it come."
SHORT = {"max_tokens": 60, "temperature": 0, "seed": 7}
KINDS = ("picture, 1024 × 1024", "answer of 60 tokens", "speech, 15 words")


def compare(seconds: int, repeat: int) -> None:
    """`seconds` is not used: each engine takes what it takes. Five times `repeat` runs."""
    found: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in KINDS}
    with (
        tempfile.TemporaryDirectory(prefix="pollweb-bench-") as folder,
        installation(Path(folder) / "home", NO_LINE) as site,
        _bare(Path(folder)) as bare,
    ):
        token = site.token()
        for run in range(5 * repeat + 1):
            for kind, (alone, whole) in found.items():
                salt = secrets.token_hex(3)
                times = bare(kind, salt), _asked(site, token, kind, salt)
                if run:  # the first loads
                    alone.append(times[0])
                    whole.append(times[1])
    rows = []
    for kind, (alone, whole) in found.items():
        more = statistics.median(whole) / statistics.median(alone) - 1
        rows.append([kind, measure.spread(alone, 2), measure.spread(whole, 2), f"{more:+.0%}"])
    measure.table("Embedded engines, s", ["what", "bare", "in an installation", f"more (≤ {TARGET - 1:.0%})"], rows)


def _asked(site: Installation, token: str, kind: str, salt: str) -> float:
    began = time.monotonic()
    path, body = _request(kind, salt)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(site.address + path, data, headers), timeout=120) as answer:
        answer.read()
    return time.monotonic() - began


def _request(kind: str, salt: str) -> tuple[str, dict[str, Any] | None]:
    match KINDS.index(kind):
        case 0:
            return f"/prompt/{quote(_scene(salt))}?{urlencode({'width': 1024, 'height': 1024, 'seed': 7})}", None
        case 1:
            return "/openai", {"model": "openai", "messages": _talk(salt), **SHORT}
        case _:
            return "/v1/audio/speech", {"model": "tts-1", "voice": "alloy", "input": _spoken(salt)}


def _scene(salt: str) -> str:
    return f"a red fox in the snow under a full moon, {salt}"


def _talk(salt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Tell me a long story about a red fox. {salt}"}]


def _spoken(salt: str) -> str:
    return f"{WORDS} {' '.join(salt)}"


# --- bare -------------------------------------------------------------------------------------------------------------


@contextmanager
def _bare(home: Path) -> Iterator[Any]:
    """Asks the engines in a process of their own for seconds."""
    command, pipe = [sys.executable, "-m", "bench.engines"], subprocess.PIPE
    env = environment(home / "bare")
    with subprocess.Popen(command, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        questions, answers = process.stdin, process.stdout
        assert questions
        assert answers

        def ask(kind: str, salt: str) -> float:
            print(json.dumps([kind, salt]), file=questions, flush=True)
            return float(answers.readline())

        yield ask


async def _make(kind: str, salt: str) -> float:
    from generation.providers import registry
    from generation.requests import ChatRequest, ImageRequest, SpeechRequest

    model, request = {
        0: ("scene-painter", ImageRequest(model="flux", text=_scene(salt), seed=7)),
        1: (
            "chat",
            ChatRequest(model="openai", messages=tuple(_talk(salt)), options=SHORT),
        ),
        2: ("speech", SpeechRequest(model="openai-audio", text=_spoken(salt))),
    }[KINDS.index(kind)]
    began = time.monotonic()
    async for _piece in registry.provider("embedded").generate(
        request, model=model, deadline=began + 120, streamed=False
    ):
        pass
    return time.monotonic() - began


def main() -> None:
    import django

    django.setup()
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            print(runner.run(_make(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
