"""Where the kernel does not end a dead supervisor's children, the guard does."""

import signal
import subprocess

from pollweb.guard import Guard


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], start_new_session=True)


def test_it_kills_what_is_left_when_its_input_ends() -> None:
    guard, left, ended = Guard(), sleeper(), sleeper()
    guard.started(left.pid)
    guard.started(ended.pid)
    guard.ended(ended.pid)
    guard.close()
    assert left.wait(5) == -signal.SIGKILL
    assert ended.poll() is None
    ended.kill()
    ended.wait()
