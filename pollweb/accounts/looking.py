"""Looks at a domain's proof that somebody waits for: a worker looks, since other people's servers may take ten seconds.

What is going on and what was seen stands in the cache for ten minutes; what came of it stays with the referrer.
"""

import time
from dataclasses import asdict, dataclass

from django.core.cache import cache
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from pollweb.accounts import verification
from pollweb.accounts.models import Referrer, User
from pollweb.accounts.tokens import Actor
from pollweb.accounts.verification import Look
from pollweb.lib.errors import Unavailable

KEPT = 600  # seconds
PATIENCE = 30.0  # seconds; where a worker is there, a look takes ten at most


@dataclass(frozen=True, slots=True)
class Progress:
    """`looks` is None while a worker looks. `is_lost`: none has for so long that none will."""

    looks: list[Look] | None
    is_lost: bool = False

    @property
    def is_on(self) -> bool:
        return self.looks is None and not self.is_lost


def _key(referrer: Referrer) -> str:
    return f"look:{referrer.pk}"


def progress(referrer: Referrer) -> Progress | None:
    """Of the newest look; None when there was none lately."""
    kept = cache.get(_key(referrer))
    if kept is None:
        return None
    if "looks" in kept:
        return Progress([Look(**each) for each in kept["looks"]])
    return Progress(None, is_lost=time.time() - kept["since"] > PATIENCE)


def ask(referrer: Referrer, by: User) -> None:
    """Have a worker look, once at a time. Unavailable (503) where none can be told."""
    from pollweb.accounts import tasks

    before = progress(referrer)
    if before is not None and before.is_on:
        return
    cache.set(_key(referrer), {"since": time.time()}, KEPT)
    try:
        tasks.look_for_proof.apply_async(
            (referrer.pk, by.pk, translation.get_language() or ""), queue="light", retry=False
        )
    except (OperationalError, OSError) as exc:
        cache.delete(_key(referrer))
        raise Unavailable(_("Nobody can look at this moment. Try again shortly.")) from exc


def look(pk: int, by: int, language: str) -> None:
    """In the worker: look, in the words of whoever asked, and keep what was seen."""
    referrer = Referrer.objects.filter(pk=pk).select_related("team").first()
    if referrer is None:  # removed meanwhile
        return
    with translation.override(language or None):
        looks = verification.check(referrer, by=Actor(User.objects.filter(pk=by).first()))
    cache.set(_key(referrer), {"looks": [asdict(each) for each in looks]}, KEPT)
