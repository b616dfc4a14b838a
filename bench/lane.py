"""What a handler costs: an empty async view under Django's handler and under ours; one uvicorn process."""

import sys
import tempfile

from bench import measure
from bench.measure import Load

CONNECTIONS = 64
VARIANTS = {
    "raw": "bare ASGI, no Django",
    "lean": "LeanHandler, bare",
    "lane": "API lane: dispatch, middleware, log, figures, own protocol",
    "stock": "Django's ASGIHandler, no middleware",
    "stock7": "Django's ASGIHandler, its seven default middlewares",
}
TARGET = 0.20


def compare(seconds: int, repeat: int) -> None:
    loads: dict[str, list[Load]] = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory(prefix="pollweb-bench-") as home:
        for _ in range(repeat):  # each round has every variant, so that a busy minute slows all of them
            for name, found in loads.items():
                found.append(_run(name, seconds, home))
    rows = [
        [
            words,
            measure.spread([load.cpu_ms for load in loads[name]]),
            measure.spread([load.per_second for load in loads[name]], 0),
            measure.spread([load.p99_ms for load in loads[name]], 1),
            str(sum(load.failed for load in loads[name])),
        ]
        for name, words in VARIANTS.items()
    ]
    head = ["empty async view under", "CPU-ms a request", "requests/s", "p99 ms", "failed"]
    measure.table(
        f"Handlers: {CONNECTIONS} connections, {repeat} runs of {seconds} s; target for the lane ≤ {TARGET:.2f} CPU-ms",
        head,
        rows,
    )


def _run(name: str, seconds: int, home: str) -> Load:
    listener = measure.listening()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"
    command = [sys.executable, "-m", "bench.lane_server", name, str(listener.fileno())]
    with measure.running(command, listener, "/healthz", {"POLLWEB_HOME": home, "POLLWEB_MODELS": "none"}) as pid:
        listener.close()
        measure.wrk(url, CONNECTIONS, 1)  # warm
        return measure.under_load(pid, url, connections=CONNECTIONS, seconds=seconds)
