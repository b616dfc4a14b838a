"""What an operator starts from is right by the word of the tools that read it, and nginx really stands in front."""

import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml

from tests.site import ROOT, Site, end, eventually, free_port
from tests.test_outer_redis import make_certificate

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
SYSTEMD = shutil.which("systemd-analyze")


def run(*command: str | Path, **more: Any) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=100, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_kubernetes_takes_every_manifest() -> None:
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    said = run(BIN / "kubernetes-validate", "--strict", *files)
    resources = [resource for file in files for resource in yaml.safe_load_all(file.read_text())]
    assert said.count(" passed ") == len(resources)
    parts = {r["metadata"]["name"] for r in resources if r["kind"] == "Deployment"}
    assert parts == {f"pollweb-{part}" for part in ("web", "worker", "engine", "beat", "relay")}


def test_compose_takes_its_file() -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def commands() -> Iterator[list[str]]:
    for service in yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values():
        if service["image"] == "pollweb":
            yield service["command"]
    for file in (DEPLOY / "kubernetes").glob("*.yaml"):
        for resource in yaml.safe_load_all(file.read_text()):
            if resource["kind"] in ("Deployment", "Job"):
                yield resource["spec"]["template"]["spec"]["containers"][0]["command"]
    for file in (DEPLOY / "systemd").glob("*.service"):
        for line in re.findall(r"^ExecStart=/opt/pollweb/\.venv/bin/(.+)$", file.read_text(), re.MULTILINE):
            yield line.split()


def test_every_queue_has_a_worker_in_every_form() -> None:
    queues = [word for command in commands() for word in command if word in ("engine", "remote,light")]
    assert queues.count("engine") == queues.count("remote,light") == 3


def test_every_command_is_one_of_ours() -> None:
    found = list(commands())
    assert len(found) > 15
    for command in found:
        words = command[1:] if command[0] == "python" else command
        assert (
            words[0] == "celery"
            or words[:2] in (["-m", "celery"], ["-m", "pollweb.serve"])
            or (words[0] == "manage.py" and words[1] in ("migrate", "relayfeed"))
        ), command


def test_every_variable_is_known() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            for name in re.findall(r"POLLWEB_[A-Z_]+[A-Z]", file.read_text()):
                assert f"`{name.removesuffix('_FILE')}`" in page, f"{file.name}: {name}"


@pytest.mark.skipif(SYSTEMD is None, reason="there is no systemd-analyze on this machine")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").glob("pollweb*"):
        if file.suffix != ".env":
            text = file.read_text().replace("/opt/pollweb", str(ROOT))
            text = text.replace(f"{ROOT}/.venv/bin/python", sys.executable)
            text = re.sub(r"^(User|Group)=pollweb$", r"\1=root", text, flags=re.MULTILINE)  # nobody here has that name
            (tmp_path / file.name.replace("@", "@1" if file.suffix == ".service" else "@")).write_text(text)
    said = run(SYSTEMD or "", "verify", *tmp_path.iterdir(), env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/bin"})
    assert "pollweb" not in said, said


FIGURES = re.compile(r"pollweb_[a-z_]+")


def test_alerts_and_dashboard_ask_for_figures_that_there_are() -> None:
    sources = [ROOT / "pollweb" / "health.py", ROOT / "pollweb" / "gauges.py", ROOT / "feeds" / "relay" / "tally.py"]
    known = set(FIGURES.findall(" ".join(path.read_text() for path in sources)))
    alerts = [rule for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
              for rule in group["rules"]]  # fmt: skip
    panels = json.loads((DEPLOY / "grafana" / "pollweb.json").read_text())["panels"]
    asked = [rule["expr"] for rule in alerts] + [target["expr"] for panel in panels for target in panel["targets"]]
    for expression in asked:
        for name in FIGURES.findall(expression):
            assert re.sub(r"_(total|bucket|sum|count)$", "", name) in known, f"{name} in {expression}"
    steps = (ROOT / "docs" / "operations.md").read_text()
    for rule in alerts:
        assert rule["alert"] in steps, f"docs/operations.md does not say what to do about {rule['alert']}"


def configured(folder: Path, https: int, plain: int, port: int, media: Path | None = None) -> Path:
    """deploy/nginx/pollweb.conf, in a whole file, on free ports and with a certificate of its own."""
    make_certificate(folder)
    text = (DEPLOY / "nginx" / "pollweb.conf").read_text()
    text = re.sub(r"listen \[::\]:\d+[^;]*;", "", text)
    text = text.replace("listen 443", f"listen 127.0.0.1:{https}").replace("listen 80", f"listen 127.0.0.1:{plain}")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("/var/log/nginx/pollweb.log", f"{folder}/access")
    text = text.replace("/etc/ssl/pollweb/fullchain.pem", f"{folder}/cert.pem")
    text = text.replace("/etc/ssl/pollweb/privkey.pem", f"{folder}/key.pem")
    text = text.replace("/var/lib/pollweb/media/", f"{media or folder}/")
    user = "user root; " if os.geteuid() == 0 else ""  # the tests' folders are this user's alone
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{user}daemon off; pid {folder}/pid; error_log {folder}/errors;\nevents {{}}\n"
        f"http {{ {temporary}\n{text}\n}}\n"
    )
    return whole


@pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine")
def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    whole = configured(tmp_path, free_port(), free_port(), free_port())
    assert "test is successful" in run(NGINX or "", "-t", "-c", whole, "-p", tmp_path)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, int, Path]]:
    """An installation in production behind nginx: its address is https, its door is nginx's."""
    folder = tmp_path_factory.mktemp("nginx")
    https = free_port()
    site = Site(
        folder / "home",
        POLLWEB_SITE_URL=f"https://pictures.example.org:{https}",
        POLLWEB_TRUSTED_PROXIES="127.0.0.1",
        POLLWEB_MEDIA_ACCEL="/stored/",
    )
    nginx = None
    try:
        site.line("pollweb is ready: ")
        whole = configured(folder, https, free_port(), site.run["port"], folder / "home" / "media")
        nginx = subprocess.Popen([NGINX or "", "-c", str(whole), "-p", str(folder)], stderr=subprocess.DEVNULL)
        assert eventually(lambda: _listens(https), 30)
        yield site, https, folder
    finally:
        if nginx is not None:
            nginx.terminate()
            nginx.wait()
        end(site)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def ask(port: int, path: str, *, source: str = "127.0.0.1", **headers: str) -> http.client.HTTPResponse:
    unchecked = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, timeout=60, context=unchecked, source_address=(source, 0)
    )
    connection.request("GET", path, headers={"Host": f"pictures.example.org:{port}", **headers})
    return connection.getresponse()


def picture_of(site: Site, words: str, port: int, **query: str) -> str:
    """Makes one through nginx; the address of its file."""
    asked = urlencode({"width": "64", "height": "64", **query})
    made = ask(port, f"/prompt/{quote(words)}?{asked}")
    assert made.status == 200
    made.read()
    with closing(sqlite3.connect(site.home / "pollweb.sqlite3")) as database:
        (public_id,) = database.execute(
            "SELECT public_id FROM generation_generation WHERE prompt = ?", [words]
        ).fetchone()
    return f"/media/{public_id}/original"


needs_nginx = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine")]


class TestBehindNginx:
    pytestmark = needs_nginx

    def test_pages_and_pictures_come_through(self, behind: tuple[Site, int, Path]) -> None:
        _, port, folder = behind
        page = ask(port, "/")
        assert page.status == 200
        assert "max-age" in page.headers["Strict-Transport-Security"]
        assert "Secure" in ask(port, "/account/login/").headers["Set-Cookie"]
        picture = ask(port, "/prompt/a%2520red%0Aboat%3F?width=64&height=64&token=pw_secret")
        assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
        assert picture.read().startswith(b"\xff\xd8")
        written = (folder / "access").read_text()
        assert "boat" not in written
        assert "pw_secret" not in written

    def test_callers_are_known_by_the_address_that_nginx_sees(self, behind: tuple[Site, int, Path]) -> None:
        site, port, _ = behind
        answer = ask(port, "/v1/models", source="127.7.7.7", **{"X-Forwarded-For": "9.9.9.9", "X-Real-IP": "9.9.9.9"})
        wanted = answer.headers["X-Request-Id"]
        until = time.monotonic() + 30
        while time.monotonic() < until:
            line = site.line("")
            if wanted in line:
                break
        assert "127.7.7" in line
        assert "9.9.9" not in line

    def test_a_feed_is_not_held_back(self, behind: tuple[Site, int, Path]) -> None:
        _, port, _ = behind
        feed = ask(port, "/image/feed")
        assert feed.status == 200
        assert feed.readline(), "the first line comes though the answer never ends"
        feed.close()

    def test_a_socket_is_passed_on(self, behind: tuple[Site, int, Path]) -> None:
        _, port, _ = behind
        answer = ask(
            port, "/ws/wall",
            **{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": f"https://pictures.example.org:{port}"},
        )  # fmt: skip
        assert answer.status == 101

    def test_results_are_sent_by_nginx_as_pollweb_would_send_them(self, behind: tuple[Site, int, Path]) -> None:
        site, port, _ = behind
        path = picture_of(site, "a public boat", port)
        ours, theirs = site.ask(path), ask(port, path)
        assert "x-accel-redirect" not in ours.headers, "who comes past nginx is given the bytes"
        assert (theirs.status, theirs.read()) == (200, ours.body)
        said = {name.lower(): value for name, value in theirs.getheaders()}
        assert said["server"] == "nginx"
        for name in ours.headers.keys() - {"server", "date", "x-request-id", "connection", "keep-alive"}:
            assert said[name] == ours.headers[name], name
        assert said.keys() - ours.headers.keys() <= {"connection", "server"}
        assert said["x-request-id"]
        assert "max-age=3600" in said["cache-control"]
        assert ask(port, path, **{"If-None-Match": said["etag"]}).status == 304
        part = ask(port, path, Range="bytes=10-19")
        assert (part.status, part.read()) == (206, ours.body[10:20])
        assert ask(port, path, Range="bytes=10-19", **{"If-Range": said["etag"]}).status == 206

    def test_what_nginx_sends_nobody_else_can_ask_for(self, behind: tuple[Site, int, Path]) -> None:
        site, port, _ = behind
        hidden = picture_of(site, "a private boat", port, private="true")
        assert ask(port, hidden).status == 404
        files = [path for path in (site.home / "media").rglob("*") if path.is_file()]
        assert len(files) >= 1
        for file in files:
            place = f"/stored/{file.relative_to(site.home / 'media')}"
            for asked in (place, place.replace("/stored", "/x/../stored"), f"/%73{place[2:]}", f"/{place}"):
                answer = ask(port, asked, **{"X-Accel-Redirect": place})
                assert answer.status == 404
                assert file.read_bytes() != answer.read()

    def test_metrics_are_not_for_those_who_come_through_it(self, behind: tuple[Site, int, Path]) -> None:
        site, port, _ = behind
        assert ask(port, "/metrics").status == 403
        assert site.ask("/metrics").status == 200
