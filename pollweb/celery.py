"""The Celery app: its queues and how it behaves.

A message carries a row's id and nothing else; the row is the job (docs/decisions/0003-the-row-is-the-job.md). So no
result backend, no retries, no countdowns: a lost message costs seconds, since the ticker of any worker sends it again.

Queues: `engine` (the embedded engines; one consumer on each machine, since engines hold models in memory), `remote`
(calls to upstreams), `light` (small things: thumbnails, storing, exports).
"""

import os
import sys
import threading
import warnings

from celery import Celery, signals
from celery.exceptions import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")

from django.conf import settings

# As root a worker warns of pickled messages; ours are JSON and nothing else is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("pollweb")
app.conf.update(settings.CELERY_BROKER)
app.conf.update(
    broker_transport_options={
        **settings.CELERY_BROKER["broker_transport_options"],
        "global_keyprefix": settings.CELERY_BROKER_PREFIX,
        # Of those who send: kombu would try again for seconds, and hold a thread meanwhile, whatever `retry` says.
        "max_retries": 0,
        "socket_connect_timeout": 0.5,
        "socket_timeout": 0.5,
        "visibility_timeout": 3600,
    },
    broker_connection_retry_on_startup=True,
    broker_pool_limit=4,
    task_ignore_result=True,
    task_default_queue="light",
    task_routes={"generation.tasks.*": {"queue": "light"}},
    task_publish_retry=False,
    task_serializer="json",
    accept_content=["json"],
    worker_pool="pollweb.lib.threads:Threads",
    # Rows are made by the loop of generation.worker; what threads do is short, but may wait for somebody's server.
    worker_concurrency=max(4, os.cpu_count() or 1),
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=settings.DRAIN_SECONDS,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    timezone="UTC",
    # All of it is small where there is nothing to do, and may run twice or late.
    beat_schedule={
        "accounts.tidy": {"task": "accounts.tidy", "schedule": 60.0},
        "generation.forget_at_once": {"task": "generation.forget_at_once", "schedule": 60.0},
        "generation.tidy": {"task": "generation.tidy", "schedule": 3600.0},
        "accounts.end_sessions": {"task": "accounts.end_sessions", "schedule": 3600.0},
        "accounts.remind": {"task": "accounts.remind", "schedule": 3600.0},
        "accounts.watch_allowances": {"task": "accounts.watch_allowances", "schedule": 60.0},
        "accounts.check_referrers": {"task": "accounts.check_referrers", "schedule": 900.0},
    },
)
app.autodiscover_tasks(["generation", "pollweb.accounts"])


_draining: threading.Thread | None = None


@signals.worker_init.connect
@signals.beat_init.connect
def _refuse_unsafe(**kwargs: object) -> None:
    from pollweb import preflight, production

    try:
        production.refuse()
    except preflight.CannotStart as exc:
        sys.exit(str(exc))


@signals.worker_init.connect
def _read_patiently(**kwargs: object) -> None:
    """A worker's reads wait for what comes; those who send wait for nothing."""
    from pollweb.lib import redis

    redis.sync_seconds = 2.0
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "socket_timeout": 5}


@signals.worker_init.connect
def _begin_traces(**kwargs: object) -> None:
    from pollweb.lib import traces

    traces.start("worker")


@signals.worker_ready.connect
def _start_ticker(**kwargs: object) -> None:
    from generation.ticker import Ticker

    Ticker().start()


@signals.worker_shutting_down.connect
def _drain(**kwargs: object) -> None:
    """Runs inside a signal handler: the waiting is done by a thread."""
    from generation import worker

    global _draining
    seconds = max(0.0, settings.DRAIN_SECONDS - 1)
    _draining = threading.Thread(target=lambda: worker.current().drain(seconds), name="drain", daemon=True)
    _draining.start()


@signals.worker_shutdown.connect
def _end(**kwargs: object) -> None:
    """Celery's own threads know nothing of what the loop makes: without this the process would end in the middle. The
    traces come last, with those of what ended meanwhile."""
    from pollweb.lib import traces

    if _draining is not None:
        _draining.join()
    traces.stop()
