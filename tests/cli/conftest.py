"""The command line as a person runs it: a process of its own, against the application behind a real socket."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.generation.api.conftest import alice, client, served
from tests.site import ROOT

__all__ = ["alice", "client", "served"]


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: str


Run = Callable[..., Awaitable[Ended]]


@pytest.fixture
def run(served: str, tmp_path: Path) -> Run:
    """`await run("text", "hi", given=b"…", NAME=value)`: in a folder of its own."""

    async def ran(*arguments: str, given: bytes = b"", **environment: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pollweb", *arguments),
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "POLLWEB_URL": served, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(given), 60)
        assert process.returncode is not None
        return Ended(process.returncode, out, err.decode())

    return ran
