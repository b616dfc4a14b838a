"""How soon an installation answers, and what it takes of memory while nobody asks.

The first start makes the database; a later one finds it. Models are loaded behind it, where their files are there.
"""

import tempfile
import time
import urllib.request
from pathlib import Path

from bench import measure
from bench.installation import Installation, installation

ANSWER, WEB = 5.0, 110.0  # seconds, MiB
IDLE = 8  # seconds until memory is read


def compare(seconds: int, repeat: int) -> None:
    """`seconds` is not used: a start takes what it takes."""
    ready: dict[str, list[float]] = {"first": [], "later": []}
    memory: dict[str, list[float]] = {}
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(prefix="pollweb-bench-") as folder:
            for name, found in ready.items():
                with installation(Path(folder) / "home") as site:
                    found.append(site.seconds + _answered(site))
                    if name == "later":
                        time.sleep(IDLE)
                        for process, pid in site.pids.items():
                            if process != "up":  # all others are below it
                                memory.setdefault(process, []).append(measure.memory_mib(pid))
                        memory.setdefault("all together", []).append(measure.memory_mib(site.pids["up"]))
    rows = [
        [f"{name} start, to the first page", measure.spread(found, 1), f"≤ {ANSWER:.0f}"]
        for name, found in ready.items()
    ]
    measure.table("Start, s", ["what", "s", "target"], rows)
    rows = [[name, measure.spread(found, 0), f"≤ {WEB:.0f}" * name.startswith("web")] for name, found in memory.items()]
    measure.table(f"Memory, {IDLE} s after the first page, proportional", ["process", "MiB", "target"], rows)


def _answered(site: Installation) -> float:
    """Seconds that Explore takes, which nobody has opened before."""
    began = time.monotonic()
    with urllib.request.urlopen(site.address, timeout=60) as answer:
        answer.read()
    return time.monotonic() - began
