"""What is like what: the meanings of the newest public prompts as vectors, compared all at once.

A worker reads new prompts with the embedded multilingual engine, so 狐狸 is near "fox". A process that is asked keeps
the vectors of the newest results in memory, 768 bytes each, and reads on what came since.
"""

import threading
import time

import numpy as np
from django.db.models import Max

from generation import embedding
from generation.models import Generation, Likeness, SearchEntry

SIZE = 384
KEPT = 50_000  # of the newest: 38 MB in a process that compares
BACKLOG = 2_000  # older ones that are still read when the engine cannot keep up
READ = 400  # characters of a prompt: reading takes milliseconds for each word
SECONDS = 1.0  # of the engine's time at once: somebody may wait for it
LEAST = 0.82  # below, prompts have nothing in common
NEAREST = 200
FRESH_SECONDS = 10.0


def _unread() -> list[SearchEntry]:
    """The next few entries, in turn; what is too far back is left out."""
    newest = SearchEntry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    last = Likeness.objects.aggregate(last=Max("pk"))["last"] or 0
    after = max(last, newest - BACKLOG)
    return list(SearchEntry.objects.filter(pk__gt=after, is_filled=True).defer("words").order_by("pk")[:50])


def is_due() -> bool:
    return bool(_unread())


def read() -> int:
    """Read entries for about a second; returns how many."""
    until, done = time.monotonic() + SECONDS, 0
    for entry in _unread():
        prompt = Generation.objects.values_list("prompt", flat=True).get(pk=entry.generation_id)[:READ].strip()
        vector = embedding.embed_one(prompt).astype(np.float16).tobytes() if prompt else b""
        Likeness.objects.update_or_create(pk=entry.pk, defaults={"vector": vector})
        done += 1
        if time.monotonic() > until:
            break
    return done


def trim() -> int:
    """Forget what is not among the newest; returns how many."""
    newest = Likeness.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return Likeness.objects.filter(pk__lte=newest - KEPT).delete()[0]


class Shelf:
    """The vectors in this process, in the order of their entries."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries = np.empty(0, np.int64)
        self.vectors = np.empty((0, SIZE), np.float16)
        self.read_at = -FRESH_SECONDS

    def refresh(self) -> None:
        """Read what came since the last time, at most every few seconds."""
        with self.lock:
            if time.monotonic() - self.read_at < FRESH_SECONDS:
                return
            last = int(self.entries[-1]) if len(self.entries) else 0
            new = Likeness.objects.filter(pk__gt=last).exclude(vector=b"").order_by("-pk")
            rows = list(new.values_list("pk", "vector")[:KEPT])[::-1]
            if rows:
                entries = np.array([pk for pk, _ in rows], np.int64)
                vectors = np.frombuffer(b"".join(bytes(vector) for _, vector in rows), np.float16).reshape(-1, SIZE)
                self.entries = np.concatenate([self.entries, entries])[-KEPT:]
                self.vectors = np.concatenate([self.vectors, vectors])[-KEPT:]
            self.read_at = time.monotonic()

    def nearest(self, vector: np.ndarray, most: int) -> list[int]:
        """Entries most like this one, the likest first."""
        self.refresh()
        entries, vectors = self.entries, self.vectors
        scores = np.empty(len(entries), np.float32)
        for start in range(0, len(entries), 4096):  # not all of it at full width at once
            scores[start : start + 4096] = vectors[start : start + 4096].astype(np.float32) @ vector
        best = np.argpartition(-scores, most - 1)[:most] if len(scores) > most else np.arange(len(scores))
        best = best[scores[best] >= LEAST]
        return [int(entry) for entry in entries[best[np.argsort(-scores[best], kind="stable")]]]


_shelf = Shelf()


def forget() -> None:
    """Begin with an empty shelf (tests)."""
    global _shelf
    _shelf = Shelf()


def nearest(public_id: str, most: int = NEAREST) -> list[int]:
    """Entries that are like a public result, the likest first, itself left out. None for what is not public."""
    found = Likeness.objects.filter(
        entry__generation__in=Generation.objects.public().filter(public_id=public_id)
    ).first()
    if found is None or not found.vector:
        return []
    vector = np.frombuffer(bytes(found.vector), np.float16).astype(np.float32)
    return [entry for entry in _shelf.nearest(vector, most + 1) if entry != found.pk][:most]
