"""Celery's threads: whoever becomes free has the loop that reads from the broker look again at once."""

import threading
import time
from collections.abc import Iterator

import pytest
from kombu.asynchronous import Hub, get_event_loop, set_event_loop

from pollweb.lib.threads import Threads


@pytest.fixture
def ticks() -> Iterator[list[float]]:
    """When a loop, which looks by itself only once a second, has looked."""
    before, hub = get_event_loop(), Hub()
    set_event_loop(hub)
    found: list[float] = []
    ended = threading.Event()
    hub.on_tick.add(lambda: found.append(time.monotonic()))
    hub.add_reader(hub._create_waker().fileno(), lambda: None)  # something to listen to

    def run() -> None:
        while not ended.is_set():
            hub.run_once()

    thread = threading.Thread(target=run)
    thread.start()
    yield found
    ended.set()
    hub.call_soon(lambda: None)
    thread.join()
    hub.close()
    set_event_loop(before)


def test_a_thread_that_becomes_free_has_the_loop_look_at_once(ticks: list[float]) -> None:
    pool = Threads(limit=1)
    while not ticks:
        time.sleep(0.01)
    time.sleep(0.1)
    done = pool.on_apply(lambda *args, **kwargs: None, (), {}, callback=lambda *args: None, pid=1)
    done.wait(5)
    ended = time.monotonic()
    until = ended + 0.4
    while time.monotonic() < until and ticks[-1] < ended - 0.1:
        time.sleep(0.01)
    assert ticks[-1] >= ended - 0.1
    pool.on_stop()
