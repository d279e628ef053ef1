from __future__ import annotations

import pytest

from tams.domain.objects import Instance
from tams.domain.pages import Page, PageRequest
from tams.domain.tags import TagFilter
from tams.domain.timerange import TimeRange
from tams.errors import Invalid
from tests.catalogue.building import (
    add_flows,
    allocate,
    at,
    delete_segments,
    get_object,
    make_flow,
    new_id,
    post,
    remove_flow,
    segment_at,
)

ELSEWHERE = Instance(url="https://media.example/object", label="elsewhere")


@pytest.fixture
async def flow(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    return flow.id


async def key_of(catalogue, flow_id, object_id):
    return (await state_of(catalogue, flow_id, object_id)).key


async def state_of(catalogue, flow_id, object_id):
    async def work(tx):
        flow = await tx.flows.lock(flow_id)
        found = await tx.segments.survey(flow, [segment_at(object_id, "[0:0_1:0)")])
        return found.objects.get(object_id)

    return await catalogue.write(work)


async def condemn(catalogue, *keys):
    return len(await catalogue.write(lambda tx: tx.objects.condemn(keys, at(100))))


async def taken(catalogue, *ids):
    return await catalogue.read(lambda tx: tx.objects.taken(ids))


async def claim(catalogue, now):
    jobs = await catalogue.write(lambda tx: tx.jobs.claim(now, at(10_000)))
    return jobs[0] if jobs else None


async def doomed(catalogue, *keys):
    return await catalogue.read(lambda tx: tx.objects.doomed(keys))


async def forget(catalogue, *keys):
    await catalogue.write(lambda tx: tx.objects.forget(keys))


async def test_an_allocated_object_is_taken_but_unknown(catalogue, flow):
    await allocate(catalogue, flow, "o1")
    assert await taken(catalogue, "o1", "o2") == {"o1"}
    assert await get_object(catalogue, "o1") is None
    known = await state_of(catalogue, flow, "o1")
    assert (known.state, known.timerange) == ("allocated", None)


async def test_an_object_knows_when_it_was_made_and_how_large_it_was_measured(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2")
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"), segment_at("o2", "[1:0_2:0)"))
    await catalogue.write(lambda tx: tx.objects.measure({"o1": 5 * 2**30, "none": 7}))
    found = [await get_object(catalogue, name) for name in ("o1", "o2")]
    assert [(one.size, one.created) for one in found] == [(5 * 2**30, at(0)), (None, at(0))]


async def test_an_external_object_is_made_when_it_is_registered(catalogue, flow):
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)", get_urls=(ELSEWHERE,)))
    found = await get_object(catalogue, "o1")
    assert found.created is not None
    assert found.size is None


async def test_an_allocated_object_has_a_place_until_it_is_registered(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2", "o3")

    async def allocated():
        return await catalogue.read(lambda tx: tx.objects.allocated(["o1", "o2", "none"]))

    places = await allocated()
    assert set(places) == {"o1", "o2"}
    assert all(place.storage_id and place.key for place in places.values())
    await post(catalogue, flow, segment_at("o1", "[1:0_2:0]"))
    assert await allocated() == {"o2": places["o2"]}
    await catalogue.write(lambda tx: tx.objects.condemn_expired(at(100_000)))
    assert await allocated() == {}


async def test_a_registered_object_is_known(catalogue, flow):
    await allocate(catalogue, flow, "o1")
    await post(catalogue, flow, segment_at("o1", "[1:0_2:0]", key_frame_count=3))
    found = await get_object(catalogue, "o1")
    assert found.timerange == TimeRange.parse("[1:0_2:0]")
    assert found.key_frame_count == 3
    assert found.first_referenced_by_flow == flow
    assert found.instances == (Instance("disk", "at/o1"),)
    assert (await state_of(catalogue, flow, "o1")).state == "registered"


async def test_the_first_flow_counts_while_it_refers(catalogue, flow):
    other = make_flow()
    await add_flows(catalogue, other)
    await allocate(catalogue, flow, "o1")
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"))
    await post(catalogue, other.id, segment_at("o1", "[0:0_1:0)"))
    assert (await get_object(catalogue, "o1")).first_referenced_by_flow == flow
    await delete_segments(catalogue, flow)
    assert (await get_object(catalogue, "o1")).first_referenced_by_flow is None


async def test_references_are_listed_by_id_in_pages_and_by_tag(catalogue):
    flows = [make_flow(tags={"colour": colour}) for colour in ("red", "blue", "red")]
    await add_flows(catalogue, *flows)
    await allocate(catalogue, flows[0].id, "o1")
    for each in flows:
        await post(catalogue, each.id, segment_at("o1", "[0:0_1:0)"))

    async def referenced(tags=TagFilter(), **request):  # noqa: B008 - it is frozen
        asked = PageRequest(**{"limit": 10, **request})
        return await catalogue.read(lambda tx: tx.objects.referenced_by("o1", tags, asked))

    ids = sorted(each.id for each in flows)
    assert await referenced() == Page(ids)
    first = await referenced(limit=2)
    assert (first.items, first.next_key) == (ids[:2], ids[1])
    assert (await referenced(limit=2, key=first.next_key)).items == ids[2:]
    red = sorted(each.id for each in flows if each.tags["colour"] == "red")
    assert (await referenced(TagFilter({"colour": ("red", "green")}))).items == red
    assert (await referenced(TagFilter(exists={"colour": False}))).items == []
    with pytest.raises(Invalid, match="page"):
        await referenced(key="\0")
    await remove_flow(catalogue, ids[0])
    assert (await referenced()).items == ids[1:]


@pytest.mark.parametrize("way", ["segment", "flow"])
async def test_an_object_without_a_reference_is_condemned_from_that_commit(catalogue, flow, way):
    await allocate(catalogue, flow, "o1")
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"))
    other = make_flow()
    await add_flows(catalogue, other)
    if way == "segment":
        await delete_segments(catalogue, flow)
    else:
        await remove_flow(catalogue, flow)
    assert await get_object(catalogue, "o1") is None
    assert await taken(catalogue, "o1") == {"o1"}
    assert (await state_of(catalogue, other.id, "o1")).state == "condemned"
    decision = await post(catalogue, other.id, segment_at("o1", "[0:0_1:0)"))
    assert decision.accepted == []


async def test_what_is_condemned_gets_a_job_and_is_forgotten(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2", "o3")
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"), segment_at("o2", "[1:0_2:0)"))
    keys = [await key_of(catalogue, flow, name) for name in ("o1", "o2", "o3")]
    deleted = await delete_segments(catalogue, flow, "[0:0_1:0)")
    assert deleted.objects == (keys[0],)
    assert await doomed(catalogue, *keys) == []
    assert await condemn(catalogue, *keys, *keys) == 1
    assert await condemn(catalogue, *keys) == 0
    assert await claim(catalogue, at(99)) is None
    job = await claim(catalogue, at(100))
    assert (job.kind, job.subject) == ("remove_object", keys[0])
    assert await claim(catalogue, at(100)) is None
    assert await doomed(catalogue, *keys) == [(keys[0], (Instance("disk", "at/o1"),), False)]
    await forget(catalogue, *keys)
    assert await taken(catalogue, "o1", "o2", "o3") == {"o2", "o3"}
    assert await doomed(catalogue, *keys) == []
    await allocate(catalogue, flow, "o1")
    assert await key_of(catalogue, flow, "o1") not in keys


async def test_many_are_doomed_and_forgotten_at_once(catalogue, flow):
    names = [f"o{n}" for n in range(5)]
    await allocate(catalogue, flow, *names)
    segments = [segment_at(name, f"[{n}:0_{n + 1}:0)") for n, name in enumerate(names)]
    external = segment_at("x", "[9:0_10:0)", get_urls=(ELSEWHERE,))
    await post(catalogue, flow, *segments, external)
    keys = {name: await key_of(catalogue, flow, name) for name in (*names, "x")}
    await delete_segments(catalogue, flow, "[1:0_20:0)")
    assert await condemn(catalogue, *keys.values()) == 5
    expected = {(keys[name], (Instance("disk", f"at/{name}"),), False) for name in names[1:]}
    assert set(await doomed(catalogue, *keys.values())) == {*expected, (keys["x"], (), False)}
    await forget(catalogue, *(key for name, key in keys.items() if name != "o4"))
    assert await taken(catalogue, *names, "x") == {"o0", "o4"}
    assert await get_object(catalogue, "o0") is not None
    assert [each.key for each in await doomed(catalogue, *keys.values())] == [keys["o4"]]


async def test_an_external_object_leaves_no_bytes_to_remove(catalogue, flow):
    await post(catalogue, flow, segment_at("x", "[0:0_1:0)", get_urls=(ELSEWHERE,)))
    key = await key_of(catalogue, flow, "x")
    await delete_segments(catalogue, flow)
    await condemn(catalogue, key)
    assert await doomed(catalogue, key) == [(key, (), False)]
    await forget(catalogue, key)
    assert await taken(catalogue, "x") == frozenset()


async def test_allocated_objects_expire_unless_registered(catalogue, flow):
    await allocate(catalogue, flow, "o1", "o2", expires=at(10))
    await allocate(catalogue, flow, "o3", expires=at(20))
    await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"))
    key = await key_of(catalogue, flow, "o2")

    async def expire(now):
        return await catalogue.write(lambda tx: tx.objects.condemn_expired(now))

    assert [await expire(at(9)), await expire(at(10)), await expire(at(10))] == [0, 1, 0]
    assert (await state_of(catalogue, flow, "o2")).state == "condemned"
    assert (await claim(catalogue, at(10))).subject == key
    assert (await get_object(catalogue, "o1")) is not None
    assert (await state_of(catalogue, flow, "o3")).state == "allocated"


async def test_an_object_allocated_for_a_flow_that_was_made_anew_is_not_its(catalogue, flow):
    await allocate(catalogue, flow, "o1")
    await remove_flow(catalogue, flow)
    await add_flows(catalogue, make_flow(id=flow))
    decision = await post(catalogue, flow, segment_at("o1", "[0:0_1:0)"))
    assert "another Flow" in decision.refused[0].reason


async def test_an_unknown_object_is_nowhere(catalogue):
    assert await get_object(catalogue, new_id()) is None
    assert await condemn(catalogue, 12345) == 0
    assert await doomed(catalogue, 12345) == []
    await forget(catalogue, 12345)
