"""The units as they are shipped, under a real systemd: they start, come back, drain and end as they promise."""

import http.client
import re
import shlex
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests import databases, redis_server
from tests.site import ROOT, eventually, free_port
from tests.systemd import Machine, cannot

HOST = "pictures.example.org"
SERVICES = ("pollweb-web@1", "pollweb-worker@1", "pollweb-engine", "pollweb-beat", "pollweb-relay")
CONFIG = """
[tiers.anonymous]
interval = 0
concurrency = 40
[feeds]
follow = true
image = ["http://127.0.0.1:9/feed"]
text = []
"""
pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(500)]


@dataclass
class Installation:
    machine: Machine
    port: int
    env: str

    def ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
            connection.request("GET", path, headers={"Host": HOST, **forwarded})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        try:
            return self.ask("/readyz")[0] == 200
        except OSError:
            return False

    def makes(self) -> bool:
        status, data = self.ask(f"/prompt/{time.time_ns()}?width=64&height=64")
        return (status, data[:2]) == (200, b"\xff\xd8")

    def manage(self, *words: str) -> str:
        """What one of pollweb's commands says, run as docs/operations.md says that it is run."""
        guide = (ROOT / "docs" / "operations.md").read_text()
        told = re.search(r"`(systemd-run [^`]* manage\.py) check --deploy`", guide)
        assert told
        return self.machine.run(*shlex.split(told[1]), *words)

    def set(self, **variables: str) -> None:
        """In /etc/pollweb/pollweb.env; what runs knows nothing of it."""
        for name, value in variables.items():
            line = f"{name}={value}"
            self.env, known = re.subn(f"^{name}=.*", line, self.env, flags=re.MULTILINE)
            self.env += "" if known else f"\n{line}\n"
        self.machine.run("sh", "-c", "umask 077; cat >/etc/pollweb/pollweb.env", given=self.env)

    def active(self) -> list[str]:
        return [unit for unit in SERVICES if self.machine.systemctl("is-active", unit) == "active"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """As docs/operations.md says, with a port of its own and a file for what the services say."""
    if reason := cannot():
        pytest.skip(reason)
    port = free_port()
    units = {
        file.name: file.read_text()
        for file in (ROOT / "deploy" / "systemd").glob("pollweb[-.]*")
        if file.suffix != ".env"
    }
    units["pollweb-web.socket.d/port.conf"] = f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\n"
    here = "StandardError=append:/var/log/pollweb/%p.log\nEnvironment=LD_LIBRARY_PATH=/opt/python/lib\n"
    units["service.d/here.conf"] = f"[Service]\n{here}"
    folder = tmp_path_factory.mktemp("systemd")
    # Without a password nothing starts where strangers come.
    with databases.fresh("systemd") as database, redis_server.serving(folder, "only-for-tests") as redis:
        machine = Machine(folder, units)
        try:
            place = Installation(machine, port, (ROOT / "deploy" / "systemd" / "pollweb.env").read_text())
            place.set(
                POLLWEB_DATABASE_URL=database,
                POLLWEB_REDIS_URL=redis.url,
                POLLWEB_MODELS="none",
                POLLWEB_CONFIG="/etc/pollweb/pollweb.toml",
            )
            machine.run("sh", "-c", "cat >/etc/pollweb/pollweb.toml", given=CONFIG)
            said = machine.systemctl("enable", "--now", "pollweb-web.socket", "pollweb.target", "pollweb-relay")
            assert eventually(place.is_ready, 90), said + machine.run(
                "sh", "-c", "systemctl --failed; tail -n 3 /var/log/pollweb/*"
            )
            yield place
        finally:
            machine.close()


def test_everything_runs_and_makes_pictures(installed: Installation) -> None:
    assert eventually(lambda: installed.active() == list(SERVICES), 60), installed.machine.systemctl("--failed")
    assert installed.machine.show("pollweb-migrate", "Result") == "success"
    assert eventually(installed.makes, 60)


def test_the_services_are_as_small_as_their_units_say(installed: Installation) -> None:
    """Another user, no rights, nothing to write but their own folder; and all of that hinders nothing above."""
    machine = installed.machine
    for unit in SERVICES:
        process = f"/proc/{machine.pid(unit)}"
        status = dict(re.findall(r"^(\w+):\s+(.*)$", machine.run("cat", f"{process}/status"), re.MULTILINE))
        assert status["Uid"].split()[0] == machine.run("id", "-u", "pollweb") != "0"
        assert int(status["CapEff"], 16) == 0
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        mounts = {
            line.split()[4]: line.split()[5].split(",")
            for line in machine.run("cat", f"{process}/mountinfo").splitlines()
        }
        assert "ro" in mounts["/"]
        assert "rw" in mounts["/var/lib/pollweb"]
    assert (
        machine.run("stat", "-c", "%a %U", "/var/lib/pollweb", "/var/lib/pollweb/secret_key")
        == "700 pollweb\n600 pollweb"
    )


def test_whoever_is_killed_comes_back(installed: Installation, record_property: Any) -> None:
    before = {unit: installed.machine.pid(unit) for unit in SERVICES}
    began = time.monotonic()
    for unit in SERVICES:
        installed.machine.systemctl("kill", "--signal", "KILL", unit)
    assert eventually(lambda: _others(installed, before), 60)
    assert eventually(installed.makes, 90)
    record_property("figures", f"all five killed; a picture after {time.monotonic() - began:.1f} s")


def _others(installed: Installation, before: dict[str, int]) -> bool:
    now = {unit: installed.machine.pid(unit) for unit in SERVICES}
    return installed.active() == list(SERVICES) and all(pid not in (0, before[unit]) for unit, pid in now.items())


def test_the_socket_starts_a_web_process_when_somebody_comes(installed: Installation) -> None:
    machine = installed.machine
    machine.systemctl("stop", "pollweb-web@1")
    assert machine.systemctl("is-active", "pollweb-web@1") == "inactive"
    assert machine.systemctl("is-active", "pollweb-web.socket") == "active"
    assert installed.ask("/healthz")[0] == 200, "who came first has waited for it"
    assert machine.systemctl("is-active", "pollweb-web@1") == "active"


def test_a_restart_drops_nobody(installed: Installation, record_property: Any) -> None:
    machine = installed.machine
    machine.systemctl("start", "pollweb-web@2")
    assert eventually(lambda: machine.systemctl("is-active", "pollweb-web@2") == "active" and installed.is_ready(), 60)
    ended, answers, lock = threading.Event(), Counter[str](), threading.Lock()

    def ask() -> None:
        while not ended.is_set():
            try:
                said = str(installed.ask("/v1/models")[0])
            except OSError as exc:
                said = type(exc).__name__
            with lock:
                answers[said] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for unit in ("pollweb-web@1", "pollweb-web@2"):
        machine.systemctl("restart", unit)
        assert machine.show(unit, "Result") == "success"
        asked = answers.total()
        assert eventually(lambda asked=asked: answers.total() > asked + 30, 60)  # type: ignore[misc]
        assert machine.systemctl("is-active", unit) == "active"
    ended.set()
    for thread in threads:
        thread.join()
    machine.systemctl("stop", "pollweb-web@2")
    record_property("figures", f"two web processes restarted under {dict(answers)}")
    assert set(answers) == {"200"}, answers


def test_all_of_it_ends_in_its_time(installed: Installation, record_property: Any) -> None:
    """Nothing runs afterwards, but for what is restored below."""
    machine = installed.machine
    began = time.monotonic()
    machine.systemctl("stop", "pollweb-web.socket", "pollweb.target", *SERVICES)
    took = time.monotonic() - began
    assert installed.active() == []
    for unit in SERVICES:
        assert machine.show(unit, "Result") == "success", f"{unit} had to be killed"
    assert took < 35
    left = [
        path for path in machine.run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").split() if "pollweb" in path
    ]
    assert left == []
    record_property("figures", f"five services ended in {took:.1f} s")


def test_a_backup_is_restored_by_the_guide_s_own_commands(installed: Installation, record_property: Any) -> None:
    """Into an empty database and an empty home; the secret key is all that is carried over beside the archive."""
    machine, archive = installed.machine, "/var/lib/pollweb/all.tar"
    machine.systemctl("start", "dbus.socket", "pollweb-web.socket", "pollweb.target")
    assert "no issues" in installed.manage("check", "--deploy")
    assert eventually(installed.makes, 90)
    shown = re.search(rb'class="tile" href="/p/([\w-]{22})"', installed.ask("/?kind=image")[1])
    assert shown
    picture = f"/media/{shown[1].decode()}/original"
    before = installed.ask(picture)
    assert before[0] == 200
    assert "all.tar" in installed.manage("backup", archive)
    machine.systemctl("stop", "pollweb-web.socket", "pollweb.target", *SERVICES)

    machine.run(
        "sh",
        "-c",
        "mkdir /var/lib/old && mv /var/lib/pollweb/* /var/lib/old && mv /var/lib/old/all.tar /var/lib/pollweb",
    )
    key = machine.run("cat", "/var/lib/old/secret_key")
    began = time.monotonic()
    with databases.fresh("restored") as database:
        installed.set(POLLWEB_DATABASE_URL=database, POLLWEB_SECRET_KEY=key)
        assert "every hash is right" in installed.manage("restore", archive, "--check")
        said = installed.manage("restore", archive)
        machine.systemctl("start", "pollweb-web.socket", "pollweb.target")
        try:
            assert eventually(installed.is_ready, 90), said
            assert installed.ask(picture) == before
            assert eventually(installed.makes, 90)
            record_property("figures", f"restored and at work again after {time.monotonic() - began:.1f} s")
        finally:
            machine.systemctl("stop", "pollweb-web.socket", "pollweb.target", *SERVICES)
