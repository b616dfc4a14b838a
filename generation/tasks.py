"""Celery's doors: a message says which row to look at, and nothing else."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from generation import catalogue
from generation.models import Generation
from generation.providers import registry

log = logging.getLogger(__name__)


@shared_task(name="generation.fulfil", ignore_result=True)
def fulfil(pk: str) -> None:
    from generation import worker

    worker.current().perform(pk)


@shared_task(name="generation.store_relayed", ignore_result=True)
def store_relayed() -> None:
    from generation import records

    records.drain()


def queue_of(row: Generation) -> str:
    """`engine` when the model's first source is made on this machine, else `remote`."""
    card = catalogue.maker(row.ability, row.model)
    return "engine" if registry.is_local(card.sources[0].provider) else "remote"


def send(row: Generation) -> bool:
    """Tell the workers of a queued row. False when the broker is away: the row waits, and a ticker tells them later."""
    try:
        fulfil.apply_async((str(row.pk),), queue=queue_of(row), retry=False)
    except (OperationalError, OSError) as exc:
        log.warning("a job could not be announced to the workers: %s", exc)
        return False
    return True
