"""Pictures that come along with a form: stored when they arrive, and named in the page by signed words.

So a form that is shown again still has its pictures, and nobody can name a picture that somebody else brought.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from generation import inputs
from generation.models import Artifact

SALT = "generation.web.brought"
SECONDS = 24 * 3600  # a page that was left open for longer has to bring its pictures again


@dataclass(frozen=True, slots=True)
class Brought:
    """A picture in the store; `width` and `height` are pixels."""

    digest: str
    media_type: str
    width: int
    height: int

    @property
    def words(self) -> str:
        """What a page names it by."""
        return signing.dumps(self.digest, salt=SALT)

    @property
    def href(self) -> str:
        """Where whoever has a page that names it sees it."""
        return reverse("brought", args=[self.words])


def take(source: str | bytes) -> Brought:
    """Store a picture given as bytes or by its address. Raises what generation.inputs does."""
    return of([inputs.put(async_to_sync(inputs.look)(source))])[0]


def named(words: Iterable[str]) -> tuple[list[Brought], int]:
    """The pictures that these words of ours name, and how many of them are gone. Forged words name nothing."""
    digests = [digest for each in words if (digest := _read(each))]
    found = of(digests)
    # Nothing leads to them until the form is sent, and what nothing leads to is collected an hour after it was touched.
    Artifact.objects.filter(pk__in=digests).update(touched_at=timezone.now())
    return found, len(digests) - len(found)


def of(digests: Iterable[str]) -> list[Brought]:
    """Those of these artifacts that are there, in this order."""
    wanted = list(digests)
    known = {row.pk: row for row in Artifact.objects.filter(pk__in=wanted, media_type__startswith="image/")}
    return [Brought(digest, row.media_type, row.width, row.height) for digest in wanted if (row := known.get(digest))]


def _read(words: str) -> str:
    try:
        return str(signing.loads(words, salt=SALT, max_age=SECONDS))
    except signing.BadSignature:
        return ""
