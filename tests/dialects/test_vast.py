"""The vendor's shapes below `/vast`, over what the root serves too."""

from __future__ import annotations

import re
from io import BytesIO

import pytest

from tams.conformance.server import flow_body, new_id
from tests.extensions.forms import HEADERS, declared, file, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO = "urn:x-nmos:format:video"
DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00")


class Vast:
    """A server asked below `/vast`."""

    def __init__(self, server):
        self.server = server

    async def ask(self, method, path, body=None, **how):
        return await self.server.request(method, f"/vast{path}", body, **how)

    async def read(self, path):
        return (await self.ask("GET", path)).is_status(200).json

    async def make(self, path, body):
        return (await self.ask("POST", path, body)).is_status(201).json

    async def source(self, **fields):
        return await self.make("/sources", {"id": new_id(), "format": VIDEO, **fields})

    async def flow(self, **fields):
        body = {"id": new_id(), "format": VIDEO, "codec": "video/mp4", **fields}
        return await self.make("/flows", body)

    async def segment(self, flow_id, timerange="[0:0_10:0)", content=b"media", **fields):
        parts = [declared({"timerange": timerange, **fields}), file(content)]
        path = f"/flows/{flow_id}/segments"
        answer = await self.ask("POST", path, content=BytesIO(written(*parts)), headers=HEADERS)
        return answer.is_status(201).json


@pytest.fixture
def vast(server):
    return Vast(server)


@pytest.mark.parametrize("path", ["/", "/service"])
async def test_a001_a005_the_service_describes_itself_at_the_root_too(vast, path):
    told = await vast.read(path)
    assert told["media_store"] == {"type": "http_object_store"}
    assert told["type"].startswith("urn:x-tams:service:")
    assert told.keys() >= {"name", "description", "api_version", "service_version"}
    assert {"name": "webhooks"} in told["event_stream_mechanisms"]


async def test_a020_a021_a022_a_source_has_times_and_shows_what_is_empty(vast):
    source = await vast.source(label="Camera", description="left")
    assert source["tags"] == {}
    assert source["source_collection"] == source["collected_by"] == []
    assert DATED.fullmatch(source["created"])
    assert source["created"] == source["updated"]
    assert await vast.read(f"/sources/{source['id']}") == source
    at_root = await vast.server.read(f"/sources/{source['id']}")
    assert "tags" not in at_root


async def test_a023_a201_a_missing_format_is_said_where_it_is(vast):
    refused = (await vast.ask("POST", "/sources", {"id": new_id()})).is_status(422).json
    missing = {"loc": ["body", "format"], "msg": "field required", "type": "value_error.missing"}
    assert refused == {"detail": [missing]}


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("POST", "/sources", {"id": "x", "format": VIDEO}, ["body", "id"]),
        ("POST", "/sources", {"format": "film"}, ["body", "format"]),
        ("POST", "/flows", {"frame_width": 0}, ["body", "frame_width"]),
        ("POST", "/flows/batch", [{"format": 5}], ["body", 0, "format"]),
        ("GET", "/flows?limit=0", None, ["query", "limit"]),
        ("GET", "/sources?offset=-1", None, ["query", "offset"]),
        ("GET", "/sources?page=0", None, ["query", "page"]),
        (
            "DELETE",
            "/flows/01234567-89ab-4def-8123-456789abcdef?cascade=perhaps",
            None,
            ["query", "cascade"],
        ),
    ],
)
async def test_a201_wrong_input_is_a_422_that_says_where(vast, method, path, body, where):
    [told] = (await vast.ask(method, path, body)).is_status(422).json["detail"]
    assert told["loc"] == where
    assert told["msg"]
    assert told["type"] == "value_error"


@pytest.mark.parametrize(
    ("query", "name"), [("%ff=1", "query"), ("limit=%ff", "limit"), ("label=a%00", "label")]
)
async def test_a201_a_query_that_cannot_be_read_is_wrong_input(vast, query, name):
    [told] = (await vast.ask("GET", f"/flows?{query}")).is_status(422).json["detail"]
    assert told["loc"] == list(dict.fromkeys(["query", name]))


@pytest.mark.parametrize(
    ("path", "detail"),
    [("sources", "Source not found"), ("flows", "Flow not found"), ("objects", "Object not found")],
)
async def test_a200_a033_a071_what_is_unknown_is_said_in_one_sentence(vast, path, detail):
    answer = (await vast.ask("GET", f"/{path}/{new_id()}")).is_status(404)
    assert answer.json == {"detail": detail}


