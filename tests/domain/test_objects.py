"""Ids of Objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from tams.domain.objects import new_object_ids

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_new_ids_are_uuids_of_their_time_and_no_two_are_the_same() -> None:
    ids = [UUID(each) for each in new_object_ids(1000, NOON)]
    assert {(each.version, each.variant) for each in ids} == {(7, RFC_4122)}
    assert {each.int >> 80 for each in ids} == {int(NOON.timestamp() * 1000)}
    assert len({each.int & (1 << 62) - 1 for each in ids}) == 1000


def test_new_ids_follow_each_other_and_those_of_before() -> None:
    before, ids = new_object_ids(9, NOON), new_object_ids(1000, NOON + timedelta(milliseconds=1))
    assert [*before, *ids] == sorted({*before, *ids})
