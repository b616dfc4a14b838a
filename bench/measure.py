"""Load, and what it cost: the processor time of a server's process tree, its memory, and what the clients saw."""

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def tree(root: int) -> set[int]:
    """A process and all that it has started."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(_stat(name)[1]), []).append(int(name))
            except OSError:
                pass  # ended meanwhile
    found, todo = set(), [root]
    while todo:
        pid = todo.pop()
        found.add(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, ended children included."""
    total = 0
    for pid in tree(root):
        try:
            total += sum(map(int, _stat(pid)[11:15]))
        except OSError:
            pass
    return total / TICKS


def memory_mib(root: int) -> float:
    """Proportional set size of the tree."""
    kib = 0
    for pid in tree(root):
        try:
            match = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
        except OSError:
            continue
        kib += int(match[1]) if match else 0
    return kib / 1024


@dataclass
class Load:
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int
    cpu_ms: float = 0.0  # of the server, for each request


UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def _milliseconds(text: str) -> float:
    match = re.match(r"([\d.]+)(us|ms|s|m)", text)
    assert match, text
    return float(match[1]) * UNITS[match[2]]


def wrk(url: str, connections: int, seconds: int, script: Path | None = None) -> Load:
    """GET `url` over so many connections, or ask as a Lua `script` says, as fast as the answers come."""
    program = shutil.which("wrk")
    if program is None:
        sys.exit("wrk is missing: install it (Debian: apt-get install wrk).")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10s", "--latency"]
    command += ["-s", str(script), url] if script else [url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def find(pattern: str) -> str:
        match = re.search(pattern, printed, re.MULTILINE)
        return match[1] if match else ""

    errors = find(r"Socket errors: (.*)")
    return Load(
        requests=int(find(r"(\d+) requests in")),
        per_second=float(find(r"Requests/sec:\s+([\d.]+)")),
        p50_ms=_milliseconds(find(r"^\s+50%\s+(\S+)")),
        p99_ms=_milliseconds(find(r"^\s+99%\s+(\S+)")),
        failed=int(find(r"Non-2xx or 3xx responses: (\d+)") or 0) + sum(map(int, re.findall(r"\d+", errors))),
    )


def under_load(pid: int, url: str, *, connections: int, seconds: int, script: Path | None = None) -> Load:
    before = cpu_seconds(pid)
    load = wrk(url, connections, seconds, script)
    load.cpu_ms = (cpu_seconds(pid) - before) / max(1, load.requests) * 1000
    return load


def compiled(name: str, folder: Path) -> str:
    """A program of this folder, compiled into that one."""
    program = folder / name
    if not program.exists():
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            sys.exit("A C compiler is missing: install one (Debian: apt-get install gcc libc6-dev).")
        source = Path(__file__).with_name(f"{name}.c")
        subprocess.run([compiler, "-O2", "-w", "-o", program, source], check=True)
    return str(program)


@contextmanager
def running(command: Sequence[str], listener: socket.socket, path: str, env: Mapping[str, str]) -> Iterator[int]:
    """A server on the listening socket that it inherits, once it answers `path`. Yields its process id."""
    process = subprocess.Popen(
        command, pass_fds=[listener.fileno()], env={**os.environ, **env}, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url, timeout=20).close()
                break
            except urllib.error.URLError:
                if process.poll() is not None:
                    sys.exit(f"{' '.join(command)} ended before it answered.")
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def listening() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


def analyse() -> None:
    """What a database that grew slowly has behind it already: statistics, and on PostgreSQL a vacuum."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
            cursor.connection.silence = None
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def spread(values: Sequence[float], digits: int = 3) -> str:
    """`median (least-most)`"""
    least, most = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print(f"\n{title}\n")
    for row in (head, ["-" * width for width in widths], *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
