"""One who is told of events, and those who are told the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tams.domain.event_filters import EventFilter
from tams.domain.events import Place, PublishedEvent
from tams.domain.storage import Signer
from tams.errors import Expired
from tams.services.event_log import EventLog

MOST_WAITING = 1000
"""How many events a client may have waiting before it is left to read the log for itself."""

Print = Callable[[PublishedEvent, EventFilter, Signer], bytes]
"""Builds what is sent of an event: its body, and what is around it."""


class Printed(NamedTuple):
    """What is sent of an event, and its place."""

    place: Place
    body: bytes


class Printer:
    """Builds each body once for all who ask for it in the same way, and forgets it then."""

    def __init__(self, options: EventFilter, signer: Signer, print_one: Print) -> None:
        self._options = options
        self._signer = signer
        self._print = print_one
        self._printed: dict[tuple[int, int], Printed] = {}

    def printed(self, one: PublishedEvent) -> Printed:
        """An event, built unless it was."""
        found = self._printed.get(one.step)
        if found is None:
            found = self._printed[one.step] = Printed(one.place, self.body(one))
        return found

    def body(self, one: PublishedEvent) -> bytes:
        """An event, built for one alone."""
        return self._print(one, self._options, self._signer)

    def forget(self) -> None:
        """Keep none of them any longer."""
        self._printed.clear()


class Group:
    """All who want the same; `members` are those of them that are up to date."""

    def __init__(self, wanted: EventFilter, printer: Printer) -> None:
        self.wanted = wanted
        self.printer = printer
        self.members: set[Subscriber] = set()


class Subscriber:
    """What one client is still to be sent.

    `place` is how far it has been told by what `next` has returned; `join` says whether one that
    has come to a place of the log will be handed what follows. At the time `ends` of the loop it
    is over.
    """

    def __init__(
        self,
        log: EventLog,
        join: Callable[[Place], bool],
        group: Group,
        place: Place,
        ends: float,
    ) -> None:
        self.place = place
        self._log = log
        self._join = join
        self._group = group
        self._ends = ends
        self._loop = asyncio.get_running_loop()
        self._floor = 0  # the number up to which it has read the log for itself
        self._waiting: list[Printed] = []
        self._beat: Place | None = None
        self._something = asyncio.Event()
        self._is_over = False

    async def next(self) -> Sequence[bytes] | None:
        """What comes next, once there is something; None at the end.

        Nothing at all is a heartbeat. Raises `Expired`, and goes on then with the oldest event that
        is kept; and what the catalogue raises.
        """
        while not self._is_over and self._loop.time() < self._ends:
            if self not in self._group.members:
                if bodies := await self._catch_up():
                    return bodies
            elif self._waiting:
                found, self._waiting = self._waiting, []
                self.place = found[-1].place
                return [one.body for one in found]
            elif self._beat is not None:
                self.place, self._beat = self._beat, None
                return []
            else:
                self._something.clear()
                await self._something.wait()
        return None

    def put(self, number: int, printed: Sequence[Printed]) -> None:
        """Take what there is of a stored event, or leave it to be read later from the log."""
        if number <= self._floor:
            return
        self._beat = None
        if len(self._waiting) + len(printed) > MOST_WAITING:
            self._waiting = []
            self._group.members.discard(self)
        else:
            self._waiting += printed
        self._something.set()

    def beat(self, place: Place) -> None:
        """Say that it is up to date, if it has nothing else to say; it ends if it is time."""
        if self in self._group.members and not self._waiting:
            self._beat = max(place, self.place, key=lambda one: one.step)
            self._something.set()

    def end(self) -> None:
        """Be told nothing more."""
        self._is_over = True
        self._group.members.discard(self)
        self._something.set()

    async def _catch_up(self) -> Sequence[bytes]:
        """Read on in the log; where it ends, join those who are handed what comes."""
        try:
            found = await self._log.go_on(self._group.wanted, self.place)
        except Expired:
            self.place = await self._log.oldest()
            raise
        self.place = found.next
        if not (found.more or self._is_over) and self._join(self.place):
            self._floor = self.place.number
            self._group.members.add(self)
        return [self._group.printer.body(one) for one in found.events]
