"""Rows of the vendor's inventory about Sources, Flows and Objects, on the standard's paths."""

from __future__ import annotations

import pytest

from tams.conformance.media import object_path, store
from tams.conformance.server import flow_body, new_id, query
from tests.ledger import ledger
from tests.official import MISSING, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO, AUDIO = "urn:x-nmos:format:video", "urn:x-nmos:format:audio"


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


def ensure_valid(schema, value):
    """Fail unless a value is what the official document says."""
    official = document()
    if official is None:
        pytest.skip(MISSING)
    assert list(official.differences({"$ref": f"schemas/{schema}.json"}, value)) == []


async def sources_labelled(server, *formats, **tags):
    """New Sources of one new label, and that label."""
    label = new_id()
    bodies = [{"label": label, "format": content, "tags": tags} for content in formats]
    made = (await server.post("/sources/batch", bodies)).is_status(201).json
    return [source["id"] for source in made], label


async def test_a029_sources_are_listed_by_label_and_format(server):
    (film, sound), label = await sources_labelled(server, VIDEO, AUDIO)
    await sources_labelled(server, VIDEO)
    assert set(await server.ids("/sources", label=label)) == {film, sound}
    assert await server.ids("/sources", label=label, format=AUDIO) == [sound]
    assert await server.ids("/sources", label=label, format="urn:x-nmos:format:data") == []
    (await server.get("/sources?format=film")).is_status(400)


async def test_a030_and_by_tags_all_together(server):
    mark = new_id()
    (red, _), label = await sources_labelled(server, VIDEO, AUDIO, mark=mark, colour="red")
    (blue,), _ = await sources_labelled(server, VIDEO, mark=mark, colour="blue", shape="round")
    of_mark = {"tag.mark": mark}
    assert await server.ids("/sources", {**of_mark, "tag.colour": "blue"}) == [blue]
    assert blue not in await server.ids("/sources", {**of_mark, "tag_exists.shape": "false"})
    assert await server.ids("/sources", {**of_mark, "tag_exists.shape": "true"}) == [blue]
    narrow = {**of_mark, "tag.colour": "red", "tag_exists.shape": "false", "label": label}
    assert await server.ids("/sources", narrow, format=VIDEO) == [red]
    (await server.get("/sources?tag_exists.mark=x")).is_status(400)


async def test_a031_a_page_has_100_sources_unless_asked_and_1000_at_most(server):
    ids, label = await sources_labelled(server, *[VIDEO] * 101)
    first = (await server.get(f"/sources?label={label}")).is_status(200)
    assert (len(first.json), first.headers["X-Paging-Limit"]) == (100, "100")
    rest = await server.ids("/sources", label=label, page=first.headers["X-Paging-NextKey"])
    assert {*rest, *(one["id"] for one in first.json)} == set(ids)
    most = (await server.get("/sources?limit=5000")).is_status(200)
    assert most.headers["X-Paging-Limit"] == "1000"
    for wrong in ("limit=0", "limit=x", "page=x"):
        (await server.get(f"/sources?{wrong}")).is_status(400)


async def test_a033_one_source_is_read_and_an_unknown_one_is_not_found(server):
    source = (await server.post("/sources", {"format": VIDEO, "label": "x"})).json
    assert await server.read(f"/sources/{source['id']}") == source
    unknown = new_id()
    refusal = (await server.get(f"/sources/{unknown}")).is_status(404).json
    assert refusal["detail"] == f"there is no Source {unknown}"


async def test_a038_a041_a042_l08_tags_are_read_set_and_removed(server):
    (source_id,), _ = await sources_labelled(server, VIDEO, colour="red")
    flow = await server.flow(tags={"colour": "red"})
    for path in (f"/sources/{source_id}/tags", f"/flows/{flow['id']}/tags"):
        assert await server.read(path) == {"colour": "red"}
        await server.set(f"{path}/shape", "round")
        await server.set(f"{path}/colour", "blue")
        assert await server.read(path) == {"colour": "blue", "shape": "round"}
        assert await server.read(f"{path}/colour") == "blue"
        await server.unset(f"{path}/colour")
        (await server.get(f"{path}/colour")).is_status(404)
        assert await server.read(path) == {"shape": "round"}
        (await server.put(f"{path}/shape", 5)).is_status(400)
        assert await server.read(path) == {"shape": "round"}
    unknown = f"/sources/{new_id()}/tags"
    (await server.get(unknown)).is_status(404)
    (await server.put(f"{unknown}/a", "b")).is_status(404)
    (await server.delete(f"{unknown}/a")).is_status(404)


@pytest.mark.parametrize("name", ["label", "description"])
async def test_a043_words_of_a_source_are_read_set_and_removed(server, name):
    (source_id,), _ = await sources_labelled(server, VIDEO)
    path = f"/sources/{source_id}/{name}"
    await server.set(path, "words")
    assert await server.read(path) == "words"
    assert (await server.read(f"/sources/{source_id}"))[name] == "words"
    (await server.put(path, 5)).is_status(400)
    assert await server.read(path) == "words"
    await server.unset(path)
    assert name not in await server.read(f"/sources/{source_id}")
    unknown = f"/sources/{new_id()}/{name}"
    (await server.get(unknown)).is_status(404)
    (await server.put(unknown, "x")).is_status(404)
    (await server.delete(unknown)).is_status(404)


