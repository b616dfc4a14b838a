"""C38: it starts and works where there is no network at all, but the machine's own loopback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.site import ROOT

INSIDE = """
import subprocess, sys
from pathlib import Path
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
from tests.site import Site, end
site = Site(Path(sys.argv[1])).ready()
try:
    assert site.ask("/readyz").status == 200
    picture = site.ask("/prompt/a%20boat?width=64&height=64")
    assert (picture.status, picture.body[:2]) == (200, b"\\xff\\xd8"), picture.status
    print(Path("/proc/net/route").read_text().count("\\n") - 1, "routes; a picture of", len(picture.body), "bytes")
finally:
    end(site)
"""


@pytest.mark.slow
@pytest.mark.hold
def test_it_starts_and_works_in_a_machine_without_a_network(tmp_path: Path, record_property: Any) -> None:
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rn", "ip", "link"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    done = subprocess.run(
        [unshare, "-rn", sys.executable, "-c", INSIDE, str(tmp_path / "home")],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record_property("figures", done.stdout.strip())
