"""Celery's doors: a message says which row to look at, and nothing else."""

import logging
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

from generation import catalogue
from generation.models import Generation
from generation.providers import registry
from pollweb.lib import redis

log = logging.getLogger(__name__)


@shared_task(name="generation.fulfil", ignore_result=True)
def fulfil(pk: str) -> None:
    from generation import worker

    worker.current().look(pk)


@shared_task(name="generation.store_relayed", ignore_result=True)
def store_relayed() -> None:
    from generation import records

    records.drain()


@shared_task(name="generation.vary", ignore_result=True)
def vary(digest: str) -> None:
    """Make the smaller forms of a picture."""
    from generation import variants

    variants.make(digest)


@shared_task(name="generation.index", ignore_result=True)
def index() -> None:
    """Read the words of new public results for the search."""
    from generation import search

    search.fill()


@shared_task(name="generation.compare", ignore_result=True)
def compare() -> None:
    """Read what new public prompts mean."""
    from generation.search import likeness

    likeness.read()


@shared_task(name="generation.list_models", ignore_result=True)
def list_models() -> None:
    from generation import offers, worker

    worker.current().run(offers.refresh())


@shared_task(name="generation.probe", ignore_result=True)
def probe(provider: str) -> None:
    """Ask its sources for one small thing each."""
    from generation import probing, worker

    worker.current().begin(probing.probe(provider))


def send_probe(provider: str) -> bool:
    """To a worker that has its engines, or any. False when the broker is away."""
    return _publish(probe, provider, queue="engine" if registry.is_local(provider) else "remote")


def send_picture(digest: str) -> None:
    """Have its smaller forms made. With the broker away the ticker finds it later."""
    _publish(vary, digest, queue="light")


@shared_task(name="generation.forget_at_once", ignore_result=True)
def forget_at_once() -> None:
    """Prompts of the teams that keep none."""
    from generation import forgetting

    forgetting.forget_prompts(days=0)


@shared_task(name="generation.tidy", ignore_result=True)
def tidy() -> None:
    """What has had its time: prompts, keys, events, failures, and files that nothing leads to."""
    from generation import retention

    retention.prune()


def queue_of(row: Generation) -> str:
    """`engine` when the model's first source is made on this machine, else `remote`."""
    card = catalogue.maker(row.ability, row.model)
    return "engine" if registry.is_local(card.sources[0].provider) else "remote"


def send(row: Generation) -> bool:
    """Tell the workers of a queued row. False when the broker is away: the row waits, and a ticker tells them later."""
    return _publish(fulfil, str(row.pk), queue=queue_of(row))


def _publish(task: Any, argument: str, queue: str) -> bool:
    """False when the broker is away."""
    try:
        # A broker that is silent is found out by this, in a moment and once for all: kombu's own connections wait for
        # seconds, and try again.
        redis.sync_client().ping()
        task.apply_async((argument,), queue=queue, retry=False)
    except (redis.RedisError, OperationalError, OSError) as exc:
        log.warning("%s could not be sent to the workers: %s", task.name, exc)
        return False
    return True
