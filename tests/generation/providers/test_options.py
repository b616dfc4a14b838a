"""What an operator writes of a remote provider, and what `manage.py check` says of it."""

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from generation import checks
from generation.providers import registry
from pollweb import config


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"kind": "openai"}, "providers.gpu.base_url is missing"),
        ({"kind": "openai", "base_url": "gpu.example"}, "is no http or https address"),
        (
            {"kind": "openai", "base_url": "http://gpu", "base_ulr": "x"},
            "base_ulr is not a known key. Known",
        ),
        ({"kind": "openai", "base_url": "http://gpu", "api_key_env": "NOT_SET"}, "NOT_SET, which is to hold"),
        (
            {"kind": "openai", "base_url": "http://gpu", "api_key_file": "/nowhere/key"},
            "/nowhere/key",
        ),
        ({"kind": "openai", "base_url": "http://gpu", "idle": -1}, "providers.gpu.idle is -1"),
        ({"kind": "pollinations", "token_env": "NOT_SET"}, "NOT_SET, which is to hold"),
    ],
)
def test_a_table_that_cannot_work_is_told_in_a_sentence(table, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence.replace(".", r"\.")):
        registry.build("gpu", table)


def test_a_key_may_lie_in_a_file(tmp_path):
    (tmp_path / "key").write_text("secret\n")
    options = {"kind": "openai", "base_url": "http://gpu", "api_key_file": str(tmp_path / "key")}
    assert registry.build("gpu", options).upstream.headers == {"Authorization": "Bearer secret"}


def test_the_check_names_a_provider_that_cannot_be_used(monkeypatch):
    design = config.parse({"providers": {"gpu": {"kind": "openai"}}})
    monkeypatch.setattr(settings, "DESIGN", design)
    (found,) = checks.providers_can_be_called(None)
    assert found.id == "generation.E003"
    assert "providers.gpu.base_url is missing" in found.msg
