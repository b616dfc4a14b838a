"""Identifiers of rows: they sort by when they were made."""

import time
from datetime import UTC, datetime
from itertools import pairwise

from pollweb.lib import ids


def test_ids_made_a_microsecond_apart_sort_in_that_order() -> None:
    made = []
    for _ in range(1000):
        made.append(ids.uuid7())
        until = time.time_ns() + 1000
        while time.time_ns() < until:
            pass
    assert all(one < other for one, other in pairwise(made))
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_ids_of_a_time_lie_between_its_first_and_the_next() -> None:
    before = datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)
    made = ids.uuid7()
    assert ids.first_of(before) <= made < ids.first_of(datetime.fromtimestamp(time.time() + 1, UTC))
