"""Network namespaces as machines: each has addresses, ports and a loopback of its own, and a cable to one switch.

The switch is a namespace too, so nothing of this machine's own network is touched. What runs in them ends with them.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

IP = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
NETWORK = "10.99.0"


def cannot() -> str:
    """Why none can be made here, or nothing."""
    if not IP or not hasattr(os, "setns"):
        return "there is no `ip netns` on this machine (Debian's iproute2)"
    name = f"pollweb-{os.getpid()}-probe"
    made = subprocess.run([IP, "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    cable = subprocess.run([IP, "-n", name, "link", "add", "br0", "type", "bridge"], capture_output=True, text=True)
    subprocess.run([IP, "netns", "del", name], capture_output=True)
    return f"no bridge can be made here: {cable.stderr.strip()}" if cable.returncode else ""


class Machines:
    """`logs` takes what their programs say, a file for each."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.addresses: dict[str, str] = {}
        self._prefix = f"pollweb-{os.getpid()}"
        self._running: list[subprocess.Popen[bytes]] = []
        self._ip("netns", "add", self._name("switch"))
        self._ip("-n", self._name("switch"), "link", "add", "br0", "type", "bridge")
        self._ip("-n", self._name("switch"), "link", "set", "br0", "up")

    def add(self, name: str) -> str:
        """A further machine; returns its address. Its name may have 11 letters."""
        machine, switch = self._name(name), self._name("switch")
        self.addresses[name] = address = f"{NETWORK}.{len(self.addresses) + 1}"
        self._ip("netns", "add", machine)
        ends = ("type", "veth", "peer", "name", "eth0", "netns", machine)
        self._ip("link", "add", f"to-{name}", "netns", switch, *ends)
        self._ip("-n", switch, "link", "set", f"to-{name}", "master", "br0", "up")
        self._ip("-n", machine, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self._ip("-n", machine, "link", "set", device, "up")
        return address

    def start(
        self, machine: str, *command: str, said: str, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A program on that machine; `said` names the file of what it says."""
        with open(self.logs / said, "ab") as log:
            process = subprocess.Popen(
                self._on(machine, command), env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._running.append(process)
        return process

    def run(self, machine: str, *command: str, env: dict[str, str] | None = None) -> str:
        """What a program says that ends by itself, and well."""
        done = subprocess.run(self._on(machine, command), env=env, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    @contextmanager
    def inside(self, machine: str) -> Iterator[None]:
        """What this thread, and threads that it starts, open here belongs to that machine."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self._name(machine)}") as there:
            os.setns(there.fileno(), os.CLONE_NEWNET)
            try:
                yield
            finally:
                os.setns(here.fileno(), os.CLONE_NEWNET)

    def cut(self, machine: str) -> None:
        """Nothing reaches it any more, and it hears of nothing."""
        self._ip("-n", self._name("switch"), "link", "set", f"to-{machine}", "down")

    def mend(self, machine: str) -> None:
        self._ip("-n", self._name("switch"), "link", "set", f"to-{machine}", "up")

    def close(self) -> None:
        """Ends every program and takes all machines away, however far they came."""
        for process in reversed(self._running):
            process.terminate()
        until = time.monotonic() + 10
        for process in reversed(self._running):
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
        for name in (*self.addresses, "switch"):
            machine = self._name(name)
            pids = subprocess.run([IP or "", "netns", "pids", machine], capture_output=True, text=True).stdout.split()
            for pid in set(pids) - {str(os.getpid())}:  # threads of ours may still be inside
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run([IP or "", "netns", "del", machine], capture_output=True)
        for process in self._running:
            process.wait(10)

    def _name(self, machine: str) -> str:
        return f"{self._prefix}-{machine}"

    def _on(self, machine: str, command: tuple[str, ...]) -> list[str]:
        return [IP or "", "netns", "exec", self._name(machine), *command]

    def _ip(self, *words: str) -> None:
        done = subprocess.run([IP or "", *words], capture_output=True, text=True)
        assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
