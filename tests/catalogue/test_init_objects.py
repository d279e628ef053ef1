"""Initialisation Objects: in use as long as a Media Object that is in use names them."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from tams.domain.events import Event
from tams.domain.flows import DataParameters
from tams.domain.objects import InitObject, Instance
from tams.domain.pages import PageRequest
from tams.domain.segments import Segment
from tams.domain.tags import TagFilter
from tams.domain.timerange import TimeRange
from tests.catalogue.building import (
    add_flows,
    allocate,
    at,
    delete_segments,
    get_object,
    make_flow,
    page_of,
    post,
    remove_flow,
    segment_at,
)

ELSEWHERE = Instance(url="https://media.example/object", label="elsewhere")


def fragmented(**known):
    """A Flow whose Media Objects need init Objects."""
    return make_flow(essence_parameters=DataParameters(init_segments=True), **known)


def needing(init_id, object_id, timerange, **known):
    """A Segment of a new Object that needs an init Object."""
    return segment_at(object_id, timerange, init_object_id=init_id, **known)


@pytest.fixture
async def flow(catalogue):
    """A Flow with the Objects `i`, `j`, `a`, `b` and `c` allocated, in this order."""
    flow = fragmented()
    await add_flows(catalogue, flow)
    await allocate(catalogue, flow.id, "i", "j", "a", "b", "c")
    return flow.id


async def survey(catalogue, flow_id, *names):
    async def work(tx):
        flow = await tx.flows.lock(flow_id)
        return await tx.segments.survey(flow, [needing(each, each, "[0:0_1:0)") for each in names])

    return (await catalogue.write(work)).objects


async def state_of(catalogue, flow_id, object_id):
    return (await survey(catalogue, flow_id, object_id))[object_id].state


async def condemn(catalogue, keys):
    return len(await catalogue.write(lambda tx: tx.objects.condemn(keys, at(100))))


async def drop(catalogue, flow_id, timerange="_"):
    """Delete Segments, and condemn what they leave behind; gives the number of those Objects."""
    return await condemn(catalogue, (await delete_segments(catalogue, flow_id, timerange)).objects)


async def claimed(catalogue, now):
    """The keys of all Objects whose bytes are to go by now."""
    found = set()
    while jobs := await catalogue.write(lambda tx: tx.jobs.claim(now, at(10_000), limit=2)):
        found |= {job.subject for job in jobs}
    return found


async def inits_of(catalogue, flow_id):
    return [each.init_object for each in (await page_of(catalogue, flow_id)).items]


async def test_an_allocated_object_becomes_an_init_object(catalogue, flow):
    assert await state_of(catalogue, flow, "i") == "allocated"
    assert await get_object(catalogue, "i") is None
    decision = await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"))
    assert decision.accepted[0].segment.init_object == InitObject("i")
    assert await state_of(catalogue, flow, "i") == "init"
    init = await get_object(catalogue, "i")
    assert (init.timerange, init.init_object) == (None, None)
    assert init.instances == (Instance("disk", "at/i"),)
    media = await get_object(catalogue, "a")
    assert media.timerange == TimeRange.parse("[0:0_1:0)")
    assert media.init_object == InitObject("i", "disk", "at/i")
    known = (await survey(catalogue, flow, "a"))["a"]
    assert (known.state, known.init_object_id) == ("registered", "i")


async def test_a_page_shows_the_init_object_of_each_segment(catalogue, flow):
    plain = make_flow()
    await add_flows(catalogue, plain)
    await allocate(catalogue, plain.id, "p")
    await post(catalogue, plain.id, segment_at("p", "[0:0_1:0)"))
    assert await inits_of(catalogue, plain.id) == [None]
    outside = needing("j", "x", "[3:0_4:0)", get_urls=(ELSEWHERE,))
    decision = await post(
        catalogue,
        flow,
        needing("i", "a", "[0:0_1:0)"),
        needing("i", "b", "[1:0_2:0)"),
        segment_at("a", "[2:0_3:0)", ts_offset=2 * 10**9),
        outside,
    )
    assert not decision.refused
    i, j = InitObject("i", "disk", "at/i"), InitObject("j", "disk", "at/j")
    assert await inits_of(catalogue, flow) == [i, i, i, j]
    (external,) = (await page_of(catalogue, flow, "[3:0_4:0)", reverse=True)).items
    assert (external.instances, external.init_object) == ((ELSEWHERE,), j)
    assert len((await page_of(catalogue, flow, object_id="a")).items) == 2


async def test_other_instances_of_an_init_object_are_shown(catalogue, flow):
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"), needing("j", "b", "[1:0_2:0)"))

    async def add_one(tx):
        held = await tx.instances.lock("i")
        await tx.instances.keep(held, (*held.instances, ELSEWHERE))

    await catalogue.write(add_one)
    more = InitObject("i", "disk", "at/i", (ELSEWHERE,))
    assert await inits_of(catalogue, flow) == [more, InitObject("j", "disk", "at/j")]
    assert (await get_object(catalogue, "a")).init_object == more
    assert (await get_object(catalogue, "i")).instances == (Instance("disk", "at/i"), ELSEWHERE)


async def test_an_init_object_is_condemned_with_the_last_media_object(catalogue, flow):
    await post(
        catalogue,
        flow,
        needing("i", "a", "[0:0_1:0)"),
        needing("i", "b", "[1:0_2:0)"),
        needing("j", "c", "[2:0_3:0)"),
    )
    keys = {name: known.key for name, known in (await survey(catalogue, flow, *"ijabc")).items()}
    assert await drop(catalogue, flow, "[0:0_1:0)") == 1
    assert await state_of(catalogue, flow, "i") == "init"
    assert await drop(catalogue, flow, "[1:0_2:0)") == 2
    assert await get_object(catalogue, "i") is None
    assert await state_of(catalogue, flow, "i") == "condemned"
    assert await state_of(catalogue, flow, "j") == "init"
    assert await claimed(catalogue, at(99)) == set()
    assert await claimed(catalogue, at(100)) == {keys["i"], keys["a"], keys["b"]}
    (doomed,) = await catalogue.read(lambda tx: tx.objects.doomed([keys["i"]]))
    assert doomed.instances == (Instance("disk", "at/i"),)
    assert await catalogue.read(lambda tx: tx.objects.taken(["i"])) == {"i"}
    await catalogue.write(lambda tx: tx.objects.forget([keys["i"]]))
    assert await catalogue.read(lambda tx: tx.objects.taken(["i"])) == frozenset()
    assert await condemn(catalogue, keys.values()) == 0


@pytest.mark.parametrize("way", ["segment", "flow"])
async def test_it_is_unknown_from_the_commit_that_takes_its_media(catalogue, flow, way):
    other = fragmented()
    await add_flows(catalogue, other)
    await allocate(catalogue, other.id, "n")
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"))
    if way == "segment":
        await delete_segments(catalogue, flow)
    else:
        await remove_flow(catalogue, flow)
    assert await get_object(catalogue, "i") is None
    assert await catalogue.read(lambda tx: tx.objects.taken(["i"])) == {"i"}
    decision = await post(catalogue, other.id, needing("i", "n", "[0:0_1:0)"))
    assert decision.refused[0].reason == "init_object_id: there is no Object i; allocate it first"


async def test_re_use_in_another_flow_keeps_the_init_object(catalogue, flow):
    other = fragmented()
    await add_flows(catalogue, other)
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"), needing("i", "b", "[1:0_2:0)"))
    await post(catalogue, other.id, segment_at("a", "[0:0_1:0)"))
    assert await drop(catalogue, flow) == 1
    assert await state_of(catalogue, other.id, "i") == "init"
    assert await inits_of(catalogue, other.id) == [InitObject("i", "disk", "at/i")]
    assert await drop(catalogue, other.id) == 2


async def test_a_removed_flow_gives_its_init_objects_back_with_its_last_segments(catalogue, flow):
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"), needing("i", "b", "[1:0_2:0)"))
    key = await remove_flow(catalogue, flow)
    for number in (1, 2):
        slice_ = await catalogue.write(lambda tx: tx.segments.remove_slice(key, 1))
        assert await condemn(catalogue, slice_.objects) == number


async def test_only_what_initialises_nothing_expires(catalogue, flow):
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"))

    async def expire(tx):
        return await tx.objects.condemn_expired(at(10_000))

    assert await catalogue.write(expire) == 3
    assert [await state_of(catalogue, flow, name) for name in "ija"] == [
        "init",
        "condemned",
        "registered",
    ]


async def test_flows_refer_to_it_by_way_of_their_media(catalogue, flow):
    other = fragmented(tags={"colour": "red"})
    await add_flows(catalogue, other)
    await allocate(catalogue, other.id, "n")
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"), needing("j", "b", "[1:0_2:0)"))
    await post(catalogue, other.id, needing("i", "n", "[0:0_1:0)"), segment_at("a", "[1:0_2:0)"))

    async def referenced(object_id, tags=TagFilter(), limit=10, key=None):  # noqa: B008 - it is frozen
        page = PageRequest(limit=limit, key=key)
        return await catalogue.read(lambda tx: tx.objects.referenced_by(object_id, tags, page))

    both = sorted([flow, other.id])
    assert (await referenced("i")).items == both
    assert (await referenced("j")).items == [flow]
    assert (await referenced("i", TagFilter({"colour": ("red",)}))).items == [other.id]
    first = await referenced("i", limit=1)
    assert (first.items, (await referenced("i", key=first.next_key)).items) == (both[:1], both[1:])
    await remove_flow(catalogue, flow)
    assert (await referenced("i")).items == [other.id]


async def test_events_tell_the_init_objects_of_their_segments(catalogue, flow):
    await post(catalogue, flow, needing("i", "a", "[0:0_1:0)"))
    shown = tuple((await page_of(catalogue, flow)).items)
    assert shown[0].init_object is not None

    async def work(tx):
        locked = await tx.flows.lock(flow)
        told = {"entity_id": flow, "source_id": locked.source_id, "segments": shown}
        await tx.events.append(Event(type="flows/segments_added", **told))

    await catalogue.write(work)
    (event,) = await catalogue.read(lambda tx: tx.events.of(flow))
    assert event.segments == shown


async def test_a_segment_that_was_stored_before_there_were_init_objects_is_read():
    segment = [0, 5, 0, "a", 0, None, None, None, 0, 5, 0, None, "disk", "at/a", None]
    (read,) = TypeAdapter(tuple[Segment, ...]).validate_json(json.dumps([segment]))
    assert (read.object_id, read.key, read.init_object) == ("a", "at/a", None)
