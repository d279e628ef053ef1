"""The machine finds what it is there to find: each of these faults is seen as one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import exists, false, update

from tams.catalogue.sql import objects, segments
from tams.catalogue.sql.schema import flow, segment
from tams.catalogue.sql.statements import Among, Rows, Written
from tams.catalogue.sql.trash import SQLTrash
from tams.services.cleanup import AT_ONCE, CleanUp
from tams.services.queue import claim
from tests.garbage.machine import Garbage
from tests.garbage.operations import (
    Allocate,
    DeleteFlow,
    DeleteSegments,
    PutFlow,
    Register,
    Upload,
)
from tests.garbage.store import Store
from tests.garbage.trash import BuryFlow, BurySegments, Purge, ReviveFlow, ReviveSegments
from tests.proof import count
from tests.services.conftest import HOT


def find(fresh, says: str, **spoilt) -> None:
    """Let things happen until the machine complains."""
    with pytest.raises(AssertionError, match=says):
        run_state_machine_as_test(
            lambda: Garbage(fresh(**spoilt)),
            settings=settings(
                max_examples=400,
                stateful_step_count=50,
                phases=[Phase.generate],
                derandomize=True,
                database=None,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_bytes_that_go_at_once(on_sqlite):
    find(on_sqlite, "came|taken", url_lifetime=timedelta())


def test_init_objects_that_are_forgotten(on_sqlite, monkeypatch):
    monkeypatch.setattr(objects, "_CONDEMN_INITS", objects._CONDEMN_INITS.where(false()))
    find(on_sqlite, "was lost at")


def test_init_objects_that_go_with_the_first_that_named_them(on_sqlite, monkeypatch):
    table = objects.object_
    careless = update(table).where(Among(table.c.pk, "keys")).values(objects._CONDEMN_INITS._values)
    monkeypatch.setattr(objects, "_CONDEMN_INITS", careless.returning(table.c.pk, table.c.id))
    find(on_sqlite, "expected")


def test_init_objects_that_expire_like_others(on_sqlite, monkeypatch):
    kept = segments._REGISTER_INITS
    texts = (text.replace(", expires = NULL", "") for text in (kept.sqlite, kept.arrays, kept.one))
    sqlite, arrays, one = texts
    monkeypatch.setattr(segments, "_REGISTER_INITS", Rows(sqlite, kept.pattern, arrays, one))
    find(on_sqlite, "expected")


def regret(store: Store) -> None:
    """Bury a Flow and Segments of another, let long go by, and take some of it back."""
    machine = Garbage(store)
    machine.open([PutFlow("A"), PutFlow("B")], [PutFlow("C")])
    try:
        machine.act([Allocate("B" if each == "d" else "A", each, HOT.id) for each in "abcd"])
        machine.act([Upload(each) for each in "abcd"])
        machine.act([Register("A", slot, each) for slot, each in enumerate("abc")])
        machine.act([Register("B", slot, each) for slot, each in enumerate("abd")])
        machine.act([BurySegments("A", 2, 2), BuryFlow("A"), DeleteSegments("B", 0, 0)])
        machine.act([BurySegments("B", 1, 2)])
        machine.is_as_it_must_be()
        machine.settle()
        machine.act([ReviveFlow("A"), ReviveSegments("A")])
        machine.is_as_it_must_be()
        machine.act([BuryFlow("A"), DeleteFlow("B")])
        machine.settle()
        machine.act([Purge()])
        machine.settle()
        assert machine.model.objects == {}
    finally:
        machine.teardown()


def test_what_is_buried_is_held_until_it_is_purged(fresh):
    regret(fresh())


def test_objects_that_only_the_living_hold(on_sqlite, monkeypatch):
    table = objects.object_
    used = exists().where(
        segment.c.object_pk == table.c.pk, segment.c.flow_pk == flow.c.pk, flow.c.gone_at.is_(None)
    )
    careless = (
        update(table)
        .where(Among(table.c.pk, "keys"), table.c.start_ns.is_not(None), ~used)
        .values(objects._CONDEMN._values)
    )
    monkeypatch.setattr(objects, "_CONDEMN", careless.returning(table.c.pk, table.c.id))
    with pytest.raises(AssertionError, match="ids that are taken"):
        regret(on_sqlite())


def test_segments_that_stay_buried_when_their_flow_is_gone(on_sqlite, monkeypatch):
    async def keep(self: SQLTrash, flow_key: int, at: datetime) -> list[int]:
        return []

    monkeypatch.setattr(SQLTrash, "let_go_of", keep)
    with pytest.raises(AssertionError, match="was lost at"):
        regret(on_sqlite())


def test_flows_that_are_purged_and_not_removed(on_sqlite, monkeypatch):
    let_go = SQLTrash.let_go

    async def lose(self: SQLTrash, key: int) -> list[int]:
        await let_go(self, key)
        return []

    monkeypatch.setattr(SQLTrash, "let_go", lose)
    with pytest.raises(AssertionError, match="was lost at"):
        regret(on_sqlite())


def test_a_worker_that_forgets_before_it_deletes(on_sqlite, monkeypatch):
    async def forget_first(self: CleanUp) -> bool:
        jobs = await claim(self._catalogue, self._clock, ("remove_object",), AT_ONCE)
        keys = [job.subject for job in jobs]
        doomed = await self._catalogue.read(lambda tx: tx.objects.doomed(keys))

        async def forget(tx) -> None:
            await tx.objects.forget(keys)
            await tx.jobs.finish(*jobs)

        await self._catalogue.write(forget)
        for instance in (each for one in doomed for each in one.instances):
            await self._storages[instance.storage_id].delete(instance.key)
        return bool(jobs)

    monkeypatch.setattr(CleanUp, "remove_objects", forget_first)
    find(on_sqlite, "is left in")


def race(store: Store, rounds: int) -> None:
    """Let one client delete the last use of an Object while another uses it again."""
    machine = Garbage(store)
    machine.open([PutFlow("A"), PutFlow("B")], [])
    try:
        for turns in range(0, 4 * rounds, 4):
            machine.act([Allocate("A", "a", HOT.id), Upload("a"), Register("A", 0, "a")])
            machine.compete_for_one(which=0, into=1, slot=0, turns=turns)
            machine.is_as_it_must_be()
            machine.act([DeleteSegments("B", 0, 0)])
            machine.settle()
    finally:
        machine.teardown()


def test_reuse_with_a_lock(fresh):
    race(fresh(), count(10, proof=50))


def test_reuse_without_a_lock(on_postgresql, monkeypatch):
    kept = segments.SURVEY
    unlocked = Written(kept.sqlite, kept.postgresql.replace(" FOR UPDATE", ""))
    monkeypatch.setattr(segments, "SURVEY", unlocked)
    with pytest.raises(AssertionError, match="none of these"):
        race(on_postgresql(), 50)
