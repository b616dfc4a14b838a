"""How much of a body the site reads."""

import httpx
import pytest
from django.conf import settings

MOST = settings.DESIGN.limits.media_request_bytes


@pytest.mark.django_db(transaction=True)
async def test_a_body_that_says_it_is_too_large_is_refused_unread(client: httpx.AsyncClient) -> None:
    async def body():
        raise AssertionError("it was read")
        yield b""

    answer = await client.post("/create", content=body(), headers={"content-length": str(MOST + 1)})
    assert answer.status_code == 413
    assert str(MOST) in answer.text


@pytest.mark.django_db(transaction=True)
async def test_a_body_that_does_not_say_how_large_it_is_is_read_so_far_and_no_further(
    client: httpx.AsyncClient,
) -> None:
    sent = 0

    async def body():
        nonlocal sent
        while sent < MOST * 4:
            sent += 2**20
            yield bytes(2**20)

    answer = await client.post("/create", content=body())
    assert answer.status_code == 413
    assert sent <= MOST + 2 * 2**20
