"""The one thread that writes to SQLite: several works to a commit, each in its own savepoint."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

import apsw

from tams.catalogue.sql.sqlite_connection import PASSING, busy, roll_back
from tams.errors import Busy, OutcomeUnknown

T = TypeVar("T")
Attempt = Callable[[apsw.Connection], T]

MAX_GROUP = 64
"""How many works share a commit: enough to share an fsync, few enough to be run again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a work: `error` if it was refused, else `value`."""

    value: Any = None
    error: BaseException | None = None


@dataclass(eq=False, slots=True)
class Waiting(Generic[T]):
    """A work in the queue, with the context of its caller and where the answer goes."""

    attempt: Attempt[T]
    future: asyncio.Future[T]
    context: Context = field(default_factory=copy_context)

    def run(self, database: apsw.Connection) -> T:
        """Run the work once."""
        result: T = self.context.copy().run(self.attempt, database)
        return result


class Writer:
    """Takes works in the order of their coming; `close` finishes those that were taken.

    Whatever fails, each caller gets an answer, and the thread goes on to the next work.
    """

    def __init__(self, database: apsw.Connection, capacity: int) -> None:
        self._database = database
        self._capacity = capacity
        self._queue: deque[Waiting[Any]] = deque()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._serve, name="catalogue-writer", daemon=True)

    def start(self) -> None:
        """Begin to take works."""
        self._thread.start()

    async def submit(self, attempt: Attempt[T]) -> T:
        """Run a work and return what it returned, once its commit is durable.

        If the caller is cancelled, a work that has not begun is dropped; one that has runs on.
        """
        waiting: Waiting[T] = Waiting(attempt, asyncio.get_running_loop().create_future())
        with self._changed:
            if self._closed or len(self._queue) >= self._capacity:
                raise Busy("too many changes are waiting already; try again in a moment")
            self._queue.append(waiting)
            self._changed.notify()
        try:
            return await waiting.future
        except asyncio.CancelledError:
            with self._changed:
                if waiting in self._queue:
                    self._queue.remove(waiting)
            raise

    async def close(self) -> None:
        """Finish what waits, end the thread, and close the connection."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)
        self._database.close()

    def _serve(self) -> None:
        while group := self._take():
            outcomes = self._outcomes(group)
            # One call per event loop: each wakes the loop up by a write to a socket.
            for loop in {waiting.future.get_loop() for waiting in group}:
                _deliver_soon(loop, group, outcomes)

    def _take(self) -> list[Waiting[Any]]:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            return [self._queue.popleft() for _ in range(min(MAX_GROUP, len(self._queue)))]

    def _outcomes(self, group: Sequence[Waiting[Any]]) -> list[Outcome]:
        try:
            return self._run(group)
        except BaseException as error:  # noqa: BLE001 - it belongs to the callers, not to the thread
            return [Outcome(error=_translated(error)) for _ in group]

    def _run(self, group: Sequence[Waiting[Any]]) -> list[Outcome]:
        if len(group) == 1:
            return [self._run_alone(group[0])]
        self._begin()
        try:
            outcomes = [self._run_in_savepoint(waiting) for waiting in group]
            self._database.execute("COMMIT")
        except Exception:  # noqa: BLE001 - the shared transaction is lost: each on its own
            self._give_up()
            return [self._run_alone(waiting) for waiting in group]
        return outcomes

    def _run_in_savepoint(self, waiting: Waiting[Any]) -> Outcome:
        self._database.execute("SAVEPOINT work")
        try:
            outcome = Outcome(waiting.run(self._database))
        except BaseException as error:  # noqa: BLE001 - as above
            # Raises, and so gives the group up, if the engine has rolled the transaction back.
            self._database.execute("ROLLBACK TO work")
            outcome = Outcome(error=_translated(error))
        self._database.execute("RELEASE work")
        return outcome

    def _run_alone(self, waiting: Waiting[Any]) -> Outcome:
        try:
            self._begin()
            value = waiting.run(self._database)
        except BaseException as error:  # noqa: BLE001 - as above
            self._give_up()
            return Outcome(error=_translated(error))
        try:
            self._database.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up()
            unknown = OutcomeUnknown("the commit failed; repeat the request")
            unknown.__cause__ = error
            return Outcome(error=unknown)
        return Outcome(value)

    def _begin(self) -> None:
        roll_back(self._database)
        self._database.execute("BEGIN IMMEDIATE")

    def _give_up(self) -> None:
        with suppress(apsw.Error):  # the next work rolls back first, and fails if that fails again
            roll_back(self._database)


def _translated(error: BaseException) -> BaseException:
    if not isinstance(error, PASSING):
        return error
    refusal = busy(error)
    refusal.__cause__ = error
    return refusal


def _deliver_soon(
    loop: asyncio.AbstractEventLoop, group: Sequence[Waiting[Any]], outcomes: Sequence[Outcome]
) -> None:
    def deliver() -> None:
        for waiting, outcome in zip(group, outcomes, strict=True):
            if waiting.future.get_loop() is not loop or waiting.future.done():
                continue
            if outcome.error is None:
                waiting.future.set_result(outcome.value)
            else:
                waiting.future.set_exception(outcome.error)

    with suppress(RuntimeError):  # the loop is closed, and with it all who waited
        loop.call_soon_threadsafe(deliver)
