"""The scripted provider that other tests use keeps the contract too."""

import pytest

from generation.providers.base import Provider
from tests.fakes import Script, Scripted
from tests.generation.providers.contract import ProviderContract


@pytest.fixture
def provider(script: Script) -> Provider:
    return Scripted("scripted", {})


class TestContract(ProviderContract):
    models = {"image": "picture", "text": "words", "audio": "sound"}
