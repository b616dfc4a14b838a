"""C03, C04: Redis is killed and comes back empty, or stays away, while requests go on."""

import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests import redis_server
from tests.hold.pace import FULL, Pace, longest, statuses
from tests.site import Answer, Site, end, eventually
from tests.upstream import ScriptedUpstream

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(300)]
SECONDS = 60.0 if FULL else 8.0
PACE = 0.05 if FULL else 0.2
AWAY = 30.0 if FULL else 6.0
LONGEST = 2.0 if FULL else 4.0  # seconds; the quick form may share its machine with other things
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
"""
BEHIND = """
[providers.behind]
kind = "openai"
base_url = "{url}/v1"
[models.text.openai]
from = [{{ provider = "behind", model = "m" }}]
"""


def test_redis_is_killed_and_comes_back_empty_under_load(tmp_path: Path, record_property: Any) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pollweb.toml").write_text(TOML)
    site = Site(tmp_path / "home")

    def ask(number: int) -> tuple[str, Answer]:
        path = f"/prompt/a%20boat?seed={number}&width=64&height=64" if number % 4 == 0 else "/models"
        return path, site.ask(path)

    try:
        before = site.ready().run["pids"]
        with Pace(PACE, ask) as pace:
            time.sleep(SECONDS * 0.25)
            os.kill(before["valkey"], signal.SIGKILL)
            shutil.rmtree(tmp_path / "home" / "valkey" / "appendonlydir")
            time.sleep(SECONDS * 0.75)
        answers = statuses(pace.asked)
        assert set(answers) <= {200, 429, 503}, answers
        assert answers[200] > 0
        # It works again by itself, with the workers that were there before.
        assert eventually(lambda: site.ask("/readyz").status == 200, 30)
        assert eventually(lambda: site.ask(f"/prompt/again?seed={time.time_ns()}&width=64&height=64").status == 200, 60)
        after = site.run["pids"]
        assert after["worker-1"] == before["worker-1"]
        assert after["valkey"] != before["valkey"]
        record_property("figures", f"{sum(answers.values())} requests: {answers}, {longest(pace.asked):.1f} s at most")
    finally:
        end(site)


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_while_redis_is_away_texts_are_answered_and_nobody_waits_long(
    how: str, tmp_path: Path, record_property: Any
) -> None:
    (tmp_path / "home").mkdir()
    lags: list[float] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            found = re.search(rb"^pollweb_loop_lag_seconds ([\d.e-]+)$", site.ask("/metrics").body, re.MULTILINE)
            assert found
            lags.append(float(found[1]))

    with ScriptedUpstream() as upstream, redis_server.serving(tmp_path) as store:
        (tmp_path / "home" / "pollweb.toml").write_text(TOML + BEHIND.format(url=upstream.url))
        site = Site(tmp_path / "home", POLLWEB_REDIS_URL=store.url)

        def ask(number: int) -> tuple[str, Answer]:
            paths = {"text": f"/text/say%20{number}", "list": "/image/models", "picture": f"/prompt/boat?seed={number}"}
            what = ("text", "text", "list", "picture")[number % 4]
            return what, site.ask(paths[what])

        watcher = threading.Thread(target=look)
        try:
            site.ready()
            assert site.ask("/text/hello").status == 200
            watcher.start()
            with Pace(0.1, ask) as pace:
                with store.killed() if how == "killed" else store.silent():
                    began = time.monotonic()
                    time.sleep(AWAY)
                    back = time.monotonic()
                assert eventually(lambda: site.ask("/readyz").status == 200, 30)
                time.sleep(1)
            again = time.monotonic() - back
            meanwhile = pace.between(began, back)
            assert eventually(lambda: site.ask(f"/prompt/again?seed={time.time_ns()}&width=64").status == 200, 60)
        finally:
            ended.set()
            if watcher.is_alive():
                watcher.join()
            end(site)
    texts = [one for one in meanwhile if one.what == "text"]
    record_property(
        "figures",
        f"{how} for {AWAY:.0f} s: {statuses(meanwhile)}, {longest(meanwhile):.2f} s at most, texts {statuses(texts)}; "
        f"loop late {max(lags) * 1000:.0f} ms at most; ready {again:.1f} s after it was back",
    )
    assert set(statuses(meanwhile)) <= {200, 429, 503}
    assert statuses(texts) == {200: len(texts)}
    # A picture that is made all the same may take its time.
    assert longest([one for one in meanwhile if (one.what, one.status) != ("picture", 200)]) <= LONGEST
    assert max(lags) <= 0.5
