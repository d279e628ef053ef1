from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tams.domain.objects import Instance
from tams.domain.registration import decide
from tams.domain.segments import Segment
from tams.domain.timerange import EMPTY, LIMIT, SECOND, TimeRange
from tams.errors import Invalid
from tests.catalogue.building import (
    NOON,
    add_flows,
    allocate,
    at,
    delete_segments,
    get_flow,
    get_object,
    make_flow,
    new_id,
    page_of,
    post,
    register,
    remove_flow,
    segment_at,
)

ELSEWHERE = Instance(url="https://media.example/object", label="elsewhere")


@pytest.fixture
async def flow(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    return flow.id


def times(page):
    return [str(segment.timerange) for segment in page.items]


async def survey(catalogue, flow_id, *posts):
    async def work(tx):
        return await tx.segments.survey(await tx.flows.lock(flow_id), posts)

    return await catalogue.write(work)


async def test_a_segment_comes_back_as_it_was_registered(catalogue, flow):
    await allocate(catalogue, flow, "o1")
    new = segment_at(
        "o1",
        "[10:0_11:0]",
        ts_offset=3 * SECOND,
        object_timerange=TimeRange.parse("[6:0_9:0)"),
        last_duration=40,
        sample_offset=5,
        sample_count=6,
        key_frame_count=7,
    )
    decision = await post(catalogue, flow, new)
    assert decision.refused == []
    (segment,) = (await page_of(catalogue, flow)).items
    assert segment == Segment(
        10 * SECOND, 11 * SECOND + 1, True, "o1", 3 * SECOND, 40, 5, 6,
        6 * SECOND, 9 * SECOND, False, 7, "disk", "at/o1", None,
    )  # fmt: skip
    assert str(segment.timerange) == "[10:0_11:0]"
    assert (await get_flow(catalogue, flow)).segments_updated == NOON


async def test_times_at_the_limits_are_kept(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2")
    first = TimeRange(-LIMIT, -LIMIT + 1)
    last = TimeRange(LIMIT, LIMIT + 1)
    await post(catalogue, flow, segment_at("o1", str(first)), segment_at("o2", str(last)))
    assert times(await page_of(catalogue, flow)) == [str(first), str(last)]


async def test_an_external_object_is_made_with_its_segment(catalogue, flow):
    posts = [segment_at("x", "[0:0_1:0)", get_urls=(ELSEWHERE, Instance(url="https://b.example")))]
    posts.append(segment_at("x", "[5:0_6:0)", ts_offset=5 * SECOND))
    posts.append(segment_at("y", "[1:0_2:0)", get_urls=(ELSEWHERE,)))
    decision = await post(catalogue, flow, *posts)
    assert decision.refused == []
    first, second, third = (await page_of(catalogue, flow)).items
    assert first.others == third.others == (ELSEWHERE, Instance(url="https://b.example"))
    assert second.instances == (ELSEWHERE,)
    assert (await get_object(catalogue, "x")).instances == first.instances


async def test_a_survey_knows_objects_and_neighbours(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2")
    await post(catalogue, flow, segment_at("o1", "[5:0_6:0)"))
    found = await survey(
        catalogue,
        flow,
        segment_at("o1", "[0:0_5:0)"),
        segment_at("o2", "[0:0_5:0]"),
        segment_at("unknown", "[90:0_91:0)"),
        segment_at("unknown", "_"),
    )
    assert {name: known.state for name, known in found.objects.items()} == {
        "o1": "registered",
        "o2": "allocated",
    }
    assert found.objects["o1"].timerange == TimeRange.parse("[5:0_6:0)")
    assert found.objects["o2"].timerange is None
    assert [(each.start, each.end, each.object_id) for each in found.neighbours] == [
        (5 * SECOND, 6 * SECOND, "o1")
    ]
    nothing = await survey(catalogue, flow, segment_at("o2", "[0:0_5:0)"))
    assert not nothing.neighbours


async def test_a_survey_finds_each_neighbour_once_by_start(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2", "o3", "o4")
    for name, timerange in (("o3", "[9:0_10:0)"), ("o1", "[1:0_2:0)"), ("o2", "[5:0_6:0)")):
        await post(catalogue, flow, segment_at(name, timerange))
    asked = ("[9:0_11:0)", "[3:0_4:0)", "[2:0_3:0)", "[20:0_21:0)")
    found = await survey(catalogue, flow, *(segment_at("o4", each) for each in asked))
    assert [each.object_id for each in found.neighbours] == ["o1", "o3"]


async def test_only_segments_that_overlap_are_listed(catalogue, flow):
    await register(catalogue, flow, "[0:0_10:0)", "[10:0_20:0)", "[30:0_40:0)")
    for asked, expected in (
        ("[5:0_10:0)", ["[0:0_10:0)"]),
        ("[5:0_10:0]", ["[0:0_10:0)", "[10:0_20:0)"]),
        ("[20:0_30:0)", []),
        ("[19:999999999_30:0]", ["[10:0_20:0)", "[30:0_40:0)"]),
        ("[35:0_", ["[30:0_40:0)"]),
        ("_10:0)", ["[0:0_10:0)"]),
        ("()", []),
        ("_", ["[0:0_10:0)", "[10:0_20:0)", "[30:0_40:0)"]),
    ):
        assert times(await page_of(catalogue, flow, asked)) == expected
        backwards = await page_of(catalogue, flow, asked, reverse=True)
        assert times(backwards) == expected[::-1]


@pytest.mark.parametrize("reverse", [False, True])
async def test_pages_follow_each_other(catalogue, flow, reverse):
    await register(catalogue, flow, *(f"[{n}:0_{n + 1}:0)" for n in range(7)))
    found, key = [], None
    while True:
        asked = "[1:500000000_6:0)"
        page = await page_of(catalogue, flow, asked, limit=2, key=key, reverse=reverse)
        found.append(times(page))
        key = page.next_key
        if key is None:
            break
    forwards = [f"[{n}:0_{n + 1}:0)" for n in range(1, 6)]
    assert [each for page in found for each in page] == (forwards[::-1] if reverse else forwards)
    assert [len(page) for page in found] == [2, 2, 1]


@pytest.mark.parametrize(
    "key",
    ["", "x", "5", "s", "s1.5", "s\uff19", "s99999999999999999999", "s-9223372036854775808"],
)
async def test_a_foreign_page_key_is_refused(catalogue, flow, key):
    with pytest.raises(Invalid, match="page"):
        await page_of(catalogue, flow, key=key)


async def test_segments_of_one_object(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2")
    await post(
        catalogue,
        flow,
        segment_at("o1", "[0:0_1:0)"),
        segment_at("o2", "[1:0_2:0)"),
        segment_at("o1", "[2:0_3:0)", ts_offset=2 * SECOND),
    )
    assert times(await page_of(catalogue, flow, object_id="o1")) == ["[0:0_1:0)", "[2:0_3:0)"]
    page = await page_of(catalogue, flow, "[1:0_", object_id="o1", limit=1)
    assert (times(page), page.next_key) == (["[2:0_3:0)"], None)
    assert times(await page_of(catalogue, flow, object_id="unknown")) == []


@pytest.mark.parametrize("object_id", [None, "there"])
@pytest.mark.parametrize("reverse", [False, True])
async def test_a_page_leaves_out_what_nobody_asked_for(catalogue, flow, reverse, object_id):
    await allocate(catalogue, flow, "here")
    here = segment_at("here", "[0:0_1:0)", ts_offset=5, sample_count=6, key_frame_count=7)
    there = segment_at("there", "[1:0_2:0]", get_urls=(ELSEWHERE,))
    await post(catalogue, flow, here, there)
    asked = {"reverse": reverse, "object_id": object_id}
    whole = await page_of(catalogue, flow, **asked)
    assert all(segment.instances for segment in whole.items)
    for part, fields in {
        "with_places": ("storage_id", "key", "others"),
        "with_object": ("object_start", "object_end", "object_end_inclusive"),
    }.items():
        rest = [each._replace(**dict.fromkeys(fields)) for each in whole.items]
        assert (await page_of(catalogue, flow, parts={part: False}, **asked)).items == rest


async def test_an_unknown_flow_has_no_segments(catalogue):
    assert list((await page_of(catalogue, new_id())).items) == []


async def test_a_work_sees_its_own_segments(catalogue, flow):
    posts = [segment_at("x", "[0:0_1:0)", get_urls=(ELSEWHERE,))]

    async def work(tx):
        locked = await tx.flows.lock(flow)
        decision = decide(locked, posts, await tx.segments.survey(locked, posts), frozenset())
        await tx.segments.add(locked, decision.accepted, NOON)
        return await tx.segments.survey(locked, posts)

    found = await catalogue.write(work)
    assert found.objects["x"].state == "registered"
    assert found.neighbours[0].object_id == "x"


async def test_of_two_works_at_once_one_meets_the_other(catalogue, flow):
    """Without the Flow's lock both would find the place free."""
    names = [f"o{n}" for n in range(20)]
    await allocate(catalogue, flow, *names)
    decisions = await asyncio.gather(
        *(
            post(catalogue, flow, segment_at(name, f"[{n}:0_{n + 5}:0)"))
            for n, name in enumerate(names)
        )
    )
    kept = (await page_of(catalogue, flow)).items
    assert len(kept) == sum(len(decision.accepted) for decision in decisions)
    assert 0 < len(kept) < 20
    assert all(one.end <= two.start for one, two in pairwise(kept))


async def test_one_object_is_registered_once_by_two_flows_at_once(catalogue, flow):
    """An external Object that two requests bring at once is made by one of them."""
    other = make_flow()
    await add_flows(catalogue, other)
    new = segment_at("x", "[0:0_1:0)", get_urls=(ELSEWHERE,))
    decisions = await asyncio.gather(post(catalogue, flow, new), post(catalogue, other.id, new))
    assert sorted(len(decision.accepted) for decision in decisions) == [0, 1]


async def test_deleting_takes_what_lies_within(catalogue, flow):
    await register(catalogue, flow, *(f"[{n}:0_{n + 1}:0)" for n in range(6)))
    deleted = await delete_segments(catalogue, flow, "[0:500000000_4:0)")
    assert (deleted.number, str(deleted.timerange)) == (3, "[1:0_4:0)")
    assert len(deleted.objects) == 3
    assert times(await page_of(catalogue, flow)) == ["[0:0_1:0)", "[4:0_5:0)", "[5:0_6:0)"]
    assert (await get_flow(catalogue, flow)).segments_updated == at(60)


async def test_deleting_is_limited_and_keeps_the_marker(catalogue, flow):
    await register(catalogue, flow, "[0:0_1:0)", "[1:0_2:0)", "[3:0]")
    first = await delete_segments(catalogue, flow, limit=2)
    assert (first.number, str(first.timerange)) == (2, "[0:0_2:0)")
    last = await delete_segments(catalogue, flow, limit=2)
    assert (last.number, str(last.timerange)) == (1, "[3:0]")


async def test_deleting_nothing_changes_nothing(catalogue, flow):
    await register(catalogue, flow, "[0:0_10:0)")
    for asked in ("[1:0_2:0)", "()", "[10:0_"):
        assert await delete_segments(catalogue, flow, asked) == (0, EMPTY, (), None)
    assert (await get_flow(catalogue, flow)).segments_updated == NOON


async def test_deleting_the_segments_of_one_object(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2")
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"), segment_at("o2", "[1:0_2:0)"))
    assert (await delete_segments(catalogue, flow, object_id="o2")).number == 1
    assert times(await page_of(catalogue, flow)) == ["[0:0_1:0)"]


async def test_segments_of_a_removed_flow_go_in_slices(catalogue, flow):
    await register(catalogue, flow, *(f"[{n}:0_{n + 1}:0)" for n in range(5)))
    locked = await catalogue.write(lambda tx: tx.flows.lock(flow))
    spared = await catalogue.write(lambda tx: tx.segments.remove_slice(locked.key, 3))
    assert spared.number == 0
    key = await remove_flow(catalogue, flow)
    assert list((await page_of(catalogue, flow)).items) == []
    slices = [await catalogue.write(lambda tx: tx.segments.remove_slice(key, 3)) for _ in range(3)]
    assert [each.number for each in slices] == [3, 2, 0]
    assert len({key for each in slices for key in each.objects}) == 5


async def test_a_slice_of_a_removed_flow_begins_where_it_is_told(catalogue, flow):
    await register(catalogue, flow, *(f"[{n}:0_{n + 1}:0)" for n in range(4)))
    key = await remove_flow(catalogue, flow)
    slice_ = await catalogue.write(lambda tx: tx.segments.remove_slice(key, 1, 2 * 10**9))
    assert (slice_.timerange.start, slice_.rest) == (2 * 10**9, 3 * 10**9)
    left = await catalogue.write(lambda tx: tx.segments.remove_slice(key))
    assert left.number == 3