async def test_a070_flows_are_listed_by_what_they_are(server):
    flow = await server.flow(label="x", tags={"colour": "red"})
    await server.segment(flow["id"], "[5:0_6:0)")
    mine = {"source_id": flow["source_id"]}
    other = await server.flow(**mine)
    passing = {
        "timerange": "[5:0_5:1)", "label": "x", "tag.colour": "red", "tag_exists.colour": "true",
    }  # fmt: skip
    shared = {
        "format": VIDEO, "codec": flow["codec"], "frame_width": "1920", "frame_height": "1080",
    }  # fmt: skip
    for name, value in passing.items():
        assert await server.ids("/flows", {**mine, name: value}) == [flow["id"]], name
    for name, value in shared.items():
        found = await server.ids("/flows", {**mine, name: value})
        assert set(found) == {flow["id"], other["id"]}, name
    for name, value in (
        ("format", AUDIO), ("codec", "video/x"), ("frame_width", "1"), ("frame_height", "1"),
        ("timerange", "[7:0_8:0)"), ("label", "y"), ("tag.colour", "blue"),
    ):  # fmt: skip
        assert await server.ids("/flows", {**mine, name: value}) == [], name
    first = await server.get("/flows" + query(mine, limit="1"))
    rest = await server.ids("/flows", mine, limit="1", page=first.headers["X-Paging-NextKey"])
    assert {rest[0], first.json[0]["id"]} == {flow["id"], other["id"]}
    for wrong in ("codec=x", "frame_width=x", "timerange=x", "source_id=x", "limit=0"):
        (await server.get(f"/flows?{wrong}")).is_status(400)


async def test_a071_one_flow_is_read_with_the_time_that_is_asked_for(server):
    flow = await server.flow()
    path = f"/flows/{flow['id']}"
    assert await server.read(path) == flow
    await server.segments(flow["id"], ["[0:0_1:0)", "[5:0_6:0)"])
    assert (await server.read(f"{path}?include_timerange=true"))["timerange"] == "[0:0_6:0)"
    narrow = await server.read(f"{path}?include_timerange=true&timerange=[4:0_9:0)")
    assert narrow["timerange"] == "[5:0_6:0)"
    assert "timerange" not in await server.read(path)
    refusal = (await server.get(f"/flows/{new_id()}")).is_status(404).json
    assert refusal["detail"].startswith("there is no Flow")


async def test_a076_a_read_only_flow_is_not_changed_but_for_being_so(server):
    member = await server.flow()
    flow = await server.flow(label="x", tags={"a": "b"}, max_bit_rate=1, avg_bit_rate=1)
    path = f"/flows/{flow['id']}"
    await server.segment(flow["id"], "[0:0_1:0)")
    await server.set(f"{path}/read_only", True)
    assert await server.read(f"{path}/read_only") is True
    before = await kept(server)
    properties = ("tags/a", "label", "description", "max_bit_rate", "avg_bit_rate")
    values = dict(zip(properties, ("c", "y", "y", 2, 2), strict=True))
    values["flow_collection"] = [{"id": member["id"]}]
    answers = [await server.put(f"{path}/{name}", value) for name, value in values.items()]
    answers += [await server.delete(f"{path}/{name}") for name in (*values, "segments")]
    answers += [await server.put(path, flow), await server.delete(path)]
    answers += [await server.post(f"{path}/storage", {"limit": 1})]
    answers += [await server.post(f"{path}/segments", {"object_id": "x", "timerange": "[1:0_2:0)"})]
    for answer in answers:
        assert "read-only" in answer.is_status(403).json["detail"]
    assert await kept(server) == before
    await server.set(f"{path}/read_only", False)
    await server.set(f"{path}/label", "y")


@pytest.mark.parametrize("name", ["max_bit_rate", "avg_bit_rate"])
async def test_a079_l09_a_bit_rate_is_read_set_and_removed(server, name):
    posted = (await server.post("/flows", {"name": "x", name: 9000})).is_status(201).json
    put = await server.flow(**{name: 9000})
    for flow in (posted, put):
        path = f"/flows/{flow['id']}"
        assert flow[name] == 9000
        assert await server.read(f"{path}/{name}") == 9000
        await server.set(f"{path}/{name}", 7000)
        assert (await server.read(path))[name] == 7000
        for wrong in ("7000", -1, 1.5):
            (await server.put(f"{path}/{name}", wrong)).is_status(400)
        assert await server.read(f"{path}/{name}") == 7000
        await server.unset(f"{path}/{name}")
        assert name not in await server.read(path)


