"""Files as answers: what a process keeps of them in its memory."""

from collections.abc import Iterator
from typing import Any

import pytest

from generation import media, store


@pytest.fixture(autouse=True)
def room(settings: Any, tmp_path: Any) -> Iterator[None]:
    """Memory for eight thousand bytes."""
    limits = settings.DESIGN.limits.model_copy(update={"remembered_bytes": 8000})
    settings.DESIGN = settings.DESIGN.model_copy(update={"limits": limits})
    settings.MEDIA_FOLDER = tmp_path / "media"
    media.forget()
    yield
    media.forget()


async def kept(digest: str) -> bool:
    """Whether it is there when the store has it no more."""
    store.remove(digest, unless=lambda: False)
    return await media.load(digest) is not None


async def test_the_files_opened_last_are_kept_in_memory_and_no_more_bytes_than_it_may_have() -> None:
    digests = [store.put(bytes([number]) * 2000) for number in range(6)]
    for digest in [*digests[:4], digests[0], *digests[4:]]:
        assert await media.load(digest) is not None
    assert [await kept(digest) for digest in digests] == [True, False, False, True, True, True]


async def test_a_large_file_does_not_take_the_place_of_many() -> None:
    digest = store.put(b"x" * 2001)
    assert await media.load(digest) == b"x" * 2001
    assert not await kept(digest)
