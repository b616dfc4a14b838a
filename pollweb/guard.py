"""Ends the supervisor's children after the supervisor was killed, where the kernel does not (macOS).

A process of its own reads `+PID` and `-PID` from the supervisor. When its input ends, the supervisor is gone, and
whatever was started and has not ended is killed with its process group. Only the standard library: it starts at once.
"""

import os
import signal
import subprocess
import sys


class Guard:
    """The supervisor's end of it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own file
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True, text=True
        )

    def started(self, pid: int) -> None:
        self._say(f"+{pid}")

    def ended(self, pid: int) -> None:
        self._say(f"-{pid}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(1)

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)


def main() -> None:
    alive: set[int] = set()
    for line in sys.stdin:
        (alive.add if line[0] == "+" else alive.discard)(int(line[1:]))
    for pid in alive:
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            continue


if __name__ == "__main__":
    main()
