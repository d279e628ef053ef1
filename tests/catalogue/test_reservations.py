"""Objects that are allocated for bytes on their way: kept meanwhile, named at last, given up."""

from __future__ import annotations

from tests.catalogue.building import (
    add_flows,
    allocate,
    at,
    get_object,
    make_flow,
    post,
    segment_at,
)


async def allocated(catalogue, *object_ids):
    """A Flow with these Objects."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    await allocate(catalogue, flow.id, *object_ids, expires=at(10))
    return flow.id


async def expired(catalogue, moment):
    return await catalogue.write(lambda tx: tx.objects.condemn_expired(moment))


async def test_what_is_prolonged_expires_later(catalogue):
    await allocated(catalogue, "a", "b")
    await catalogue.write(lambda tx: tx.objects.prolong(["a", "none"], at(100)))
    assert await expired(catalogue, at(50)) == 1
    assert set(await catalogue.read(lambda tx: tx.objects.allocated(["a", "b"]))) == {"a"}
    assert await expired(catalogue, at(100)) == 1


async def test_what_is_registered_or_condemned_is_not_prolonged(catalogue):
    flow_id = await allocated(catalogue, "a", "b")
    await post(catalogue, flow_id, segment_at("a", "[0:0_1:0)"))
    assert await expired(catalogue, at(50)) == 1
    await catalogue.write(lambda tx: tx.objects.prolong(["a", "b"], at(100)))
    assert await expired(catalogue, at(1000)) == 0
    assert await catalogue.read(lambda tx: tx.objects.allocated(["a", "b"])) == {}


async def test_an_object_gets_its_name_and_keeps_its_key(catalogue):
    flow_id = await allocated(catalogue, "a")
    await catalogue.write(lambda tx: tx.objects.rename({"a": "take-1"}))
    assert await catalogue.read(lambda tx: tx.objects.taken(["a", "take-1"])) == {"take-1"}
    decision = await post(catalogue, flow_id, segment_at("take-1", "[0:0_1:0)"))
    assert not decision.refused
    found = await get_object(catalogue, "take-1")
    assert found.instances[0].key == "at/a"
    assert found.content_type == "video/mp2t"
    await catalogue.write(lambda tx: tx.objects.rename({"take-1": "other"}))  # registered by now
    assert await get_object(catalogue, "take-1") == found


async def test_what_is_given_up_is_removed_and_what_is_registered_stays(catalogue):
    flow_id = await allocated(catalogue, "a", "b")
    await post(catalogue, flow_id, segment_at("a", "[0:0_1:0)"))
    keys = await catalogue.write(lambda tx: tx.objects.abandon(["a", "b", "none"], at(5)))
    assert len(keys) == 1
    doomed = await catalogue.read(lambda tx: tx.objects.doomed(keys))
    assert [one.instances[0].key for one in doomed] == ["at/b"]
    jobs = await catalogue.write(lambda tx: tx.jobs.claim(at(5), at(60), limit=9))
    assert [(one.kind, one.subject) for one in jobs] == [("remove_object", key) for key in keys]
    await catalogue.write(lambda tx: tx.objects.forget(keys))
    assert await catalogue.read(lambda tx: tx.objects.taken(["a", "b"])) == {"a"}
    assert (await get_object(catalogue, "a")) is not None