async def test_a080_a_flow_collection_is_read_set_and_removed(server):
    members = [await server.flow(), await server.flow("audio")]
    path = f"/flows/{(await server.flow('multi'))['id']}/flow_collection"
    items = [{"id": flow["id"], "role": role} for flow, role in zip(members, "ab", strict=True)]
    items[0]["container_mapping"] = {"track_index": 0}
    await server.set(path, items[::-1])
    assert await server.read(path) == items[::-1]
    before = await kept(server)
    for wrong in ([{"id": new_id()}], [{"id": "x"}], [5], {}, [items[0], items[0]]):
        (await server.put(path, wrong)).is_status(400)
    assert await kept(server) == before
    await server.unset(path)
    assert await server.read(path) == []
    (await server.get(f"/flows/{new_id()}/flow_collection")).is_status(404)


async def test_l12_a_flow_keeps_its_versions_generation_and_times(server):
    given = {"metadata_version": "mine", "generation": 3, "segment_duration": {"numerator": 2}}
    flow = await server.flow(**given)
    path = f"/flows/{flow['id']}"
    assert {name: flow[name] for name in given} == given
    assert flow["metadata_updated"] == flow["created"]
    assert "segments_updated" not in flow
    await server.later()
    await server.segment(flow["id"], "[0:0_1:0)")
    fed = await server.read(path)
    assert fed["segments_updated"] > flow["created"]
    assert fed | flow == fed
    await server.later()
    await server.set(f"{path}/label", "new")
    changed = await server.read(path)
    assert changed["metadata_updated"] > fed["segments_updated"]
    assert changed["metadata_version"] != "mine"
    assert "updated" not in changed


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "{0:0_1:0)", "0_1", "[1:0_0:0)", "[0:0_1:1000000000)", "[00:0_1:0)", "[0:0 1:0)",
     "[00:00:00.000,00:05:00.000)", "2025-08-23T14:00:00Z/2025-08-23T14:05:00Z"],
)  # fmt: skip
async def test_l14_what_is_no_timerange_is_refused(server, wrong):
    flow_id = (await server.flow())["id"]
    [allocated] = await server.allocate(flow_id)
    before = await kept(server)
    post = {"object_id": allocated["object_id"], "timerange": wrong}
    (await server.post(f"/flows/{flow_id}/segments", post)).is_status(400)
    assert await kept(server) == before
    (await server.post(f"/flows/{flow_id}/segments", post | {"timerange": "0:0_1:0"})).is_status(
        201
    )


@pytest.mark.parametrize(
    "wrong",
    [{"codec": "h264"}, {"codec": "video/"}, {"container": "mp4"}, {"container": "a/b/c"},
     {"source_id": "x"}, {"source_id": "8A3F9C1E-6A52-4B4C-9F0E-111111111111"},
     {"source_id": "8a3f9c1e-6a52-0b4c-9f0e-111111111111"}],
)  # fmt: skip
async def test_l15_ids_and_mime_types_are_held_to_their_patterns(server, wrong):
    body = flow_body(**wrong)
    before = await kept(server)
    [name] = wrong
    for answer in (
        await server.put(f"/flows/{body['id']}", body),
        await server.post("/flows", body),
    ):
        assert answer.is_status(400).json["summary"].startswith(name)
    assert await kept(server) == before
    (await server.get("/flows/8A3F9C1E-6A52-4B4C-9F0E-111111111111")).is_status(404)


async def test_a140_a141_a146_l11_an_object_tells_who_refers_to_it_and_who_was_first(server):
    first, second = [(await server.flow())["id"] for _ in range(2)]
    [allocated] = await server.allocate(first)
    object_id = allocated["object_id"]
    path = object_path(object_id)
    (await server.get(path)).is_status(404)
    await server.segment(first, "[0:0_1:0)", object_id=object_id)
    found = await server.read(path)
    assert (found["id"], found["referenced_by_flows"]) == (object_id, [first])
    assert found["first_referenced_by_flow"] == first
    assert not {"object_id", "flow_references"} & set(found)
    await server.segment(second, "[0:0_1:0)", object_id=object_id)
    found = await server.read(path)
    assert set(found["referenced_by_flows"]) == {first, second}
    assert found["first_referenced_by_flow"] == first
    ensure_valid("object", found)
    (await server.delete(f"/flows/{first}")).is_status(204)
    found = await server.read(path)
    assert found["referenced_by_flows"] == [second]
    assert "first_referenced_by_flow" not in found
    (await server.get(object_path(new_id()))).is_status(404)


async def test_l10_each_of_the_get_urls_says_where_it_leads(server):
    flow_id = (await server.flow())["id"]
    object_id = await store(server, flow_id, "[0:0_1:0)")
    [segment] = await server.read(f"/flows/{flow_id}/segments?verbose_storage=true")
    found = await server.read(f"{object_path(object_id)}?verbose_storage=true")
    backend = (await server.read("/service/storage-backends"))[0]
    for [url] in (segment["get_urls"], found["get_urls"]):
        for name in ("store_type", "provider", "store_product", "region", "label"):
            assert url[name] == backend[name]
        assert (url["storage_id"], url["controlled"], url["presigned"]) == (
            backend["id"], True, True,
        )  # fmt: skip
        assert url["url"].startswith(server.base)
    ensure_valid("flow-segment", segment)
    ensure_valid("object", found)
