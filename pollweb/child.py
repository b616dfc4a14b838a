"""One process under the supervisor: how it is started, what it writes, and when it is started again."""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pollweb.guard import Guard

FIRST_PAUSE, LONGEST_PAUSE, SETTLED = 0.5, 30.0, 30.0  # seconds; a child that lived SETTLED begins anew at FIRST_PAUSE
LONGEST_LINE = 64 * 1024  # bytes

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
HAS_DEATH_SIGNAL = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if HAS_DEATH_SIGNAL else None


def _dies_with_parent(parent: int, death_signal: int) -> Callable[[], None] | None:
    """For the new process, before it runs its program: the kernel sends `death_signal` when our thread ends.

    The thread, not the process: the supervisor starts its children from its only thread. A parent that is gone already
    sends nothing any more, hence the look at who our parent is.
    """
    if _libc is None:
        return None

    def ask() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return ask


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how it takes part."""

    name: str
    command: Sequence[str]
    descriptors: Sequence[int] = ()  # files it inherits under the same numbers
    once: bool = False  # its end is no fault, and it is not started again
    death_signal: int = signal.SIGKILL  # what it gets when the supervisor is killed


@dataclass(slots=True)
class Child:
    """A program and its present process, if it has one. `said(name, line)` receives each line it writes."""

    program: Program
    environment: dict[str, str]
    selector: selectors.BaseSelector
    said: Callable[[str, bytes], None]
    guard: Guard | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    starts_at: float | None = None
    pause: float = FIRST_PAUSE
    deaths: int = 0
    _rest: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        return self.program.name

    def start(self) -> None:
        self.starts_at = None
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603  # our own programs
            list(self.program.command),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            pass_fds=self.program.descriptors,
            start_new_session=True,  # a terminal's Ctrl-C is for the supervisor, which stops us in order
            preexec_fn=_dies_with_parent(os.getpid(), self.program.death_signal),
        )
        if self.guard is not None:
            self.guard.started(self.process.pid)
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector.register(self.process.stdout, selectors.EVENT_READ, self.read)

    def read(self) -> bool:
        """Pass on the whole lines that have arrived. False when nothing more is there at the moment."""
        assert self.process is not None
        assert self.process.stdout is not None
        try:
            data = os.read(self.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        if not data:
            self._close()
            return False
        *lines, self._rest = (self._rest + data.replace(b"\r", b"\n")).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if line.strip():
                self.said(self.name, line)
        return True

    def _close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.selector.unregister(self.process.stdout)
            self.process.stdout.close()
        if self._rest.strip():
            self.said(self.name, self._rest)
        self._rest = b""

    @property
    def alive(self) -> bool:
        return self.process is not None

    def ended(self) -> int | None:
        """The exit code, once, when the process has ended: its last words are read, its process group is gone."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.send(signal.SIGKILL)
        assert self.process.stdout is not None
        while not self.process.stdout.closed and self.read():
            pass
        self._close()
        if self.guard is not None:
            self.guard.ended(self.process.pid)
        self.process = None
        return code

    def start_later(self) -> float:
        """Plan the next start and return the seconds until then: twice as long each time, unless it had settled."""
        now = time.monotonic()
        if now - self.started_at >= SETTLED:
            self.pause = FIRST_PAUSE
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE)
        self.deaths += 1
        self.start_in(pause)
        return pause

    def start_in(self, seconds: float) -> None:
        self.starts_at = time.monotonic() + seconds

    def send(self, signum: int) -> None:
        """Signal the process and whatever it has started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signum)
