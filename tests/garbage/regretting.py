"""The same with deletions that are taken back, or not."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.garbage.drawing import changes, flows, moments, operations, slots, turns, waits
from tests.garbage.machine import Garbage
from tests.garbage.operations import Operation
from tests.garbage.trash import BuryFlow, BurySegments, Purge, ReviveFlow, ReviveSegments

burials = st.one_of(
    st.builds(BuryFlow, flows),
    st.builds(BurySegments, flows, slots, slots),
    st.builds(BurySegments, flows, st.just(0), slots),
)
revivals = st.builds(ReviveFlow, flows) | st.builds(ReviveSegments, flows)


class Regretting(Garbage):
    """Clients who take deletions back as well."""

    @rule(burial=burials, between=operations, revival=st.lists(revivals, min_size=1, max_size=3))
    def regret(self, burial: Operation, between: list[Operation], revival: list[Operation]) -> None:
        """A client takes a deletion back, whatever others did meanwhile."""
        self.act([burial, *between, *revival])

    @rule(burial=burials, time=waits)
    def bury(self, burial: Operation, time: timedelta) -> None:
        """A client deletes softly, and what was kept for long goes."""
        self.act([burial])
        self.store.clock.now += time
        self.act([Purge()])

    @rule(first=burials | revivals, second=changes | burials, turns=turns)
    def compete_to_bury(self, first: Operation, second: Operation, turns: int) -> None:
        """Two clients do something at once."""
        self.run(self._compete(first, second, turns))

    @rule(burial=burials | revivals, moments=st.integers(0, 1))
    def lose_burial(self, burial: Operation, moments: int) -> None:
        """The server dies before or after it buries something, or takes it back."""
        self.run(self._lose_answer(burial, moments))

    @rule(time=waits, moments=moments, events=st.lists(burials | revivals, min_size=1, max_size=3))
    def bury_amid(self, time: timedelta, moments: int, events: list[Operation]) -> None:
        """Something is buried, or taken back, between two steps of a worker."""
        self.store.clock.now += time
        self.run(self._interfere(moments, events))
