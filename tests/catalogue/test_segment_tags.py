"""Tags of Segments: found by the engine, and gone with their Segments."""

from __future__ import annotations

import pytest

from tams.catalogue.sql.statements import Written
from tams.domain.pages import PageRequest
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.tags import TagFilter
from tams.domain.timerange import SECOND, TimeRange
from tests.catalogue.building import (
    add_flows,
    at,
    delete_segments,
    make_flow,
    new_id,
    page_of,
    register,
    remove_flow,
)

TAGS = [
    {"kind": "goal", "of": ("red", "blue")},
    {},
    {"kind": "foul"},
    {"kind": "goal"},
    {"of": ("red",), "kind": ("goal", "foul")},
    {},
]


async def tagged(catalogue, tags=TAGS):
    """A Flow with a Segment of one second for each of these tags."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    await register(catalogue, flow.id, *(f"[{n}:0_{n + 1}:0)" for n in range(len(tags))))
    await set_tags(catalogue, flow.id, {n * SECOND: those for n, those in enumerate(tags) if those})
    return flow.id


async def set_tags(catalogue, flow_id, tags):
    async def work(tx):
        await tx.segment_tags.replace(await tx.flows.lock(flow_id), tags)

    await catalogue.write(work)


async def get_tags(catalogue, flow_id):
    """By second, the tags that Segments have."""
    starts = [second * SECOND for second in range(len(TAGS))]
    found = await catalogue.read(lambda tx: tx.segment_tags.get(flow_id, starts))
    return {start // SECOND: tags for start, tags in found.items()}


async def seconds(catalogue, flow_id, equals=None, exists=None, *, within="_", limit=100, **asked):
    """The seconds of one page of the Segments that pass, and the key of the next page."""
    wanted = TagFilter(equals or {}, exists or {})
    query = SegmentQuery(TimeRange.parse(within), asked.pop("object_id", None), wanted)
    request = PageRequest(limit=limit, **asked)
    page = await catalogue.read(lambda tx: tx.segments.list(flow_id, query, request))
    return [Segment(*one).start // SECOND for one in page.items], page.next_key


async def test_tags_are_given_back_and_replaced(catalogue):
    flow_id = await tagged(catalogue)
    assert await get_tags(catalogue, flow_id) == {n: those for n, those in enumerate(TAGS) if those}
    await set_tags(
        catalogue, flow_id, {0: {"new": "one"}, SECOND: {"b": ("y", "x")}, 3 * SECOND: {}}
    )
    expected = {0: {"new": "one"}, 1: {"b": ("y", "x")}, 2: TAGS[2], 4: TAGS[4]}
    assert await get_tags(catalogue, flow_id) == expected
    assert await get_tags(catalogue, new_id()) == {}


@pytest.mark.parametrize(
    ("equals", "exists", "found"),
    [
        ({"kind": ("goal",)}, {}, [0, 3, 4]),
        ({"kind": ("foul",)}, {}, [2, 4]),
        ({"kind": ("foul", "goal")}, {}, [0, 2, 3, 4]),
        ({"kind": ("goal",), "of": ("red",)}, {}, [0, 4]),
        ({"of": ("blue", "green"), "kind": ("goal", "none")}, {}, [0]),
        ({}, {"of": True}, [0, 4]),
        ({}, {"of": False}, [1, 2, 3, 5]),
        ({}, {"of": False, "kind": False}, [1, 5]),
        ({"kind": ("goal",)}, {"of": False}, [3]),
        ({}, {"kind": True, "of": False}, [2, 3]),
        ({"kind": ()}, {}, []),
        ({"other": ("goal",)}, {}, []),
        ({}, {"other": False}, [0, 1, 2, 3, 4, 5]),
    ],
)
async def test_filters_choose_by_tags(catalogue, equals, exists, found):
    flow_id = await tagged(catalogue)
    await tagged(catalogue)  # another Flow has the same
    assert await seconds(catalogue, flow_id, equals, exists) == (found, None)
    backwards = await seconds(catalogue, flow_id, equals, exists, reverse=True)
    assert backwards == (found[::-1], None)
    within = await seconds(catalogue, flow_id, equals, exists, within="[2:500000000_4:0)")
    assert within == ([second for second in found if second in (2, 3)], None)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("equals", "exists"),
    [({"kind": ("goal",)}, {}), ({"kind": ("goal", "foul")}, {}), ({}, {"kind": True})],
)
async def test_pages_follow_each_other(catalogue, equals, exists, reverse):
    flow_id = await tagged(catalogue)
    whole, _ = await seconds(catalogue, flow_id, equals, exists, reverse=reverse)
    found, key = [], None
    while True:
        page, key = await seconds(
            catalogue, flow_id, equals, exists, limit=2, key=key, reverse=reverse
        )
        found += page
        assert len(page) == 2 or key is None
        if key is None:
            break
    assert found == whole


async def test_a_filter_goes_with_one_of_objects(catalogue):
    flow_id = await tagged(catalogue)
    ids = [one.object_id for one in (await page_of(catalogue, flow_id)).items]
    for second, object_id in enumerate(ids):
        goal = await seconds(catalogue, flow_id, {"kind": ("goal",)}, object_id=object_id)
        assert goal == ([second] if second in (0, 3, 4) else [], None)
        plain = await seconds(catalogue, flow_id, {}, {"kind": False}, object_id=object_id)
        assert plain == ([second] if second in (1, 5) else [], None)


async def rows(catalogue, flow_key):
    """How many tags a Flow's row still has, gone or not."""
    counted = Written.same("SELECT count(*) FROM segment_tag WHERE flow_pk = ?1")

    async def work(tx):
        return (await tx.segment_tags._connection.fetch(counted, (flow_key,)))[0][0]

    return await catalogue.read(work)


async def key_of(catalogue, flow_id):
    async def work(tx):
        return (await tx.flows.lock(flow_id)).key

    return await catalogue.write(work)


async def test_tags_go_with_deleted_segments_and_with_no_others(catalogue):
    flow_id = await tagged(catalogue)
    await delete_segments(catalogue, flow_id, "[2:0_4:0)")
    await register(catalogue, flow_id, "[2:0_3:0)", "[3:0_4:0)")
    assert await get_tags(catalogue, flow_id) == {0: TAGS[0], 4: TAGS[4]}
    assert (await delete_segments(catalogue, flow_id)).number == 6
    assert await get_tags(catalogue, flow_id) == {}
    assert await rows(catalogue, await key_of(catalogue, flow_id)) == 0


async def test_tags_of_one_work_go_in_the_same_work(catalogue):
    flow_id = await tagged(catalogue, [{}, {}])

    async def work(tx):
        flow = await tx.flows.lock(flow_id)
        await tx.segment_tags.replace(flow, {0: {"a": "b"}})
        await tx.segments.delete(flow, SegmentQuery(TimeRange.parse("_")), at(60))

    await catalogue.write(work)
    assert await get_tags(catalogue, flow_id) == {}


async def test_tags_go_with_their_flow_slice_by_slice(catalogue):
    flow_id = await tagged(catalogue)
    key = await remove_flow(catalogue, flow_id)
    assert await get_tags(catalogue, flow_id) == {}
    left = [await rows(catalogue, key)]
    rest = True
    while rest:
        deleted = await catalogue.write(lambda tx: tx.segments.remove_slice(key, 2))
        left.append(await rows(catalogue, key))
        rest = deleted.rest is not None
    assert left == [8, 5, 3, 0]
