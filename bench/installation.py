"""`manage.py up` in a home of its own, for comparisons that need a whole installation."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
# Tokens of a test have a longer line than any tier that is shipped: here it is the server that is measured.
NO_LINE = "[tiers.nectar]\ninterval = 0\nconcurrency = 1000\n\n"


@dataclass(frozen=True)
class Installation:
    """One that is ready. `seconds` passed until it said so."""

    home: Path
    address: str
    seconds: float
    environment: dict[str, str]

    @property
    def port(self) -> int:
        return int(urlsplit(self.address).port or 80)

    @property
    def pids(self) -> dict[str, int]:
        """By the name of each process: `web-1`, `worker-1`, …"""
        found: dict[str, int] = json.loads((self.home / "run.json").read_text())["pids"]
        return found

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` prints."""
        # What is made by it is told under the address that people come by.
        env = {**self.environment, "POLLWEB_PORT": str(self.port)}
        with (self.home / "up.log").open("a") as log:
            told = subprocess.run([*MANAGE, *arguments], env=env, stdout=subprocess.PIPE, stderr=log, check=True)
        return told.stdout.decode().strip()

    def token(self) -> str:
        """A new one, of the highest tier."""
        return self.manage("createtoken", "--team", "bench", "--tier", "nectar")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of a process with this home: nothing of another installation's variables but where model files are."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    found["POLLWEB_MODELS_DIR"] = os.environ.get("POLLWEB_MODELS_DIR") or str(ROOT / "var" / "models")
    return found | {"DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(home), **more}


@contextmanager
def installation(home: Path, design: str = "", **variables: str) -> Iterator[Installation]:
    """Started with this `pollweb.toml`."""
    home.mkdir(exist_ok=True)
    if design:
        (home / "pollweb.toml").write_text(design)
    env = environment(home, **variables)
    began = time.monotonic()
    with (home / "up.log").open("a") as log:
        up = subprocess.Popen([*MANAGE, "up", "--port", "0"], env=env, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert up.stdout
            ready = next((line for line in up.stdout if line.startswith("pollweb is ready: ")), "")
            if not ready:
                sys.exit(f"An installation did not start:\n{(home / 'up.log').read_text()[-2000:]}")
            yield Installation(home, ready.split()[-1], time.monotonic() - began, env)
        finally:
            up.terminate()
            up.wait(60)
