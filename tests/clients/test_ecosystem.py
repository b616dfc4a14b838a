"""Clients of the public service that others wrote, from the package indexes, against a started pollweb.

Each is installed, pinned with all it needs (`ecosystem/NAME.txt`), into an environment of its own that is thrown away
afterwards, and used by `ecosystem/NAME.py` as its own documents do. Nothing in them is changed: they ask
`https://image.pollinations.ai` and are led here (`names.py`).
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import NODE
from tests.clients.names import NAMES, Names
from tests.site import Site

FOLDER = Path(__file__).parent / "ecosystem"
CLIENTS = sorted(file.stem for file in FOLDER.glob("*.py"))
PATIENCE = 240.0  # seconds for one client
# They are anonymous and ask several times: nobody shall wait fifteen seconds between two of them.
IMPATIENT = """
[tiers.anonymous]
interval = 0
concurrency = 4
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Site]:
    """An installation behind the public service's names."""
    folder = tmp_path_factory.mktemp("ecosystem")
    config = folder / "pollweb.toml"
    config.write_text(IMPATIENT)
    running = Site(
        folder / "home",
        POLLWEB_MODELS="default",
        POLLWEB_MODELS_DIR=str(model_folder),
        POLLWEB_CONFIG=str(config),
        POLLWEB_SITE_URL="https://pollinations.ai",
        POLLWEB_IMAGE_URL="https://image.pollinations.ai",
        POLLWEB_TEXT_URL="https://text.pollinations.ai",
        POLLWEB_ALLOWED_HOSTS=",".join(NAMES),
    ).ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Names]:
    newest = re.search(r"(?m)^pollinations==([\d.]+)", (FOLDER / "pollinations.txt").read_text())
    assert newest
    opened = Names(tmp_path_factory.mktemp("names"), site.run["port"], newest[1])
    yield opened
    opened.close()


@pytest.fixture
def run(names: Names, tmp_path: Path) -> Callable[..., None]:
    """Runs a program in an empty folder where the public service's names lead here."""

    def _run(*command: str | Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        ended = subprocess.run(
            command,
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **names.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    return _run


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_for_python_works(client: str, run: Callable[..., None], tmp_path: Path, picture: bytes) -> None:
    (tmp_path / "disc.png").write_bytes(picture)
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
    ]
    subprocess.run([*install, "-r", FOLDER / f"{client}.txt"], check=True, timeout=PATIENCE)
    # Isolated (-I): the folder of these programs, whose names are their clients', is not searched for modules.
    run(python, "-I", FOLDER / f"{client}.py", tmp_path / "disc.png")


def test_the_hooks_for_react_work(run: Callable[..., None], tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    shutil.copytree(FOLDER / "react", environment, ignore=shutil.ignore_patterns("node_modules"))
    npm = NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    install: list[str | Path] = [NODE, npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"]
    subprocess.run(install, cwd=environment, check=True, timeout=PATIENCE)
    run(NODE, environment / "hooks.js")
