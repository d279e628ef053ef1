"""What is remembered of deletions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tams.domain.timerange import TimeRange
from tams.domain.trash import Affected, Count
from tams.errors import Invalid
from tests.catalogue.building import (
    add_records,
    at,
    list_records,
    make_record,
    new_id,
)


async def test_a_record_keeps_all_that_is_known_of_it(catalogue):
    affected = Affected(
        flow_ids=(new_id(), new_id()),
        source_id=new_id(),
        segments=Count(1000, more=True),
        timerange=TimeRange.parse("[0:0_5:0]"),
        object_id="an object",
    )
    record = make_record(
        kind="segments", principal="eve", soft=False, cascade=False, state="deleted"
    )
    [key] = await add_records(catalogue, record)
    assert (await list_records(catalogue)).items == [record]
    await catalogue.write(lambda tx: tx.records.describe(key, affected))
    assert (await list_records(catalogue)).items == [replace(record, affected=affected)]


async def test_records_are_listed_page_by_page_the_newest_first(catalogue):
    records = [make_record(deleted_at=at(second)) for second in (3, 1, 2, 2)]
    await add_records(catalogue, *records)
    found, page = [], await list_records(catalogue, 1)
    while page.next_key is not None:
        found += page.items
        page = await list_records(catalogue, 1, key=page.next_key)
    found += page.items
    assert [each.deleted_at for each in found] == [at(3), at(2), at(2), at(1)]
    assert {each.id for each in found} == {each.id for each in records}
    reverse = await list_records(catalogue, reverse=True)
    assert [each.id for each in reverse.items] == [each.id for each in reversed(found)]
    with pytest.raises(Invalid, match="page"):
        await list_records(catalogue, key="nothing")


async def test_the_latest_deletion_that_can_be_taken_back_is_found(catalogue):
    one = new_id()
    records = [
        make_record(one),
        make_record(one, deleted_at=at(1)),
        make_record(one, soft=False, state="deleted"),
        make_record(one, kind="source"),
        make_record(),
    ]
    keys = await add_records(catalogue, *records)

    async def latest(tx):
        return await tx.records.lock("flow", one)

    kept = await catalogue.write(latest)
    assert kept == (keys[1], records[1])
    await catalogue.write(lambda tx: tx.records.settle(kept, "restored", at(9)))
    assert (await catalogue.write(latest)) == (keys[0], records[0])
    settled = {each.id: each for each in (await list_records(catalogue)).items}[records[1].id]
    assert settled == replace(records[1], state="restored", settled=at(9))
    assert await catalogue.write(lambda tx: tx.records.lock("flow", new_id())) is None


async def test_the_oldest_deletion_that_can_be_taken_back_is_found(catalogue):
    records = [make_record(deleted_at=at(second)) for second in (2, 1, 3)]
    gone = make_record(deleted_at=at(0), state="deleted", soft=False)
    keys = await add_records(catalogue, gone, *records)

    async def oldest(seconds):
        return await catalogue.write(lambda tx: tx.records.lock_oldest(at(seconds)))

    assert await oldest(1) is None
    assert await oldest(1.5) == (keys[2], records[1])
    assert await oldest(100) == (keys[2], records[1])
