"""Celery's pool of threads, for a broker that is polled only when a thread is free (`worker_disable_prefetch`)."""

from typing import Any

from celery.concurrency.thread import ApplyResult, TaskPool
from kombu.asynchronous import get_event_loop


class Threads(TaskPool):
    """Celery's own, but that a thread which becomes free wakes the loop that reads from the broker.

    Without that the loop, which has seen that all threads are taken, looks again after up to a second: short tasks
    would then run at the rate of one second for as many as there are threads.
    """

    def on_apply(self, *args: Any, **kwargs: Any) -> ApplyResult:
        result = super().on_apply(*args, **kwargs)
        result.f.add_done_callback(_wake)
        return result


def _wake(done: object) -> None:
    hub = get_event_loop()
    if hub is not None:
        hub.call_soon(_nothing)


def _nothing() -> None:
    """Being called is enough: the loop polls anew."""
