"""Everything that can happen to a store, in any order; after each step it must be as the model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.garbage.drawing import (
    any_of,
    backends,
    bringing,
    changes,
    deletions,
    moments,
    objects,
    operations,
    single,
    slots,
    turns,
    waits,
    with_init,
)
from tests.garbage.looking import look, read_url
from tests.garbage.model import Model, Outcome, Seen
from tests.garbage.operations import (
    FLOWS,
    OBJECTS,
    SLOTS,
    WITH_INIT,
    AddInstance,
    Allocate,
    DeleteSegments,
    Expire,
    Operation,
    Register,
    RemoveInstance,
)
from tests.garbage.store import BACKENDS, Crash, Store

T = TypeVar("T")


class Garbage(RuleBasedStateMachine):
    """Clients, workers, crashes and time against a store, and a model of what must be there."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.model = Model()
        self.runner = asyncio.Runner()
        self.run = self.runner.run
        self.steps = 0

    @initialize(first=bringing, second=bringing)
    def open(self, first: list[Operation], second: list[Operation]) -> None:
        """There is something from the beginning."""
        self.run(self.store.open())
        self.act(first + second)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    @rule(done=operations)
    def act(self, done: list[Operation]) -> None:
        """Clients do something."""
        for operation in done:
            self.run(self._act(operation))

    @rule(needed=bringing)
    def bring(self, needed: list[Operation]) -> None:
        """A client does all that Segments need."""
        self.act(needed)

    @rule(deletion=deletions)
    def delete(self, deletion: Operation) -> None:
        """A client deletes."""
        self.run(self._act(deletion))

    @rule(which=any_of, into=any_of, slot=slots)
    def reuse(self, which: int, into: int, slot: int) -> None:
        """A Flow uses what there is."""
        self.run(self._act(self._again(which, into, slot)))

    @rule(flow=with_init, slot=slots, media=objects, which=any_of)
    def initialise(self, flow: str, slot: int, media: str, which: int) -> None:
        """Another Media Object names an initialisation Object."""
        named = _pick([each for each in OBJECTS if self._is_init(each)], which, OBJECTS[0])
        for operation in (Allocate(flow, media, min(BACKENDS)), Register(flow, slot, media, named)):
            self.run(self._act(operation))

    @rule(which=any_of, at=backends, removed=st.none() | backends)
    def move(self, which: int, at: str, removed: str | None) -> None:
        """An instance comes, and another goes."""
        known = _pick([each for each in OBJECTS if self.model.known(each)], which, OBJECTS[0])
        self.run(self._act(AddInstance(known, at)))
        self.run(self._work())
        self.run(self._act(RemoveInstance(known, removed)))

    @rule(time=waits)
    def wait(self, time: timedelta) -> None:
        """Time passes."""
        self.store.clock.now += time

    @rule()
    def work(self) -> None:
        """The worker does all that is due."""
        self.run(self._work())

    @rule(time=waits, moments=moments, events=st.lists(single | waits, min_size=1, max_size=3))
    def interfere(self, time: timedelta, moments: int, events: list[Operation | timedelta]) -> None:
        """Clients, time and another worker come between two steps of a worker."""
        self.store.clock.now += time
        self.run(self._interfere(moments, events))

    @rule(deletion=deletions, time=waits, moments=moments)
    def crash(self, deletion: Operation, time: timedelta, moments: int) -> None:
        """The worker dies between two steps, and comes up again."""
        self.run(self._act(deletion))
        self.store.clock.now += time
        self.run(self._crash(moments))

    @rule(operation=single, moments=st.integers(0, 1))
    def lose_answer(self, operation: Operation, moments: int) -> None:
        """The server dies before or after it does what a client asks."""
        self.run(self._lose_answer(operation, moments))

    @rule(first=changes, second=changes, turns=turns)
    def compete(self, first: Operation, second: Operation, turns: int) -> None:
        """Two clients do something at once."""
        self.run(self._compete(first, second, turns))

    @rule(which=any_of, into=any_of, slot=slots, turns=turns)
    def compete_for_one(self, which: int, into: int, slot: int, turns: int) -> None:
        """One client uses an Object again while another deletes the Segments that use it."""
        flow, used = self._used(which)
        rival = DeleteSegments(flow, SLOTS[0], SLOTS[-1], used)
        self.run(self._compete(rival, self._again(which, into, slot), turns))

    @rule()
    def settle(self) -> None:
        """Long after, when nothing is on its way any more, what is known is all that is left."""
        self.run(self._settle())

    @invariant()
    def is_as_it_must_be(self) -> None:
        """A step has left everything just as the model says, and URLs work that must."""
        self.steps += 1
        self.run(self._check())

    def _used(self, which: int) -> tuple[str, str]:
        """A Flow, and an Object that it uses."""
        flows = self.model.flows.items()
        uses = [(name, used) for name, flow in flows for used in flow.slots.values()]
        return _pick(uses, which, ("A", OBJECTS[0]))

    def _again(self, which: int, into: int, slot: int) -> Operation:
        """The registration of an Object that is used, in a Flow that may use it."""
        flow, used = self._used(which)
        alike = [name for name in FLOWS if (name in WITH_INIT) == (flow in WITH_INIT)]
        name = _pick([each for each in alike if each in self.model.flows], into, flow)
        taken = self.model.flows[name].slots if name in self.model.flows else {}
        free = [each for each in SLOTS if each not in taken]
        return Register(name, _pick(free, slot, slot), used)

    def _is_init(self, object_id: str) -> bool:
        life = self.model.known(object_id)
        return life is not None and life.state == "init"

    async def _act(self, operation: Operation) -> None:
        told = await operation.perform(self.store)
        expected = operation.expect(self.model, self.store)
        assert told == expected, f"{operation}: {expected} expected, {told} came"
        await self._learn()

    async def _check(self) -> None:
        self._same(self.model.differences(await look(self.store)))
        now = self.store.clock.now.timestamp()
        self.model.handed = [each for each in self.model.handed if int(each.url.expires) > now]
        for handed in set(self.model.handed):
            read = await read_url(self.store, handed.url)
            assert read == handed.content, f"{handed}: {read} came"

    async def _catch_up(self) -> Seen:
        seen = await look(self.store)
        self.model.catch_up(seen, self.store.clock.now)
        self._same(self.model.differences(seen))
        return seen

    async def _work(self) -> None:
        await self._act(Expire())
        await self.store.work_off()
        seen = await self._catch_up()
        if self.store.is_calm:
            self._same(self.model.overdue(seen, self.store.clock.now))

    async def _interfere(self, moments: int, events: list[Operation | timedelta]) -> None:
        failures: list[AssertionError] = []

        async def happen() -> None:
            try:
                for event in events:
                    await self._catch_up()
                    if isinstance(event, timedelta):
                        self.store.clock.now += event
                        await self.store.work_once()
                    else:
                        await self._act(event)
            except AssertionError as failure:  # a service may well catch it
                failures.append(failure)

        self.store.moments.arm(moments, happen)
        await self.store.work_off()
        self.store.moments.disarm()
        self.store.disturb()
        if failures:
            raise failures[0]
        await self._catch_up()

    async def _crash(self, moments: int) -> None:
        self.store.moments.arm(moments, _die)
        with suppress(Crash):
            await self.store.work_off()
        self.store.moments.disarm()
        await self.store.restart()
        await self._catch_up()

    async def _lose_answer(self, operation: Operation, moments: int) -> None:
        self.store.moments.arm(moments, _die)
        with suppress(Crash):
            await operation.perform(self.store)
        self.store.moments.disarm()
        await self.store.restart()
        if moments:
            operation.expect(self.model, self.store)
        await self._learn()

    async def _learn(self) -> None:
        """See which copies were given up of what nobody could know."""
        if self.model.is_unsure:
            await self._catch_up()

    async def _compete(self, first: Operation, second: Operation, turns: int) -> None:
        async def follow() -> Outcome:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await second.perform(self.store)

        rivals = (first, second)
        told = await asyncio.gather(first.perform(self.store), follow())
        candidates = []
        for order in ((0, 1), (1, 0)):
            model = deepcopy(self.model)
            expected = {which: rivals[which].expect(model, self.store) for which in order}
            if [expected[which] for which in (0, 1)] == told:
                candidates.append(model)
        assert candidates, f"{rivals}: {told} came, which neither order gives"
        await self._choose(candidates)

    async def _choose(self, candidates: list[Model]) -> None:
        """Go on with the model that the store agrees with, also once deletions are done."""
        before = await look(self.store)
        self.store.clock.now = max(self.store.clock.now, self.store.disturbed_until)
        await self.store.work_off()
        seen = await look(self.store)
        found: list[list[str]] = []
        for model in candidates:
            found.append(model.differences(before))
            model.catch_up(seen, self.store.clock.now)
            found[-1] += model.differences(seen)
            if not found[-1] and not any(flow.doomed for flow in model.flows.values()):
                self.model = model
                return
        raise AssertionError(f"none of these: {found}")

    async def _settle(self) -> None:
        for _ in range(16):
            await self._work()
            self.store.clock.now += timedelta(hours=1)
        await self._work()
        seen = await self._catch_up()
        left = {place: contents for place, contents in seen.contents.items() if contents}
        whole = {place: contents for place, contents in self.model.whole().items() if contents}
        assert left == whole, f"{whole} expected, {left} is left"

    @staticmethod
    def _same(complaints: Iterable[str]) -> None:
        told = list(complaints)
        assert not told, "; ".join(told)


def _pick(pool: Sequence[T], which: int, default: T) -> T:
    return pool[which % len(pool)] if pool else default


async def _die() -> None:
    raise Crash
