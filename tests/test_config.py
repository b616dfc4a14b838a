import tomllib

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


def test_an_interval_may_differ_by_kind():
    tiers = config.parse({"tiers": {"anonymous": {"interval": {"image": 5, "text": 3, "audio": 0.5}}}}).tiers
    assert [tiers["anonymous"].interval_of(kind) for kind in ("image", "text", "audio")] == [5, 3, 0.5]
    assert [tiers["seed"].interval_of(kind) for kind in ("image", "text")] == [5, 5]
    said = mistake({"tiers": {"seed": {"interval": {"image": 5, "text": -3, "audio": 1}}}})
    assert said.startswith("pollweb.toml: tiers.seed.interval.text is -3; input should be")
    assert mistake({"tiers": {"seed": {"interval": {"image": 5, "audio": 1}}}}).endswith("interval.text is missing.")


def test_the_shipped_preset_has_the_guide_s_older_figures():
    tables = tomllib.loads((config.DEFAULTS.parent / "presets" / "first-intervals.toml").read_text())
    design = config.parse(tables)
    assert [design.tiers["anonymous"].interval_of(kind) for kind in ("image", "text")] == [5, 3]
    for kind in ("image", "text", "audio"):
        intervals = [design.tiers[tier].interval_of(kind) for tier in config.TIERS]
        assert intervals == sorted(intervals, reverse=True)


def test_a_pack_says_which_tiers_may_use_a_model():
    design = config.parse({"models": {"text": {"mistral": {"pack": "advanced"}, "openai": {"tier": "nectar"}}}})
    lowest = {name: design.lowest_tier(card) for name, card in design.models.text.items()}
    assert lowest == {
        "openai": "nectar",
        "openai-large": "seed",
        "claude-hybridspace": "seed",
        "mistral": "flower",
    }


def test_it_refuses_a_higher_tier_with_less_and_a_pack_that_nobody_has():
    assert "a higher tier may use as much" in mistake(
        {"tiers": {"seed": {"models": "basic"}, "anonymous": {"models": "standard"}}}
    )
    nobody = {"tiers": {tier: {"models": "basic"} for tier in config.TIERS}}
    assert "models.text.openai-large is in the pack 'standard', which no tier has" in mistake(nobody)


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
