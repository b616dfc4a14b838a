import pytest
from django.core.exceptions import ImproperlyConfigured

from pollweb import config


def mistake(tables: dict) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        config.parse(tables, "pollweb.toml")
    return str(caught.value)


def test_it_starts_with_nothing_said():
    design = config.parse({})
    assert design.tiers["nectar"].interval == 0
    assert design.tiers["nectar"].concurrency == 50
    assert {"flux", "turbo", "kontext"} <= set(design.models.image)


def test_it_merges_tables_by_key():
    design = config.parse({"tiers": {"anonymous": {"interval": 2}}})
    assert design.tiers["anonymous"].interval == 2
    assert design.tiers["anonymous"].concurrency == 1


def test_it_names_the_nearest_known_key():
    assert (
        mistake({"tiers": {"seed": {"intervall": 3}}})
        == "pollweb.toml: tiers.seed.intervall is not a known key. Did you mean 'interval'?"
    )


def test_it_names_key_value_and_what_is_allowed():
    said = mistake({"tiers": {"seed": {"interval": -3}}})
    assert said.startswith("pollweb.toml: tiers.seed.interval is -3; input should be greater than or equal to 0")


def test_it_refuses_a_model_made_by_nobody():
    said = mistake({"models": {"text": {"openai": {"from": [{"provider": "gpu", "model": "m"}]}}}})
    assert "models.text.openai is made by 'gpu', which is no provider; known are embedded" in said


def test_it_refuses_two_models_with_one_name():
    assert "a name belongs to one model" in mistake({"models": {"text": {"mistral": {"aliases": ["openai"]}}}})


def test_it_reads_database_addresses():
    assert config.database("postgresql://bob:p%40ss@db:5433/poll", pool=4)["PASSWORD"] == "p@ss"
    with pytest.raises(ImproperlyConfigured, match="allowed are sqlite"):
        config.database("mysql://x/y", pool=1)
