"""Where a result stands in the index."""

from typing import NamedTuple
from uuid import UUID


class Place(NamedTuple):
    """The number of an entry, which grows with time, and the key of the generation that it is of."""

    entry: int
    generation: UUID
