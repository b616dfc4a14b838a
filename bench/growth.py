"""Whether a request costs more when there is more: results that are kept, tokens of an answer, web processes.

SQLite; requests go their whole way to one web process (`relay` has the same at one size, `gallery` the times in the
database). POLLWEB_BENCH_SIZES says how many results: 1000,1000000.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import measure, relay
from bench.installation import ROOT, installation

SIZES = [int(size) for size in os.environ.get("POLLWEB_BENCH_SIZES", "1000,1000000").split(",")]
FLAT = 1.10
# (how many streams at once, tokens of each)
ANSWERS = [(64, 10), (64, 1_000), (16, 10_000), (4, 100_000)]
PAGES = {"Explore": "/", "Explore, texts alone": "/?kind=text", "search": "/search?q=w80"}


def compare(seconds: int, repeat: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pollweb-bench-")))
        upstream = stack.enter_context(relay.mockup(folder))
        for size in SIZES:
            _fill(folder / str(size), size)
        _results(folder, upstream, seconds, repeat)
        _tokens(folder, upstream, repeat)
        _processes(folder, seconds, repeat)


def _fill(home: Path, size: int) -> None:
    home.mkdir()
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(home)}
    env |= {"POLLWEB_DATABASE_URL": f"sqlite:///{home}/pollweb.sqlite3", "POLLWEB_BENCH_ROWS": str(size)}
    fill = "import django; django.setup(); from bench import gallery; gallery.fill(gallery.ROWS)"
    subprocess.run([sys.executable, "-c", fill], env=env, check=True, cwd=ROOT)


def _results(folder: Path, upstream: int, seconds: int, repeat: int) -> None:
    """Both installations run side by side, so that a busy minute slows both."""
    with ExitStack() as stack:
        servers = {}
        for size in SIZES:
            design = relay.design({"burst": upstream}, worked="burst")
            site = stack.enter_context(installation(folder / str(size), design, POLLWEB_MODELS="none"))
            servers[size] = relay.server(site)
        found: dict[str, dict[int, list[float]]] = {}
        for run in range(repeat + 1):
            for size, server in servers.items():
                costs = {name: _page(server, path, seconds) for name, path in PAGES.items()}
                costs["JSON chat, relayed"] = relay.chats(folder, server, "burst", seconds)[0]
                costs["JSON chat, worked (web process)"] = relay.chats(folder, server, "worked", seconds)[0]
                if run:  # the first warms
                    for name, cost in costs.items():
                        found.setdefault(name, {}).setdefault(size, []).append(cost)
    rows = [
        [name, *(measure.spread(costs, 2) for costs in of_sizes.values()), _grown(list(of_sizes.values()))]
        for name, of_sizes in found.items()
    ]
    head = ["CPU-ms of a request", *(f"{size:,} results" for size in SIZES), f"grown (≤ {FLAT - 1:.0%})"]
    measure.table("Results that are kept", head, rows)


def _page(server: relay.Server, path: str, seconds: int) -> float:
    url = f"http://127.0.0.1:{server.port}{path}"
    return measure.under_load(server.pid, url, connections=4, seconds=seconds).cpu_ms


def _grown(costs: list[list[float]]) -> str:
    first, last = min(costs[0]), min(costs[-1])
    return f"{last / first - 1:+.0%}"


def _tokens(folder: Path, upstream: int, repeat: int) -> None:
    swarm = measure.compiled("swarm", folder)
    found: dict[tuple[int, int], list[float]] = {answer: [] for answer in ANSWERS}
    said: dict[tuple[int, int], str] = {}
    design = relay.design({"burst": upstream}, worked="burst")
    with installation(folder / "tokens", design, POLLWEB_MODELS="none") as site:
        server = relay.server(site)
        for run in range(repeat + 1):
            for (count, tokens), costs in found.items():
                cost, said[count, tokens] = relay.streams(swarm, server, folder, "burst", count, tokens)
                if run:
                    costs.append(cost)
    rows = [
        [
            f"{count} at once, {tokens:,} tokens",
            measure.spread(costs, 2),
            measure.spread([cost * tokens / 1e2 for cost in costs], 1),
            said[count, tokens],
        ]
        for (count, tokens), costs in found.items()
    ]
    head = ["streams", "CPU-s for 100,000 tokens", "CPU-ms for a stream", "last run"]
    measure.table("Tokens of an answer, streamed", head, rows)


def _processes(folder: Path, seconds: int, repeat: int) -> None:
    """What a second web process adds, where there are cores for it; wrk needs one too."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as stack:
        sites = {
            number: stack.enter_context(
                installation(folder / f"web-{number}", POLLWEB_MODELS="none", POLLWEB_WEB=str(number))
            )
            for number in rates
        }
        for run in range(repeat + 1):
            for number, site in sites.items():
                load = measure.wrk(f"{site.address}/", 16, seconds)
                if run:
                    rates[number].append(load.per_second)
    rows = [[str(number), measure.spread(each, 0)] for number, each in rates.items()]
    title = f"Web processes on {os.cpu_count()} cores: Explore without results"
    measure.table(title, ["processes", "pages a second"], rows)
