"""The React hooks of clients/react: types, tests on both Reacts, size, and the package as others install it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import NODE

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "react"
NPM = NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
TSC = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
PATIENCE = 240.0  # seconds
NAMES = (
    "PUBLIC PollwebError PollwebProvider useChat useClient useFeed useImage useModels usePollinationsChat "
    "usePollinationsImage usePollinationsText useSpeech useText useTranscription"
)


def run(*arguments: str | Path, cwd: Path = PACKAGE, **environment: str) -> str:
    """What it printed; it must end well. The machine's own settings (certificates, proxies) reach npm."""
    path = f"{NODE.parent}:/usr/bin:/bin"
    ended = subprocess.run(
        [NODE, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    assert (PACKAGE / "node_modules").is_dir(), "run `make test-clients`, which installs the JavaScript packages"


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `npm pack` makes; it builds and measures first, and fails above 6 kB."""
    folder = tmp_path_factory.mktemp("packed")
    said = run(NPM, "pack", "--pack-destination", folder)
    assert "of 6000 bytes, gzip" in said
    [file] = folder.glob("pollweb-react-*.tgz")
    return file


def test_its_types_are_right() -> None:
    run(NPM, "run", "--silent", "check")


@pytest.mark.parametrize("react", ["19", "18"])
def test_its_hooks_do_what_they_say(react: str) -> None:
    assert " passed" in run(NPM, "run", "--silent", "test", REACT=react)


@pytest.mark.parametrize("react", ["19.3.1", "18.3.1"])
def test_its_package_is_installed_and_used(react: str, tarball: Path, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    flags = ("--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    run(NPM, "install", *flags, tarball, f"react@{react}", f"react-dom@{react}", cwd=tmp_path)
    package = tmp_path / "node_modules" / "pollweb-react"
    assert not list(package.rglob("*.ts*x")), "sources are not part of the package"
    assert (package / "README.md").is_file()
    shutil.copy(Path(__file__).parent / "react_app.tsx", tmp_path / "app.tsx")
    (tmp_path / "node_modules" / "@types").symlink_to(PACKAGE / "node_modules" / "@types")
    options = ["--strict", "--module", "nodenext", "--target", "es2022", "--jsx", "react-jsx", "--types", "node"]
    run(TSC, *options, "app.tsx", cwd=tmp_path)
    assert run("app.js", cwd=tmp_path).strip() == NAMES


def test_the_playground_is_built_from_these_sources(tmp_path: Path) -> None:
    """static/react is what `npm run playground` makes of them, byte for byte."""
    run(NPM, "run", "--silent", "playground", "--", "--outDir", tmp_path)
    built = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_bytes() for file in (ROOT / "static" / "react").iterdir()}
    assert built.keys() == committed.keys(), "run `npm run playground` in clients/react and commit static/react"
    assert built == committed


def test_its_client_speaks_with_a_whole_installation(tarball: Path, node: Callable[..., None]) -> None:
    """`tarball`: what is built is what is tested."""
    node("hooks.test.js")
