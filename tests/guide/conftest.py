"""A started installation with the embedded engines, and an origin on this machine for the pictures samples name."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.site import Site
from tests.test_recovery import token_of

# The samples are anonymous and come one after another: nobody shall wait fifteen seconds between two of them.
IMPATIENT = """
[tiers.anonymous]
interval = 0
"""
LOGO_GREEN = (20, 140, 70)
PATIENCE = 240.0  # seconds for one sample; one answer of full length takes half a minute on a busy machine


class Origin:
    """Serves `files` (path → bytes, type) on a loopback port, and remembers which paths were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.asked: list[str] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                origin.asked.append(self.path)
                body, media_type = origin.files.get(self.path, (b"", "text/plain"))
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host_port = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://{self.host_port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def logo() -> bytes:
    """A green disc with a white bar, as PNG."""
    image = Image.new("RGB", (256, 256), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((16, 16, 240, 240), fill=LOGO_GREEN)
    draw.rectangle((64, 112, 192, 144), fill="white")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="package")
def origin() -> Iterator[Origin]:
    opened = Origin()
    opened.files["/logo.png"] = (logo(), "image/png")
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, model_folder: Path, origin: Origin) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("guide")
    config = folder / "pollweb.toml"
    config.write_text(IMPATIENT)
    running = Site(
        folder / "home",
        POLLWEB_MODELS="default",
        POLLWEB_MODELS_DIR=str(model_folder),
        POLLWEB_CONFIG=str(config),
        POLLWEB_FETCH_ALLOW=origin.host_port,
    ).ready()
    # The input picture of the vision samples is one of our own.
    picture = running.ask("/prompt/a%20wooden%20boardwalk%20through%20a%20green%20meadow?width=640&height=480")
    origin.files["/boardwalk.jpg"] = (picture.body, "image/jpeg")
    yield running
    running.stop()


@pytest.fixture(scope="package")
def token(site: Site) -> str:
    return token_of(site)


class Runner:
    """Runs samples in an empty folder as their reader would: bash with curl, and this Python with its packages."""

    def __init__(self, site: Site, origin: Origin, folder: Path) -> None:
        self.folder = folder
        self.here = {
            "https://image.pollinations.ai": f"{site.address}/image",
            "https://text.pollinations.ai": f"{site.address}/text",
            "https://avatars.githubusercontent.com/u/86964862": origin.url("/logo.png"),
            "https://upload.wikimedia.org/wikipedia/commons/thumb/d/dd/Gfp-wisconsin-madison-the-nature-boardwalk.jpg"
            "/1024px-Gfp-wisconsin-madison-the-nature-boardwalk.jpg": origin.url("/boardwalk.jpg"),
        }
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "NO_PROXY": "*"}

    def arguments(self, sample: str) -> list[str]:
        for there, here in self.here.items():
            sample = sample.replace(there, here)
        assert "https://image." not in sample
        assert "https://text." not in sample
        if sample.startswith("curl "):
            return ["bash", "-c", sample]
        return [sys.executable, "-u", "-c", sample]

    def run(self, sample: str) -> str:
        """What it prints; it must end by itself, without a failure."""
        ended = subprocess.run(
            self.arguments(sample),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def start(self, sample: str) -> "Running":
        """One that does not end by itself."""
        return Running(
            subprocess.Popen(
                self.arguments(sample),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # where curl draws its progress
                text=True,
                # A suite that runs in the background may have been started deaf to the key that interrupts.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )


class Running:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.watchdog = threading.Timer(PATIENCE, process.kill)
        self.watchdog.start()

    def line(self, begins: str) -> str:
        """The next line that begins so."""
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            if line.startswith(begins):
                return line.rstrip("\n")
            said.append(line)
        raise AssertionError(f"it ended without saying {begins!r}: {said}")

    def interrupt(self, signum: int) -> tuple[int, str]:
        """Its exit status, and what it still said."""
        self.process.send_signal(signum)
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.watchdog.cancel()
        return self.process.returncode, rest

    def close(self) -> None:
        self.watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def runner(site: Site, origin: Origin, tmp_path: Path) -> Runner:
    assert shutil.which("curl"), "the guide's commands need curl"
    return Runner(site, origin, tmp_path)
