"""A real systemd as the first process of namespaces of its own, on a copy of this machine that is thrown away.

Its root is an overlay: whatever it or its services write, remove or mount is gone with it, and never was here. It knows
no unit but those it is given, so that none of the machine's own is started. The network is this machine's.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.site import ROOT, eventually

SYSTEMD = Path("/usr/lib/systemd/systemd")
NEEDED = ("unshare", "nsenter", "pivot_root", "useradd", "dbus-daemon")
PATHS = "/usr/sbin:/usr/bin:/sbin:/bin"
UNITS = "/etc/systemd/system"
# What every unit waits for by default; on a whole machine the distribution has them.
TARGETS = (
    "sysinit",
    "basic",
    "shutdown",
    "multi-user",
    "sockets",
    "network-online",
    "timers",
    "paths",
    "umount",
    "rescue",
)
BUS = ("dbus.socket", "dbus.service")  # by which systemd-run asks
BEGIN = """
set -eu
stage=$1; checkout=$2; python=$3; groups=$4
echo $$ >"$groups/cgroup.procs"
exec unshare --cgroup sh -euc '
    stage=$1; checkout=$2; python=$3
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$stage"
    mkdir "$stage/upper" "$stage/work" "$stage/root"
    mount -t overlay -o "lowerdir=/,upperdir=$stage/upper,workdir=$stage/work" overlay "$stage/root"
    cd "$stage/root"
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    for place in dev run tmp opt mnt; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
    chmod 1777 tmp
    mkdir dev/pts dev/shm opt/pollweb opt/python mnt/old
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    mount -t tmpfs -o mode=1777 tmpfs dev/shm
    mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/full c 1 7
    mknod -m 666 dev/random c 1 8; mknod -m 666 dev/urandom c 1 9; mknod -m 666 dev/tty c 5 0
    ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
    for given in "$checkout:opt/pollweb" "$python:opt/python"; do
        mount --bind "${given%%:*}" "${given##*:}"
        mount -o remount,bind,ro "${given##*:}"
    done
    rm -rf var/lib/pollweb etc/systemd/system; mkdir -p etc/systemd/system etc/pollweb var/log/pollweb nothing
    pivot_root . mnt/old
    cp -r /mnt/old"$checkout"/units/. /etc/systemd/system/
    umount -l /mnt/old
    useradd --system --home-dir /var/lib/pollweb pollweb
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=pollweb SYSTEMD_UNIT_PATH=/etc/systemd/system \\
        SYSTEMD_GENERATOR_PATH=/nothing SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nothing \\
        /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
' sh "$stage" "$checkout" "$python"
"""


def cannot() -> str:
    """Why none can be started here, or nothing."""
    if not SYSTEMD.exists() or not all(shutil.which(name, path=PATHS) for name in NEEDED):
        return "there is no systemd on this machine (Debian's systemd, dbus and util-linux)"
    if os.geteuid() != 0 or _groups() is None:
        return "only root may start one, where control groups of the second version are mounted"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--cgroup", "--fork", "true"], capture_output=True, text=True
    )
    return f"no namespaces can be made here: {tried.stderr.strip()}" if tried.returncode else ""


def _groups() -> Path | None:
    """Where this machine's control groups of the second version are."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    return None


class Machine:
    """`units` are the files of /etc/systemd/system, by their paths there."""

    def __init__(self, folder: Path, units: dict[str, str]) -> None:
        groups = _groups()
        assert groups is not None
        self.groups = groups / f"pollweb-{os.getpid()}"
        self.groups.mkdir()
        self.stage, checkout = folder / "stage", folder / "checkout"
        self.stage.mkdir()
        _copy(checkout)
        for target in TARGETS:
            _write(checkout / "units" / f"{target}.target", "[Unit]\nDefaultDependencies=no\n")
        for unit in BUS:
            _write(checkout / "units" / unit, (SYSTEMD.parent / "system" / unit).read_text())
        for name, text in units.items():
            _write(checkout / "units" / name, text)
        self.said = open(folder / "systemd", "wb")  # noqa: SIM115  # closed with the machine
        spaces = ("--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
        self._outer = subprocess.Popen(
            ["unshare", *spaces, "sh", "-c", BEGIN, "sh", str(self.stage), str(checkout), sys.base_prefix, self.groups],
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.said,
        )
        assert eventually(lambda: self._first() > 0, 20), (folder / "systemd").read_text()
        self.first = self._first()
        assert eventually(lambda: self.systemctl("is-active", "multi-user.target") == "active", 30), (
            folder / "systemd"
        ).read_text()

    def _first(self) -> int:
        """The pid, as it is here, of its first process, once that is systemd."""
        with suppress(OSError, ValueError):
            (child,) = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
        return 0

    def run(self, *command: str, given: str = "") -> str:
        """What a command says there."""
        enter = [
            "nsenter",
            "--target",
            str(self.first),
            "--mount",
            "--pid",
            "--ipc",
            "--uts",
            "--cgroup",
            "--root",
            "--wd",
        ]
        done = subprocess.run([*enter, *command], input=given, capture_output=True, text=True, timeout=100)
        return (done.stdout + done.stderr).strip()

    def systemctl(self, *words: str) -> str:
        return self.run("systemctl", *words)

    def show(self, unit: str, name: str) -> str:
        return self.systemctl("show", "--value", "--property", name, unit)

    def pid(self, unit: str) -> int:
        """Of its main process, as that machine counts."""
        return int(self.show(unit, "MainPID") or 0)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)  # and with it all of the others
        self._outer.wait(20)
        self.said.close()
        for group in sorted(self.groups.rglob("*"), key=lambda path: -len(path.parts)):
            if group.is_dir():
                eventually(lambda group=group: _removed(group), 5)  # type: ignore[misc]
        eventually(lambda: _removed(self.groups), 5)


def _removed(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _copy(checkout: Path) -> None:
    """The checkout, and a .venv with the same packages whose interpreter is one that everybody may run."""
    shutil.copytree(
        ROOT,
        checkout,
        ignore=shutil.ignore_patterns(".git", ".venv", "var", "node_modules", "dist", ".*_cache", "tests"),
    )
    (checkout / ".venv" / "bin").mkdir(parents=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (checkout / ".venv" / "bin" / "python").symlink_to(f"/opt/python/bin/{version}")
    (checkout / ".venv" / "pyvenv.cfg").write_text("home = /opt/python/bin\n")
    (checkout / ".venv" / "lib").symlink_to(Path(sys.prefix).resolve() / "lib")
