"""Who sits before a named wall, and at which screen: told when its page is to be loaded anew, and noted as seen.
Before the wall of a collection they are told what has come into that and what has gone.

One look at the database every few seconds for all of a process, whatever their number.
"""

import asyncio
import logging
import weakref
from dataclasses import dataclass, field

from feeds import collected, frames, policy, walls
from feeds.frames import Item
from feeds.hub import Wants
from feeds.models import Screen, Wall
from feeds.seat import Seat
from pollweb.lib import db

LOOK = 3.0
NOTE_EVERY = 10  # looks between two notes of who was seen
MOST_AT_ONCE = 20  # items that came into a collection, to one seat: it holds 50, and the next look tells the rest
MOST_AT_A_SCREEN = 8  # one, and connections of its past that nobody has missed yet

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sitting:
    wall: int
    screen: int  # 0: none
    revision: str
    wants: Wants
    collection: str = ""
    shown: dict[str, str] = field(default_factory=dict)  # of the collection: ids in frames by public id
    is_told: bool = False


class Attendance:
    """Of one event loop."""

    def __init__(self) -> None:
        self._here: dict[Seat, Sitting] = {}
        self._looking: asyncio.Task[None] | None = None
        self._known: dict[str, dict[str, Item]] = {}  # by collection and public id

    def is_full(self, screen: Screen) -> bool:
        return sum(each.screen == screen.pk for each in self._here.values()) >= MOST_AT_A_SCREEN

    def enter(self, seat: Seat, wall: Wall, screen: Screen | None, wants: Wants, shown: dict[str, str]) -> None:
        """At a screen it is told at once which revision its page should be of."""
        at = walls.revision(wall, screen)
        self._here[seat] = Sitting(wall.pk, screen.pk if screen else 0, at, wants, wall.collection, shown)
        self._tell(seat, revision=at)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on())

    def leave(self, seat: Seat) -> None:
        self._here.pop(seat, None)
        if not self._here and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look_on(self) -> None:
        looks = 0
        while True:
            try:
                if not looks % NOTE_EVERY:
                    await self._note()
                await asyncio.sleep(LOOK)
                await self._look()
                await self._look_into_collections()
            except Exception:
                log.exception("nobody knows at the moment which walls were changed")
            looks += 1

    async def _note(self) -> None:
        if screens := {each.screen for each in self._here.values() if each.screen}:
            await db.run(walls.seen, screens)

    async def _look(self) -> None:
        sitting = list(self._here.items())
        found = await db.run(
            walls.revisions, {each.wall for _, each in sitting}, {each.screen for _, each in sitting if each.screen}
        )
        for seat, each in sitting:
            now = found.get((each.wall, each.screen))
            if now == each.revision:
                continue
            if each.is_told:
                seat.close()  # it did not go by itself, and what it hears is not the wall's any more
            elif now is None:
                self._tell(seat, gone=True)
            else:
                self._tell(seat, revision=now)
            each.is_told = True

    async def _look_into_collections(self) -> None:
        names = {each.collection for each in self._here.values() if each.collection}
        self._known = {name: await db.run(collected.items, name, self._known.get(name)) for name in names}
        paused = bool(names) and await db.run(policy.is_paused)
        for seat, each in list(self._here.items()):
            found = self._known.get(each.collection)
            if found is None:
                continue  # of no collection, or here since a moment ago
            for name in [name for name in each.shown if name not in found]:
                gone = {"t": "remove", "id": each.shown.pop(name), "href": f"/p/{name}"}
                seat.push(frames.said(seat.door, gone), remove=True)
            coming = [] if paused else collected.first(found, each.wants)[::-1]
            for item in [item for item in coming if item.public_id not in each.shown][:MOST_AT_ONCE]:
                each.shown[item.public_id] = item.id
                seat.push(item.write(seat.door))

    @staticmethod
    def _tell(seat: Seat, **said: object) -> None:
        seat.push(frames.said(seat.door, {"t": "screen", **said}), remove=True)


_all: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Attendance] = weakref.WeakKeyDictionary()


def current() -> Attendance:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _all:
        _all[loop] = Attendance()
    return _all[loop]