async def test_a068_a_flow_of_an_unknown_source_is_refused(vast):
    body = {"id": new_id(), "source_id": new_id(), "format": VIDEO, "codec": "video/mp4"}
    assert (await vast.ask("POST", "/flows", body)).is_status(404).json == {
        "detail": "Source not found"
    }
    (await vast.ask("GET", f"/flows/{body['id']}")).is_status(404)


async def test_a060_a061_a_flow_is_flat_and_shows_what_is_empty(vast):
    source = await vast.source()
    told = {
        "id": new_id(),
        "source_id": source["id"],
        "format": VIDEO,
        "codec": "video/mp4",
        "frame_width": 1280,
        "frame_height": 720,
        "frame_rate": "30000/1001",
        "label": "Clean",
        "description": "without captions",
    }
    flow = await vast.make("/flows", told)
    assert {name: flow[name] for name in told} == told
    assert flow["read_only"] is False
    assert flow["tags"] == {}
    assert flow["flow_collection"] is None
    assert DATED.fullmatch(flow["created"])
    assert flow["updated"] == flow["created"]
    assert flow.keys().isdisjoint({"essence_parameters", "container", "metadata_updated"})
    assert await vast.read(f"/flows/{flow['id']}") == flow


async def test_a061_a_flow_can_be_put_as_it_was_read(vast):
    flow = await vast.flow()
    assert flow["frame_rate"] == "vfr"
    changed = {**flow, "label": "Other", "color_space": "BT709"}
    put = (await vast.ask("PUT", f"/flows/{flow['id']}", changed)).is_status(200).json
    assert put["label"] == "Other"
    assert put["color_space"] == "BT709"
    assert put["created"] == flow["created"]
    audio = flow_body(
        "audio", essence_parameters={"sample_rate": 48000, "channels": 2, "bit_depth": 24}
    )
    (await vast.server.put(f"/flows/{audio['id']}", audio)).is_status(201)
    flat = await vast.read(f"/flows/{audio['id']}")
    assert (flat["sample_rate"], flat["channels"], flat["bits_per_sample"]) == (48000, 2, 24)


async def test_a117_lists_stand_in_envelopes_that_count(vast):
    label = new_id()
    made = [(await vast.source(label=label))["id"] for _ in range(5)]
    path = f"/sources?label={label}&limit=2"
    first, third = await vast.read(path), await vast.read(f"{path}&offset=4")
    assert first["paging"] == {"limit": 2, "offset": 0, "total": 5}
    assert third["paging"] == {"limit": 2, "offset": 4, "total": 5}
    second = await vast.read(f"{path}&page=2")
    assert second["paging"]["offset"] == 2
    shown = [one["id"] for part in (first, second, third) for one in part["data"]]
    assert sorted(shown) == sorted(made)
    assert (await vast.read(f"{path}&offset=9"))["data"] == []
    flow = await vast.flow(label=label)
    found = await vast.read(f"/flows?label={label}")
    assert found == {"data": [flow], "paging": {"limit": 100, "offset": 0, "total": 1}}


async def test_a103_a104_a116_b083_a_segment_tells_of_its_bytes_and_has_a_url_for_each_method(vast):
    flow = await vast.flow()
    object_id = new_id()
    made = await vast.segment(
        flow["id"], content=b"0123456789", object_id=object_id, sample_offset=0, sample_count=250
    )
    assert made["flow_id"] == flow["id"]
    assert (made["object_id"], made["timerange"]) == (object_id, "[0:0_10:0)")
    assert (made["sample_offset"], made["sample_count"]) == (0, 250)
    assert (made["file_size"], made["content_type"]) == (10, "video/mp4")
    assert made["storage_path"].startswith("tams/")
    assert DATED.fullmatch(made["created"])
    labels = [one["label"] for one in made["get_urls"]]
    assert labels == [f"{method} access for segment {made['id']}" for method in ("GET", "HEAD")]
    get, head = (one["url"] for one in made["get_urls"])
    assert (await vast.server.get(get)).is_status(200).body == b"0123456789"
    assert (await vast.server.head(head)).is_status(200).headers["Content-Length"] == "10"
    for one in made["get_urls"]:
        assert one["store_type"] == "http_object_store"
        assert one["presigned"] is one["controlled"] is True
        assert one.keys() >= {"storage_id", "provider", "store_product"}
    assert (await vast.read(f"/flows/{flow['id']}/segments"))["data"][0]["id"] == made["id"]


