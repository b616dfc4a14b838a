"""A revoked token is refused by every web process within five seconds, over two of them.

The kernel shares new connections between the processes; each round asks on so many that both are surely among them.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import ROOT, Site

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(120)]

ASKED_AT_ONCE = 24  # that all of them reach one process has a chance of 2 in 2^24
PROMISED = 5.0  # seconds
PATIENCE = 60.0
REVOKE = """
from pollweb.accounts import tokens
from pollweb.accounts.models import Token
token = Token.objects.get()
tokens.revoke(token, "lost")
print(token.revoked_at.timestamp())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("revocation") / "home", "--port", "0", "--web", "2").ready()
    yield running
    running.stop()


def manage(home: Path, *arguments: str) -> str:
    """A command beside the running site, as an operator gives it: none of this test's own settings."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**outer, "DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def readings(site: Site, secret: str) -> list[int]:
    """What one round is answered: 200 as long as the token is good, 401 when it is not."""
    bearer = {"Authorization": f"Bearer {secret}"}
    return [site.ask("/v1/usage", **bearer).status for _ in range(ASKED_AT_ONCE)]


def test_it_is_refused_everywhere_within_five_seconds(site):
    secret = manage(site.home, "createtoken", "--team", "Bees", "--tier", "nectar")
    assert readings(site, secret) == [200] * ASKED_AT_ONCE  # every process knows it now
    said: list[str] = []
    command = threading.Thread(target=lambda: said.append(manage(site.home, "shell", "-v", "0", "-c", REVOKE)))
    command.start()
    last_good, end = 0.0, time.time() + PATIENCE
    while command.is_alive() or (said and time.time() < float(said[0]) + PROMISED + 2):
        began = time.time()
        if 200 in readings(site, secret):
            last_good = began
        assert began < end
    after = last_good - float(said[0])
    print(f"the last round with a good answer began {after:.2f} s after the revocation")
    assert after < PROMISED
    assert readings(site, secret) == [401] * ASKED_AT_ONCE
