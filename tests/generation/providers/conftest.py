"""A scripted upstream for each test, and no connection left open after it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from generation.providers import upstream as outgoing
from tests.generation.providers.contract import WISHES
from tests.upstream import ScriptedUpstream, serving


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "wish" in metafunc.fixturenames:
        kinds = list(metafunc.cls.models)
        metafunc.parametrize("wish", [WISHES[kind] for kind in kinds], ids=kinds)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    yield from serving()


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await outgoing.close()