async def test_a118_segments_are_filtered_and_counted(vast):
    flow = await vast.flow()
    for second in range(4):
        await vast.segment(flow["id"], f"[{second}:0_{second + 1}:0)", tags={"n": f"{second % 2}"})
    path = f"/flows/{flow['id']}/segments"

    async def found(query):
        told = await vast.read(f"{path}?{query}")
        return [one["timerange"] for one in told["data"]], told["paging"]["total"]

    assert await found("limit=2&offset=1") == (["[1:0_2:0)", "[2:0_3:0)"], 4)
    assert await found("timerange=[1:500000000_3:0)") == (["[1:0_2:0)", "[2:0_3:0)"], 2)
    assert await found("tag.n=1&limit=1") == (["[1:0_2:0)"], 2)
    assert await found("tag_exists.n=false") == ([], 0)
    assert await found("timerange=()") == ([], 0)
    one = (await vast.read(path))["data"][2]
    assert await found(f"object_id={one['object_id']}") == (["[2:0_3:0)"], 1)
    assert one["tags"] == {"n": "0"}


async def test_a106_segments_come_as_json_too_with_times_of_a_clock(vast):
    flow = await vast.flow()
    path = f"/flows/{flow['id']}"
    (await vast.ask("PUT", path, {**flow, "container": "video/mp4"})).is_status(200)
    [allocated] = await vast.server.allocate(flow["id"])
    (await vast.server.upload(allocated, b"bytes")).is_status(200)
    body = {"object_id": allocated["object_id"], "timerange": "[00:00:00.000,00:05:00.000)"}
    made = await vast.make(f"{path}/segments", body)
    assert made["timerange"] == "[0:0_300:0)"
    again = {**body, "object_id": new_id()}
    refused = (await vast.ask("POST", f"{path}/segments", again)).is_status(422)
    [told] = refused.json["detail"]
    assert told["loc"] == ["body", "segment"]
    listed = (await vast.ask("POST", f"{path}/segments", [again])).is_status(200).json
    assert [one["object_id"] for one in listed["failed_segments"]] == [again["object_id"]]
    assert (await vast.read(f"{path}/segments"))["paging"]["total"] == 1


async def test_a_clock_tells_times_in_queries_and_of_objects_too(vast):
    flow = await vast.flow(container="video/mp4")
    path = f"/flows/{flow['id']}/segments"
    whole = {"object_timerange": "[00:00:00.000,01:00:00.000)"}
    await vast.segment(flow["id"], "[00:00:00.000,00:00:10.000)", **whole)
    place = {"url": f"https://elsewhere.example.com/{new_id()}", "label": new_id()}
    times = {"timerange": "[00:00:10.000,00:00:20.000)", **whole}
    await vast.make(path, {"object_id": new_id(), **times, "get_urls": [place]})
    told = (await vast.read(f"{path}?include_object_timerange=true"))["data"]
    assert [one["timerange"] for one in told] == ["[0:0_10:0)", "[10:0_20:0)"]
    assert {one["object_timerange"] for one in told} == {"[0:0_3600:0)"}
    later = "timerange=[00:00:10.000,00:05:00.000)"
    for query in (later, f"limit=9&{later.replace(':', '%3A').replace('[', '%5B')}"):
        found = await vast.read(f"{path}?{query}&include_object_timerange=true")
        assert found["data"] == told[1:]
        assert (await vast.read(f"/flows?label={new_id()}&{query}"))["data"] == []
    read = await vast.read(f"/flows/{flow['id']}?include_timerange=true&{later}")
    assert read["timerange"] == "[10:0_20:0)"
    (await vast.ask("DELETE", f"{path}?{later}")).is_status(204)
    assert (await vast.read(path))["paging"]["total"] == 1
    (await vast.ask("GET", f"{path}?timerange=[00:61:10.000,00:05:00.000)")).is_status(422)


async def test_a142_a144_an_object_tells_which_flows_refer_to_it(vast):
    reserved = await vast.make("/objects", {"object_id": new_id(), "size": 5})
    assert reserved["flow_references"] == []
    assert reserved["size"] == 5
    assert DATED.fullmatch(reserved["created"])
    assert await vast.read(f"/objects/{reserved['id']}") == reserved
    (await vast.server.get(f"/objects/{reserved['id']}")).is_status(404)
    flow = await vast.flow()
    segment = await vast.segment(flow["id"], "[5:0_6:0)")
    found = await vast.read(f"/objects/{segment['object_id']}")
    assert found["object_id"] == found["id"] == segment["object_id"]
    assert found["flow_references"] == [{"flow_id": flow["id"], "timerange": "[5:0_6:0)"}]
    assert found["referenced_by_flows"] == [flow["id"]]
    assert found["size"] == 5
    assert (found["access_count"], found["last_accessed"]) == (0, None)
    many = await vast.make("/objects/batch", [{"id": new_id()}, {}])
    assert all(DATED.fullmatch(one["created"]) for one in many)


