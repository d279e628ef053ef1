"""What existing TAMS clients send and expect: one test per line of what was seen of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tams.conformance.media import fetch, listed, new_media, store
from tams.conformance.server import flow_body, new_id, query

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = [f"[{second}:0_{second + 1}:0)" for second in range(6)]


async def _recording(server, **fields):
    """A Flow with six Segments of one second."""
    flow = await server.flow(**fields)
    await server.segments(flow["id"], SECONDS)
    return flow


@pytest.mark.parametrize("sent", ["Bearer of.any.token", "Basic bm86b25l", "rubbish"])
async def test_credentials_are_ignored_where_authentication_is_off(server, sent):
    headers = {"Authorization": sent}
    (await server.get("/service?access_token=x", headers=headers)).is_status(200)
    body = flow_body()
    (await server.put(f"/flows/{body['id']}", body, headers=headers)).is_status(201)


async def test_registering_a_segment_does_not_wait_for_the_upload(server):
    flow = await server.flow()
    allocated = (await server.allocate(flow["id"]))[0]
    await server.segment(flow["id"], "[0:0_1:0)", object_id=allocated["object_id"])
    content = new_media()
    (await server.upload(allocated, content)).is_status(200)
    (segment,) = await listed(server, flow["id"])
    assert (await fetch(server, segment["get_urls"][0]["url"])).body == content


async def test_every_answer_says_that_it_is_json(server):
    flow = await _recording(server, label="x")
    path = f"/flows/{flow['id']}"
    for answer in [
        await server.get(path),
        await server.head(path),
        await server.head(f"{path}/segments"),
        await server.head(f"/flows/{new_id()}"),
        await server.get("/no/such/path"),
        await server.head("/no/such/path"),
        await server.get("/flows?limit=0"),
        await server.request("PATCH", path),
        await server.put(f"{path}/label", "y"),
        await server.post("/service", {"name": "store"}),
        await server.delete(f"{path}/segments"),
        await server.delete(path),
    ]:
        assert answer.headers["Content-Type"] == "application/json", answer.request


async def test_unset_properties_are_absent(server):
    flow = await server.flow()
    bare = {"id", "source_id", "format", "codec", "container", "essence_parameters"}
    managed = {"created", "metadata_updated", "metadata_version", "created_by", "updated_by"}
    found = await server.read(f"/flows/{flow['id']}")
    assert bare <= found.keys() <= bare | managed
    assert None not in found.values()
    source = await server.read(f"/sources/{flow['source_id']}")
    assert {"id", "format"} <= source.keys() <= {"id", "format", "updated"} | managed
    await server.segment(flow["id"], "[0:0_1:0)")
    (segment,) = await listed(server, flow["id"])
    assert segment.keys() == {"object_id", "timerange", "get_urls"}
    (segment,) = await listed(server, flow["id"], accept_get_urls="none")
    assert segment.keys() == {"object_id", "timerange"}


async def test_a_new_source_takes_the_words_of_its_flow_and_keeps_them(server):
    words = {"label": "a", "description": "b", "tags": {"c": ["d", "e"]}}
    flow = await server.flow(**words)
    path = f"/sources/{flow['source_id']}"
    assert (await server.read(path)).items() >= words.items()
    await server.set(f"/flows/{flow['id']}/label", "later")
    await server.set(f"/flows/{flow['id']}/tags/c", "later")
    assert (await server.read(path)).items() >= words.items()


async def test_page_sizes_and_storage_batches_have_defaults_and_maxima(server):
    flow = await server.flow()
    path = f"/flows/{flow['id']}"
    assert (await server.get("/flows")).headers["X-Paging-Limit"] == "100"
    assert (await server.get("/flows?limit=100000")).headers["X-Paging-Limit"] == "1000"
    for body, number in (({}, 100), ({"limit": 100000}, 1000), ({"limit": 3}, 3)):
        answer = (await server.post(f"{path}/storage", body)).is_status(201)
        assert len(answer.json["media_objects"]) == number
    answer = (await server.post(f"{path}/storage")).is_status(201)
    assert len(answer.json["media_objects"]) == 100


FILTERS = {
    "limit": "2",
    "timerange": "_",
    "object_id": "",
    "presigned": "true",
    "accept_get_urls": "",
    "reverse_order": "true",
    "page": "",
}


async def test_filters_limit_and_page_in_every_combination(server):
    """No 5xx; `limit` is honoured; the paging headers are always there."""
    flow = await _recording(server)
    path = f"/flows/{flow['id']}/segments"
    first = (await server.get(f"{path}?limit=2")).is_status(200)
    values = FILTERS | {
        "object_id": first.json[0]["object_id"],
        "page": first.headers["X-Paging-NextKey"],
    }
    for size in range(len(values) + 1):
        for names in itertools.combinations(values, size):
            asked = {name: values[name] for name in names}
            answer = (await server.get(path + query(asked))).is_status(200)
            limit = int(asked.get("limit", "100"))
            assert answer.headers["X-Paging-Limit"] == str(limit)
            assert answer.headers["X-Paging-Count"] == str(len(answer.json))
            assert len(answer.json) <= limit
            assert answer.headers["X-Paging-Timerange"]


@pytest.mark.parametrize("path", ["/flows", "/sources"])
async def test_filters_limit_and_page_of_lists(server, path):
    for _ in range(4):
        await server.flow(label="one of many", tags={"kind": "clip"})
    values = {
        "limit": "1",
        "label": "one of many",
        "tag.kind": "clip",
        "sort_by": "label",
        "format": "urn:x-nmos:format:video",
    }
    for size in range(len(values) + 1):
        for names in itertools.combinations(values, size):
            asked = query({name: values[name] for name in names})
            first = (await server.get(path + asked)).is_status(200)
            if "limit" in names:
                key = first.headers["X-Paging-NextKey"]
                second = await server.get(f"{path}{asked}&page={quote(key, safe='')}")
                assert len(second.is_status(200).json) == 1
                assert second.json != first.json


@pytest.mark.parametrize("path", ["/flows", "/sources", "/service/storage-backends"])
async def test_a_page_that_is_no_key_is_refused(server, path):
    assert "page" in (await server.get(f"{path}?page=abc")).is_status(400).json["message"]


async def test_links_are_absolute_encoded_and_single(server):
    for _ in range(2):
        await server.flow(label='a "b" <c>; é&')
    asked = "/flows" + query(label='a "b" <c>; é&', limit="1")
    (link,) = (await server.get(asked)).headers.getall("Link")
    url, relation = link.split("; ")
    assert relation == 'rel="next"'
    assert url.startswith(f"<{server.base}/flows?")
    assert link.isascii()
    assert not set('"<> ') & set(url[1:-1])
    assert parse_qs(urlsplit(url[1:-1]).query)["label"] == ['a "b" <c>; é&']
    following = (await server.get(url[1:-1])).is_status(200)
    assert following.json[0]["label"] == 'a "b" <c>; é&'
    assert "Link" not in following.headers


async def test_the_link_leads_to_where_the_client_came(server):
    for _ in range(2):
        await server.flow()
    answer = await server.get("/flows?limit=1", headers={"Host": "store.example:8443"})
    assert answer.headers["Link"].startswith("<http://store.example:8443/flows?")


async def test_a_delete_that_covers_no_segment_deletes_none(server):
    flow = await _recording(server)
    path = f"/flows/{flow['id']}/segments"
    (await server.delete(f"{path}?timerange={quote('[3:5_4:5)')}")).is_status(204)
    assert [one["timerange"] for one in await listed(server, flow["id"])] == SECONDS


async def test_an_upload_says_its_content_type(server):
    for container in ("video/mp2t", "application/mxf"):
        flow = await server.flow(container=container)
        for allocated in await server.allocate(flow["id"], 3):
            assert allocated["put_url"]["content-type"] == container
            assert allocated["put_url"]["url"].startswith(f"{server.base}/media/")
            assert allocated["presigned"] is True


async def test_first_and_last_url_are_fetched_without_credentials(server):
    flow, content = await server.flow(), new_media()
    await store(server, flow["id"], "[0:0_1:0)", content)
    (segment,) = await listed(server, flow["id"])
    for place in (segment["get_urls"][0], segment["get_urls"][-1]):
        assert place["presigned"] is True
        assert (await fetch(server, place["url"])).is_status(200).body == content


@pytest.mark.parametrize(
    ("timerange", "ts_offset"),
    [
        ("[-0:440000000_1:0)", "-0:440000000"),
        ("[-278:560000000_-277:0)", "-278:560000000"),
        ("[0:0_0:39999999)", "0:0"),
    ],
)
async def test_negative_times(server, timerange, ts_offset):
    flow = await server.flow()
    await server.segment(flow["id"], timerange, ts_offset=ts_offset)
    (segment,) = await listed(server, flow["id"], include_object_timerange="true")
    assert segment["timerange"] == timerange
    assert segment.get("ts_offset", "0:0") == ts_offset


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("_", 6),
        ("_2:5)", 3),
        ("[1:0_3:0)", 2),
        ("%5B1:0_3:0%29", 2),
        ("[1:0_", 5),
        ("[4:0]", 1),
        ("4:0", 1),
        ("()", 0),
    ],
)
async def test_timeranges_raw_and_encoded(server, raw, number):
    flow = await _recording(server)
    found = await server.read(f"/flows/{flow['id']}/segments?timerange={raw}")
    assert len(found) == number


async def test_a_gap_of_a_nanosecond_is_no_error(server):
    flow = await server.flow()
    wanted = ["[0:0_0:999999999)", "[1:0_1:999999999)", "[2:0_3:0)"]
    await server.segments(flow["id"], wanted)
    assert [one["timerange"] for one in await listed(server, flow["id"])] == wanted


async def test_the_object_timerange_is_derived_and_parts_of_it_are_used_later(server):
    flow, other = await server.flow(), await server.flow()
    made = await server.segment(flow["id"], "[10:0_20:0)", ts_offset="10:0")
    used = {"object_id": made["object_id"], "sample_offset": 25, "sample_count": 50}
    await server.segment(other["id"], "[-7:0_-5:0)", ts_offset="-10:0", **used)
    (part,) = await listed(server, other["id"], include_object_timerange="true")
    assert part["object_timerange"] == "[0:0_10:0)"
    assert (part["sample_offset"], part["sample_count"]) == (25, 50)


@pytest.mark.parametrize("kind", ["video", "audio", "image", "data", "multi"])
async def test_what_was_got_can_be_put_and_changes_nothing(server, kind):
    flow = await server.flow(kind, label="x", tags={"a": ["b", "c"]}, max_bit_rate=5)
    member = await server.flow()
    await server.set(f"/flows/{flow['id']}/flow_collection", [{"id": member["id"], "role": "r"}])
    for path in (f"/flows/{flow['id']}", f"/flows/{member['id']}"):
        before = await server.read(f"{path}?include_timerange=true")
        await server.later()
        (await server.put(path, before)).is_status(204)
        assert await server.read(f"{path}?include_timerange=true") == before


async def test_an_id_that_is_taken_is_said_to_exist(server):
    flow, taken = await server.flow(), new_id()
    await _take(server, flow, taken)
    answer = await server.post(f"/flows/{flow['id']}/storage", {"object_ids": [taken]})
    assert "already exist" in answer.is_status(400).json["message"]


async def _take(server, flow, object_id):
    asked = {"object_ids": [object_id]}
    (await server.post(f"/flows/{flow['id']}/storage", asked)).is_status(201)


async def test_errors_say_what_clients_read(server):
    body = (await server.get(f"/flows/{new_id()}")).is_status(404).json
    assert body.keys() == {"type", "summary", "time", "detail", "message"}
    assert body["message"] == body["detail"] == body["summary"]


async def test_an_empty_accept_get_urls_gives_no_urls(server):
    flow = await _recording(server)
    for segment in await listed(server, flow["id"], accept_get_urls=""):
        assert "get_urls" not in segment


@pytest.mark.parametrize("spelt", ["true", "True"])
async def test_booleans_in_both_spellings(server, spelt):
    flow = await _recording(server)
    found = await listed(server, flow["id"], verbose_storage=spelt, reverse_order=spelt)
    assert found[0]["timerange"] == SECONDS[-1]
    assert found[0]["get_urls"][0]["controlled"] is True


async def test_a_get_may_say_that_its_missing_body_is_json(server):
    headers = {"Content-Type": "application/json"}
    for path in ("/flows", "/sources", "/service"):
        (await server.get(path, headers=headers)).is_status(200)


async def test_properties_are_bare_values_and_tags_may_be_lists(server):
    flow = await server.flow()
    for name, value in [
        ("label", "a label"),
        ("description", ""),
        ("max_bit_rate", 0),
        ("read_only", False),
        ("tags/one", "value"),
        ("tags/many", ["a", "b"]),
        ("tags/none", []),
        (f"tags/{quote('a/b c.%é', safe='')}", "odd name"),
    ]:
        await server.set(f"/flows/{flow['id']}/{name}", value)
        assert await server.read(f"/flows/{flow['id']}/{name}") == value
    tags = {"one": "value", "many": ["a", "b"], "none": [], "a/b c.%é": "odd name"}
    assert (await server.read(f"/flows/{flow['id']}"))["tags"] == tags


async def test_media_needs_no_authorization_and_tolerates_one(server):
    flow, content = await server.flow(), new_media()
    allocated = (await server.allocate(flow["id"]))[0]
    (await replace(server, headers={}).upload(allocated, content)).is_status(200)
    await server.segment(flow["id"], "[0:0_1:0)", object_id=allocated["object_id"])
    (segment,) = await listed(server, flow["id"])
    url = segment["get_urls"][0]["url"]
    for sent in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic bm86b25l"}):
        assert (await fetch(server, url, **sent)).is_status(200).body == content


@pytest.mark.parametrize("path", ["/flows/{}", "/sources/{}", "/flows/{}/segments"])
async def test_unknown_parameters_are_ignored(server, path):
    flow = await _recording(server)
    named = flow["source_id"] if path.startswith("/sources") else flow["id"]
    (await server.get(path.format(named) + "?timerange=_&no_such=1&x")).is_status(200)
