"""The time of day, given to whoever needs it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

Clock = Callable[[], datetime]
"""Returns the present moment, in UTC."""


def utc_now() -> datetime:
    """The present moment, by the machine's clock."""
    return datetime.now(UTC)


class PrudentClock:
    """Shows what another clock does, but a jump ahead only once that has lasted.

    Whoever deletes what is too old looks here: no clock that is wrong for a moment makes it old.
    A jump is more than `slack` beyond the seconds that `elapsed` counts; it is believed when it has
    stood for `proof`. A clock that is put back is believed at once.
    """

    def __init__(
        self,
        clock: Clock,
        elapsed: Callable[[], float] = monotonic,
        *,
        proof: timedelta = timedelta(minutes=10),
        slack: timedelta = timedelta(minutes=1),
    ) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._proof = proof
        self._slack = slack
        self._shown, self._at = clock(), elapsed()
        self._doubted_since: float | None = None

    def __call__(self) -> datetime:
        """The present moment, or an earlier one."""
        now, at = self._clock(), self._elapsed()
        steady = self._shown + timedelta(seconds=at - self._at)
        if now <= steady + self._slack or self._is_proved(at):
            self._shown, self._at, self._doubted_since = now, at, None
            return now
        return steady

    def _is_proved(self, at: float) -> bool:
        if self._doubted_since is None:
            self._doubted_since = at
        return at - self._doubted_since >= self._proof.total_seconds()