async def test_e002_e005_deletions_can_be_taken_back_and_take_along_if_nothing_is_said(vast):
    source = await vast.source()
    flow = await vast.flow(source_id=source["id"])
    await vast.segment(flow["id"])
    answer = (await vast.ask("DELETE", f"/sources/{source['id']}")).is_status(204)
    assert answer.body == b""
    for path in (f"sources/{source['id']}", f"flows/{flow['id']}"):
        (await vast.ask("GET", f"/{path}")).is_status(404)
    empty = await vast.read(f"/flows/{flow['id']}/segments")
    assert empty == {"data": [], "paging": {"limit": 100, "offset": 0, "total": 0}}
    (await vast.ask("POST", f"/sources/{source['id']}/restore")).is_status(204)
    assert await vast.read(f"/sources/{source['id']}") == source
    assert (await vast.read(f"/flows/{flow['id']}/segments"))["paging"]["total"] == 1
    [record] = [
        one for one in await vast.read("/deletions?limit=1000") if one["entity_id"] == source["id"]
    ]
    assert record["deleted_by"] == "system"


async def test_l01_l02_without_cascade_dependents_keep_what_they_depend_on(vast):
    source = await vast.source()
    flow = await vast.flow(source_id=source["id"])
    await vast.segment(flow["id"])
    for path in (f"/sources/{source['id']}", f"/flows/{flow['id']}"):
        for soft in ("true", "false"):
            query = f"?cascade=false&soft_delete={soft}"
            refused = (await vast.ask("DELETE", f"{path}{query}")).is_status(409).json
            assert re.search(r"\b1\b", refused["detail"])
            (await vast.ask("GET", path)).is_status(200)


async def test_a180_a188_webhooks_and_requests_stand_in_envelopes(vast):
    hook = {"url": "http://127.0.0.1:1/hook", "events": ["flows/created"]}
    made = await vast.make("/webhooks", hook)
    for path in ("/webhooks", "/service/webhooks"):
        told = await vast.read(f"{path}?limit=1000")
        assert made in told["data"]
        assert told["paging"]["total"] == len(told["data"])
    (await vast.ask("DELETE", f"/webhooks/{made['id']}")).is_status(204)
    flow = await vast.flow()
    asked = await vast.make("/deletion-requests", {"flow_id": flow["id"]})
    assert asked in (await vast.read("/deletion-requests?limit=1000"))["data"]


async def test_properties_are_the_standards(vast):
    source = await vast.source()
    path = f"/sources/{source['id']}"
    (await vast.ask("PUT", f"{path}/tags/place", "gate 4")).is_status(204)
    (await vast.ask("PUT", f"{path}/label", "Left")).is_status(204)
    told = await vast.read(path)
    assert (told["tags"], told["label"]) == ({"place": "gate 4"}, "Left")
    (await vast.ask("PUT", f"{path}/tags", {"other": "x"})).is_status(204)
    assert (await vast.read(path))["tags"] == {"other": "x"}


async def test_a_reserved_id_may_be_uploaded_to(vast):
    reserved = await vast.make("/objects", {"id": new_id()})
    flow = await vast.flow()
    made = await vast.segment(flow["id"], object_id=reserved["id"])
    assert made["object_id"] == reserved["id"]
    found = await vast.read(f"/objects/{reserved['id']}")
    assert found["referenced_by_flows"] == [flow["id"]]


async def test_tags_of_segments_come_back_with_them(vast):
    flow = await vast.flow()
    await vast.segment(flow["id"], "[0:0_1:0)", tags={"take": ["1", "2"]})
    path = f"/flows/{flow['id']}/segments"
    (await vast.ask("DELETE", f"{path}?timerange=_")).is_status(204)
    await vast.segment(flow["id"], "[5:0_6:0)", tags={"take": "3"})
    assert (await vast.read(f"{path}?tag.take=1"))["data"] == []
    (await vast.ask("POST", f"{path}/restore")).is_status(204)
    assert [one["tags"] for one in (await vast.read(path))["data"]] == [
        {"take": ["1", "2"]},
        {"take": "3"},
    ]
    assert (await vast.read(f"{path}?tag.take=1"))["paging"]["total"] == 1
