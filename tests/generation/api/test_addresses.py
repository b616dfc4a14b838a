"""An address of a picture that was opened before is read once; who may have it is decided each time."""

import pytest

from generation import catalogue
from generation.api import images
from pollweb import config

FOX = "/prompt/fox?width=64&height=64"


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The prompts that were read, one for each time."""
    images._known.clear()
    prompts: list[str] = []
    wanted = images._wanted

    def noted(*arguments):
        found = wanted(*arguments)
        prompts.append(found[0].text)
        return found

    monkeypatch.setattr(images, "_wanted", noted)
    return prompts


async def test_it_is_read_once_by_whatever_door_and_gives_the_same(client, read):
    first = await client.get(FOX)
    again = await client.get(FOX)
    below = await client.get(f"/image{FOX}")
    assert [answer.headers["x-cache"] for answer in (first, again, below)] == ["MISS", "HIT", "HIT"]
    assert first.content == again.content == below.content
    assert read == ["fox"]


async def test_who_may_not_have_it_is_refused_what_another_opened(client, alice, read):
    rare = "/prompt/fox?model=rare&width=64&height=64"
    assert (await client.get(rare, headers=alice)).status_code == 200
    assert (await client.get(rare)).status_code == 403
    assert (await client.get(rare, headers=alice)).status_code == 200
    assert read == ["fox"]


async def test_a_private_one_is_anothers_own(client, alice, working, read):
    mine = f"{FOX}&private=true"
    await client.get(mine, headers=alice)
    assert (await client.get(mine)).headers["x-cache"] == "MISS"
    assert (len(read), len(working.calls)) == (1, 2)


@pytest.mark.parametrize("seed", ["-1", "%2D1"])
async def test_a_random_seed_is_another_each_time(client, working, read, seed):
    for _ in range(2):
        assert (await client.get(f"{FOX}&seed={seed}")).headers["x-cache"] == "MISS"
    assert working.calls[0].seed != working.calls[1].seed
    assert not images._known


async def test_a_token_in_it_is_not_kept(client, alice, read):
    token = alice["Authorization"].removeprefix("Bearer ")
    assert (await client.get(f"{FOX}&model=rare&token={token}")).status_code == 200
    assert len(images._known) == 1
    assert token not in repr(images._known)


async def test_one_that_cannot_be_read_is_judged_each_time(client, read):
    for _ in range(2):
        assert (await client.get("/prompt/fox?width=many")).status_code == 400
    assert not images._known


async def test_it_is_read_anew_when_its_model_has_changed(client, settings, read):
    await client.get("/prompt/fox?width=512&height=512")
    design = settings.DESIGN.model_dump(by_alias=True)
    design["models"]["image"]["flux"]["largest_side"] = 256
    settings.DESIGN = config.parse(design)
    catalogue.forget()
    try:
        await client.get("/prompt/fox?width=512&height=512")
    finally:
        catalogue.forget()
    assert read == ["fox", "fox"]


async def test_it_knows_the_last_ones_and_none_that_is_long(client, read, monkeypatch):
    monkeypatch.setattr(images, "READ", 3)
    for word in ("a", "b", "c", "a", "d"):
        await client.get(f"/prompt/{word}?width=64&height=64")
    assert [entry[1].text for entry in images._known.values()] == ["c", "a", "d"]
    await client.get(f"/prompt/e?width=64&height=64&referrer={'x' * 3000}")
    assert len(images._known) == 3
    assert "e" in read
