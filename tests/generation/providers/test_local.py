"""The embedded engines keep the same contract; the painter is the one that needs no model file."""

import pytest

from generation.providers import registry
from generation.providers.base import Provider
from tests.generation.providers.contract import ProviderContract


@pytest.fixture
def provider() -> Provider:
    return registry.build("embedded", {"kind": "local"})


class TestContract(ProviderContract):
    models = {"image": "scene-painter"}
