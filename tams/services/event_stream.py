"""Events as they happen, to any number of clients at once (ADR 0014).

The log is read once for all that are up to date, and each body is built once for all that ask for
it alike. Whoever cannot keep up, or comes back from before, reads the log for itself until it can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple
from weakref import WeakValueDictionary

import structlog

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.event_filters import EventFilter
from tams.domain.events import WHOLE, Place, PublishedEvent
from tams.errors import Busy, TamsError
from tams.services.event_log import EventLog, located, publish
from tams.services.subscribers import Group, Print, Printer, Subscriber

_log = structlog.get_logger(__name__)

_BATCH = 100
"""How many stored events are read at once."""

_AT_ONCE = 64
"""How many are handed out before those who send them get their turn."""

_REST = 0.05
"""Seconds between two looks, at least: under load they find more, and cost no more."""


class Times(NamedTuple):
    """All in seconds.

    `interval` is how long an event of another process may remain unseen, `heartbeat` how long a
    stream is silent, and `lifetime` after which it ends, so that its client comes back.
    """

    interval: float
    heartbeat: float
    lifetime: float


class EventStream:
    """Tells subscribers what happens, in the order of the log: nothing is missed or told twice.

    `listeners` are called behind each write of this process; what others write is found within the
    interval.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        log: EventLog,
        listeners: set[Callable[[], None]],
        times: Times,
    ) -> None:
        self._catalogue = catalogue
        self._listeners = listeners
        self._times = times
        self.log = log
        self.place = Place(0, WHOLE)
        """How far those are told who are up to date."""
        self._printers: WeakValueDictionary[tuple[object, ...], Printer] = WeakValueDictionary()
        self._groups: WeakValueDictionary[tuple[object, ...], Group] = WeakValueDictionary()
        self._subscribers: set[Subscriber] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    @contextmanager
    def subscribed(
        self, wanted: EventFilter, base_url: str, print_one: Print, place: Place
    ) -> Iterator[Subscriber]:
        """Tell what is wanted and happened after `place`; raises `Busy` once the server ends."""
        if self._is_over:
            raise Busy("the server is about to end; come back")
        group = self._group(wanted, base_url, print_one)
        ends = asyncio.get_running_loop().time() + self._times.lifetime
        subscriber = Subscriber(self.log, self._join, group, place, ends)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            subscriber.end()
            self._subscribers.discard(subscriber)
            if not self._is_followed:
                self._listeners.discard(self._wake.set)

    def end(self) -> None:
        """Let every subscriber end when it has sent what it is sending; nobody can begin."""
        self._is_over = True
        for subscriber in self._subscribers:
            subscriber.end()

    async def close(self) -> None:
        """End, and look no more."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _group(self, wanted: EventFilter, base_url: str, print_one: Print) -> Group:
        printing = (wanted.options, base_url, print_one)
        printer = self._printers.get(printing)
        if printer is None:
            signer = self.log.signer(wanted, base_url)
            printer = self._printers[printing] = Printer(wanted, signer, print_one)
        grouping = (wanted, base_url, print_one)
        group = self._groups.get(grouping)
        if group is None:
            group = self._groups[grouping] = Group(wanted, printer)
        return group

    @property
    def _is_followed(self) -> bool:
        return any(group.members for group in self._groups.values())

    def _join(self, place: Place) -> bool:
        """Whether one who has been told all up to `place` will be told the rest."""
        if not self._is_followed:
            self.place = place
        elif place.number < self.place.number:
            return False
        self._listeners.add(self._wake.set)
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="events")
        return True

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_beat = loop.time() + self._times.heartbeat
        while True:
            self._wake.clear()
            more = self._is_followed and await self._attempt()
            if (now := loop.time()) >= next_beat:
                next_beat = now + self._times.heartbeat
                for subscriber in self._subscribers:
                    subscriber.beat(self.place)
            if more:
                continue
            await asyncio.sleep(_REST)
            patience = min(self._times.interval, max(0.0, next_beat - loop.time()))
            with suppress(TimeoutError):
                async with asyncio.timeout(patience if self._subscribers else None):
                    await self._wake.wait()

    async def _attempt(self) -> bool:
        try:
            return await self._look()
        except (TamsError, OSError) as error:
            _log.warning("events cannot be read; it will be tried again", error=str(error))
        except Exception:  # noqa: BLE001 - else a fault in one would end all streams for good
            _log.exception("events met a fault; it will be tried again")
        return False

    async def _look(self) -> bool:
        """Hand out what is new; whether there is more."""
        number = self.place.number
        shows_urls = any(group.wanted.accept_get_urls != () for group in self._groups.values())

        async def work(tx: Transaction) -> tuple[Sequence[PublishedEvent], bool]:
            found = await tx.events.after(number, _BATCH)
            if shows_urls:
                found = await located(tx, found)
            return found, await tx.events.is_waiting()

        found, is_waiting = await self._catalogue.read(work)
        handed = 0
        for stored in found:
            handed += self._hand_out(stored)
            self.place = stored.end
            if handed >= _AT_ONCE:
                handed = 0
                await asyncio.sleep(0)
        if is_waiting:
            await publish(self._catalogue)
        return is_waiting or len(found) == _BATCH

    def _hand_out(self, stored: PublishedEvent) -> int:
        """Give a stored event to all who want something of it; how much that was at most."""
        most = 0
        for group in list(self._groups.values()):
            parts = group.wanted.of(stored) if group.members else ()
            try:
                printed = [group.printer.printed(part) for part in parts]
            except Exception:  # noqa: BLE001 - nobody else is to miss it, or be told it twice
                _log.exception("an event cannot be told", number=stored.number)
                for member in tuple(group.members):
                    member.end()
                continue
            if printed:
                for member in tuple(group.members):
                    member.put(stored.number, printed)
                most = max(most, len(printed))
        for printer in self._printers.values():
            printer.forget()
        return most
