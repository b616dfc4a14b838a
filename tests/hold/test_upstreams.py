"""C10, C12, C14: upstreams that say nothing, say far too much, or fail for a while, before a whole installation."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from generation import breaker
from tests.hold.pace import FULL, Pace, longest, statuses
from tests.site import Answer, Site, end, eventually
from tests.upstream import ScriptedUpstream, bomb

pytestmark = [pytest.mark.slow, pytest.mark.hold, pytest.mark.timeout(400)]
TOML = """
[tiers.anonymous]
interval = 0
concurrency = 40
[deadlines]
text = {deadline}
image = {deadline}
[providers.one]
kind = "openai"
base_url = "{one}/v1"
first_byte = 2
whole_first_byte = 2
[providers.two]
kind = "openai"
base_url = "{two}/v1"
[models.text.openai]
from = [{{ provider = "one", model = "m" }}, {{ provider = "two", model = "m" }}]
[models.text.mistral]
from = [{{ provider = "one", model = "m" }}]
[models.image.turbo]
from = [{{ provider = "two", model = "m" }}]
"""
GROWTH_MIB = 64.0
FLOOD_MIB = 10_240 if FULL else 1_024  # what the upstream would say
BOMB_MIB = 300  # what 300 kB of gzip become


@contextmanager
def between(
    folder: Path, one: ScriptedUpstream, two: ScriptedUpstream, *, web: int = 1, deadline: int = 60
) -> Iterator[Site]:
    (folder / "home").mkdir()
    (folder / "home" / "pollweb.toml").write_text(TOML.format(one=one.url, two=two.url, deadline=deadline))
    site = Site(folder / "home", "--port", "0", "--web", str(web), "--workers", "1")
    try:
        yield site.ready()
    finally:
        end(site)


def chat(site: Site, words: str, model: str = "openai", *, stream: bool = False) -> Answer:
    messages = [{"role": "user", "content": words}]
    body = {"model": model, "stream": stream, "messages": messages}
    return site.ask("/v1/chat/completions", "POST", body, **{"Content-Type": "application/json"})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_one_that_is_silent_is_left_for_another_in_time_and_is_504_alone(
    stream: bool, tmp_path: Path, record_property: Any
) -> None:
    with ScriptedUpstream() as one, ScriptedUpstream() as two, between(tmp_path, one, two, deadline=6) as site:
        one.always = "stall"
        began = time.monotonic()
        answer = chat(site, "hello", stream=stream)
        other = time.monotonic() - began
        began = time.monotonic()
        alone = chat(site, "hello", "mistral", stream=stream)
        late = time.monotonic() - began
    record_property("figures", f"another source after {other:.1f} s (2 + 1), 504 after {late:.1f} s (6 + 1)")
    assert (answer.status, b"there" in answer.body) == (200, True)
    assert other <= 2 + 1
    assert alone.status == 504
    assert late <= 6 + 1


def highest(pid: int) -> float:
    """MiB that the process ever held since it was last forgotten."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise AssertionError(pid)


def test_endless_and_swollen_answers_are_cut_and_cost_little_memory(tmp_path: Path, record_property: Any) -> None:
    asked = {
        "text": lambda site, words: chat(site, words, "mistral"),
        "stream": lambda site, words: chat(site, words, "mistral", stream=True),
        "image": lambda site, words: site.ask(f"/prompt/{words.replace(' ', '%20')}?model=turbo&width=64&height=64"),
    }
    bomb(BOMB_MIB)  # takes longer to make than anybody waits
    with ScriptedUpstream() as one, ScriptedUpstream() as two, between(tmp_path, one, two) as site:
        for ask in asked.values():
            assert ask(site, "hello").status == 200
        time.sleep(10)  # the smaller forms of a first picture are made
        pids = {name: pid for name, pid in site.run["pids"].items() if name.startswith(("web", "worker"))}
        for pid in pids.values():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # what it held until now is forgotten
        before = {name: highest(pid) for name, pid in pids.items()}
        answers = {}
        for number, fault in enumerate((f"flood={FLOOD_MIB}", f"bomb={BOMB_MIB}")):
            for name, ask in asked.items():
                answers[fault, name] = ask(site, f"{number} fault:{fault}")
        after = {name: highest(pid) for name, pid in pids.items()}
        lives = site.run["pids"]
    grown = {name: after[name] - before[name] for name in pids}
    told = {key: answer.status for key, answer in answers.items()}
    record_property("figures", f"{told}; grown by {max(grown.values()):.0f} MiB at most")
    for (fault, name), answer in answers.items():
        # A stream has begun when it is noticed: it ends with an error in it.
        assert answer.status == 502 or (name == "stream" and b'"error"' in answer.body), (fault, name, answer.status)
    assert {name: lives[name] for name in pids} == pids
    assert max(grown.values()) <= GROWTH_MIB


def test_one_that_always_fails_is_left_alone_and_asked_again_when_it_heals(
    tmp_path: Path, record_property: Any
) -> None:
    """Two web processes share what they know of it."""
    seconds, every = (30.0, 0.05) if FULL else (8.0, 0.1)
    with ScriptedUpstream() as one, ScriptedUpstream() as two, between(tmp_path, one, two, web=2) as site:
        assert chat(site, "hello").status == 200
        one.always = "status=500"
        one.calls.clear()

        def ask(number: int) -> tuple[str, Answer]:
            return "chat", chat(site, f"number {number}")

        with Pace(every, ask) as pace:
            time.sleep(seconds)
            tried = len(one.calls)
            one.always = ""
            one.calls.clear()
            healed = time.monotonic()
            # It may have opened twice or three times by now, each time for twice as long.
            cooldown = breaker.SHORTEST * 2
            assert eventually(lambda: bool(one.calls), 2 * cooldown + 5)
            again = time.monotonic() - healed
            # For everything, not to be probed.
            used = eventually(lambda: len(one.calls) >= (5 if FULL else 3), 10)
        answers = statuses(pace.asked)
    good = answers.get(200, 0) / sum(answers.values())
    record_property(
        "figures",
        f"{answers}, {longest(pace.asked):.1f} s at most; the broken one was asked {tried} times in {seconds:.0f} s, "
        f"and again {again:.1f} s after it healed",
    )
    assert good >= 0.99
    # What it takes to be known as broken, those on their way then, and a probe for each cooldown.
    assert tried <= breaker.LEAST_CALLS + 10 + seconds / breaker.SHORTEST + 1
    assert again <= 2 * cooldown
    assert used
