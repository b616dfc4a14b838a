"""What a visitor's tier allows and how their line stands, told before a request is sent."""

import math
from dataclasses import dataclass

from generation.catalogue import ModelCard
from pollweb.accounts import line
from pollweb.accounts.identity import Principal


@dataclass(frozen=True, slots=True)
class Standing:
    """`interval` in seconds between two starts, `most` at once. Of the `places` in line, `taken` ones are used.

    `wait` is about how many seconds one that is sent now waits for its turn.
    """

    tier: str
    interval: float
    most: int
    places: int
    taken: int
    wait: int
    anonymous: bool

    @property
    def is_full(self) -> bool:
        return self.taken >= self.places


def standing(principal: Principal, card: ModelCard) -> Standing:
    """How it stands for this model; nobody's place is taken by asking. Redis away: as if nobody waited."""
    turn = line.Turn(principal, card.kind if card.kind != "transcription" else "text", card.line, name="look.0")
    step, limits = turn.look_sync(), turn.limits
    running = limits.most - step.free if step.position else 0
    return Standing(
        tier=principal.tier,
        interval=limits.slowest,
        most=limits.most,
        places=limits.places,
        taken=max(0, step.position - 1) + max(0, running),
        wait=math.ceil(step.wait),
        anonymous=principal.is_anonymous,
    )
