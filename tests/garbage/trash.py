"""What clients do with deletions that can be taken back, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass

from tams.domain.access import ANYONE
from tams.domain.segments import SegmentQuery
from tams.domain.timerange import SECOND, TimeRange
from tams.domain.trash import Manner
from tests.garbage.model import Buried, Model, Outcome
from tests.garbage.operations import FLOWS, Operation, outcome
from tests.garbage.store import TRASH_RETENTION, Store

SOFTLY = Manner(soft=True, cascade=True)


@dataclass(frozen=True)
class BuryFlow(Operation):
    """Delete a Flow so that it can be taken back."""

    flow: str

    async def perform(self, store: Store) -> Outcome:
        return await outcome(store.soft_deletion.delete_flow(ANYONE, FLOWS[self.flow], SOFTLY))

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.flows.get(self.flow)
        if life is None:
            return "not found"
        if life.requests:
            return "refused"
        model.trash.append(Buried(self.flow, model.flows.pop(self.flow), store.clock.now))
        return "done"


@dataclass(frozen=True)
class BurySegments(Operation):
    """Delete Segments so that they can be taken back."""

    flow: str
    first: int
    last: int

    async def perform(self, store: Store) -> Outcome:
        end = max(self.first, self.last) + 1
        query = SegmentQuery(TimeRange(self.first * SECOND, end * SECOND))
        flow_id = FLOWS[self.flow]
        return await outcome(store.soft_deletion.delete_segments(ANYONE, flow_id, query, SOFTLY))

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.flows.get(self.flow)
        if life is None:
            return "not found"
        met = range(self.first, max(self.first, self.last) + 1)
        slots = {slot: used for slot, used in life.slots.items() if slot in met}
        if not slots:
            return "done"
        if life.requests:
            return "refused"
        life.slots = {slot: used for slot, used in life.slots.items() if slot not in slots}
        model.trash.append(Buried(self.flow, life, store.clock.now, slots))
        return "done"


@dataclass(frozen=True)
class ReviveFlow(Operation):
    """Take the last soft deletion of a Flow back."""

    flow: str

    async def perform(self, store: Store) -> Outcome:
        return await outcome(store.restoration.restore_flow(FLOWS[self.flow]))

    def expect(self, model: Model, store: Store) -> Outcome:
        kept = [each for each in model.trash if each.name == self.flow and each.slots is None]
        if not kept:
            return "not found"
        if self.flow in model.flows:
            return "refused"
        _take(model, kept[-1])
        model.flows[self.flow] = kept[-1].flow
        return "done"


@dataclass(frozen=True)
class ReviveSegments(Operation):
    """Take the last soft deletion of Segments back."""

    flow: str

    async def perform(self, store: Store) -> Outcome:
        return await outcome(store.restoration.restore_segments(FLOWS[self.flow]))

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.flows.get(self.flow)
        kept = [each for each in model.trash if each.slots is not None and each.flow is life]
        if life is None or not kept:
            return "not found"
        slots = kept[-1].slots or {}
        if slots.keys() & life.slots.keys():
            return "refused"
        _take(model, kept[-1])
        life.slots |= slots
        return "done"


@dataclass(frozen=True)
class Purge(Operation):
    """Let the worker look for what was kept for long enough."""

    async def perform(self, store: Store) -> Outcome:
        while await store.trash.purge():
            continue
        return "done"

    def expect(self, model: Model, store: Store) -> Outcome:
        old = [each for each in model.trash if each.at < store.clock.now - TRASH_RETENTION]
        model.trash = [each for each in model.trash if each not in old]
        for each in old:
            if each.slots is None:
                model.empty_graves(each.flow)
        model.lose(store.clock.now, recorded=False)
        return "done"


def _take(model: Model, buried: Buried) -> None:
    """Copies of what was hidden may have been given up meanwhile."""
    model.trash = [each for each in model.trash if each is not buried]
    model.is_unsure = True
