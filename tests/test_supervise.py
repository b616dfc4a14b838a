"""`manage.py up` with real processes: what it starts, what it survives, what it leaves behind."""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.site import DRAIN, PATIENCE, Site, end, eventually, processes_of


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("home"))
    yield running.ready()
    end(running)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    begun: list[Site] = []

    def begin(*arguments: str, home: Path = tmp_path / "home", **environment: str) -> Site:
        begun.append(Site(home, *arguments, **environment))
        return begun[-1]

    yield begin
    for running in begun:
        end(running)


def refusal(site: Site) -> str:
    """Its one sentence on stderr, after it has ended with a code that is not 0."""
    said = site.said_last()
    assert site.process.returncode == 1, said
    assert len(said.strip().splitlines()) == 1, said
    return said.strip()


def test_it_says_where_it_answers(site: Site) -> None:
    run = site.run
    assert site.address == run["address"] == f"http://localhost:{run['port']}"
    assert site.lines[-1] == f"pollweb is ready: {site.address}"
    assert site.ask().status == 200


def test_it_says_once_where_the_first_operator_is_made(site: Site) -> None:
    links = [line.rpartition(" ")[2] for line in site.lines if "/account/first/" in line]
    assert len(links) == 1
    assert site.ask(links[0].removeprefix(site.address)).status == 200
    assert site.ask("/account/first/guess/").status == 404


def test_it_runs_everything_on_one_machine(site: Site) -> None:
    pids = site.run["pids"]
    assert sorted(pids) == ["beat", "up", "valkey", "web-1", "worker-1"]
    assert all(os.getsid(pid) == pid for name, pid in pids.items() if name != "up")
    assert (site.home / "run").stat().st_mode & 0o777 == 0o700


def test_a_child_that_dies_is_started_again(site: Site) -> None:
    dead = site.run["pids"]["web-1"]
    os.kill(dead, signal.SIGKILL)
    site.line("web-1 ended by SIGKILL; starting it again in")
    assert eventually(lambda: site.run["pids"].get("web-1", dead) != dead, PATIENCE)
    assert site.ask().status == 200


def test_a_second_one_on_the_same_home_is_refused(site: Site, up: Callable[..., Site]) -> None:
    second = refusal(up(home=site.home))
    assert second.startswith(f"pollweb is already running on {site.home} (process {site.process.pid}, {site.address})")
    assert site.run["pids"]["up"] == site.process.pid


def test_a_taken_port_is_refused(up: Callable[..., Site], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(up("--port", str(port))).startswith(f"Port {port} on 127.0.0.1 is taken by another program.")
    assert not processes_of(tmp_path / "home")


def test_a_feed_that_cannot_be_followed_is_refused(up: Callable[..., Site]) -> None:
    assert refusal(up("--follow", "image.pollinations.ai/feed")).startswith(
        "--follow 'image.pollinations.ai/feed' is no"
    )


@pytest.mark.parametrize("content", [b"these bytes are no database" * 100, b"SQLite format 3\0" + bytes(8176)])
def test_a_damaged_database_is_refused(up: Callable[..., Site], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.sqlite3").write_bytes(content)
    assert "pollweb.sqlite3 is damaged" in refusal(up())


def test_a_provider_of_an_unknown_kind_is_refused(up: Callable[..., Site], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.toml").write_text('[providers.gpu]\nkind = "abacus"\n')
    assert refusal(up()).startswith("providers.gpu.kind is 'abacus'; known are ")


def test_a_home_that_cannot_be_made_is_refused(up: Callable[..., Site], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be made: Not a directory" in refusal(up(home=tmp_path / "file" / "home"))


def test_a_signal_ends_it_in_time_and_leaves_nothing_behind(up: Callable[..., Site], tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 12) / ("deeper" * 8)  # too long for the path of a unix socket
    with tempfile.TemporaryDirectory() as temporary:
        site = up(home=deep, TMPDIR=temporary).ready()
        (sockets,) = Path(temporary).iterdir()
        assert sockets.stat().st_mode & 0o777 == 0o700
        pids = site.run["pids"].values()
        began = time.monotonic()
        assert site.stop() == 0
        assert time.monotonic() - began < DRAIN + 2
        assert not processes_of(deep)
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
        assert not list(Path(temporary).iterdir())
        assert not (deep / "run.json").exists()


def test_an_open_stream_ends_whole_and_is_not_waited_for(up: Callable[..., Site]) -> None:
    site = up(POLLWEB_DRAIN_SECONDS="30").ready()
    response = site.listen("/image/feed")
    began = time.monotonic()
    site.process.send_signal(signal.SIGTERM)
    response.read()  # raises IncompleteRead when the stream was cut off
    assert site.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_its_children_die_with_it(up: Callable[..., Site], tmp_path: Path) -> None:
    site = up().ready()
    assert set(site.run["pids"].values()) <= set(processes_of(site.home))
    assert site.stop(signal.SIGKILL) == -signal.SIGKILL
    assert eventually(lambda: not processes_of(site.home), 3)
    again = up(home=site.home).ready()  # what the dead one left does not stand in the way
    assert again.stop() == 0


@pytest.mark.slow
def test_several_web_processes_share_the_socket(up: Callable[..., Site]) -> None:
    site = up("--port", "0", "--web", "2", "--workers", "2").ready()
    assert {"web-1", "web-2", "worker-1", "worker-2"} < set(site.run["pids"])
    os.kill(site.run["pids"]["web-1"], signal.SIGKILL)
    assert site.ask().status == 200
    assert site.stop(signal.SIGINT) == 0
    assert not processes_of(site.home)


@pytest.mark.slow
def test_daphne_serves_it_too(up: Callable[..., Site]) -> None:
    site = up("--port", "0", "--server", "daphne").ready()
    assert site.ask().status == 200
    assert site.stop() == 0
    assert not processes_of(site.home)


@pytest.mark.slow
def test_a_store_that_cannot_be_read_is_refused(up: Callable[..., Site], tmp_path: Path) -> None:
    site = up().ready()
    site.stop()
    (log,) = (site.home / "valkey" / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"*9\r\nthis was a command once" + log.read_bytes())
    assert "move that folder away: no accepted job is lost" in refusal(up(home=site.home))
    assert not processes_of(site.home)
