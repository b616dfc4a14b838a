"""The embedded engines keep the same contract; the painter is the one that needs no model file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generation.providers import registry
from generation.providers.base import Provider
from tests.generation.providers.contract import ProviderContract


@pytest.fixture
def provider() -> Provider:
    return registry.build("embedded", {"kind": "local"})


class TestContract(ProviderContract):
    models = {"image": "scene-painter"}


def test_the_library_of_the_engines_collects_nothing_about_its_users(tmp_path: Path) -> None:
    """ONNX Runtime writes down what it would send to its maker as soon as it is loaded."""
    loads = "import django; django.setup(); import onnxruntime"
    kept = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    own = {"HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", loads], env=kept | own, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
