"""`/flows/{flowId}/segments` over HTTP, beside what the checks of the standard see."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest

from tams.conformance.server import new_id, query

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def filled(server, number=3):
    """The path of a Flow's Segments of one second, and the ids of their Objects."""
    flow_id = (await server.flow())["id"]
    wanted = [f"[{second}:0_{second + 1}:0)" for second in range(number)]
    bodies = await server.segments(flow_id, wanted)
    return f"/flows/{flow_id}/segments", [body["object_id"] for body in bodies]


async def refused(server, path, body, status=400):
    """The message of a refusal."""
    return (await server.post(path, body)).is_status(status).json["message"]


async def test_a_page_says_what_it_holds_and_where_the_next_is(server):
    path, _ = await filled(server, 5)
    asked = query(limit="2", timerange="[0:0_9:0)", accept_get_urls="", reverse_order="true")
    answer = (await server.get(path + asked)).is_status(200)
    assert [item["timerange"] for item in answer.json] == ["[4:0_5:0)", "[3:0_4:0)"]
    paging = {name.lower() for name in answer.headers if name.lower().startswith("x-paging")}
    expected = {
        "x-paging-limit": "2",
        "x-paging-count": "2",
        "x-paging-reverse-order": "true",
        "x-paging-timerange": "[3:0_5:0)",
    }
    assert paging == {*expected, "x-paging-nextkey"}
    assert {name: answer.headers[name] for name in expected} == expected
    link, relation = answer.headers["Link"].split("; ")
    assert relation == 'rel="next"'
    assert parse_qs(urlsplit(link.strip("<>")).query, keep_blank_values=True)["timerange"] == [
        "[0:0_9:0)"
    ]
    following = (await server.get(link.strip("<>"))).is_status(200)
    assert [item["timerange"] for item in following.json] == ["[2:0_3:0)", "[1:0_2:0)"]
    assert following.headers["X-Paging-Timerange"] == "[1:0_3:0)"


async def test_an_empty_page_covers_nothing(server):
    answer = (await server.get(f"/flows/{new_id()}/segments")).is_status(200)
    assert (answer.body, answer.headers["X-Paging-Timerange"]) == (b"[]", "()")


async def test_head_says_what_get_says(server):
    path, _ = await filled(server)
    got = await server.get(path)
    head = (await server.head(path)).is_status(200)
    assert head.body == b""
    for name in ("Content-Type", "X-Paging-Count", "X-Paging-Timerange"):
        assert head.headers[name] == got.headers[name]


async def test_every_segment_has_a_url_of_its_own(server):
    path, _ = await filled(server, 30)
    urls = [item["get_urls"][0]["url"] for item in await server.read(path)]
    assert len(set(urls)) == 30


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"timerange": "[5:0-6:0)"}, "timerange"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"page": "abc"}, "page"),
        ({"reverse_order": "maybe"}, "reverse_order"),
        ({"presigned": "1"}, "presigned"),
        ({"verbose_storage": "yes"}, "verbose_storage"),
        ({"include_object_timerange": ""}, "include_object_timerange"),
        ({"accept_storage_ids": "hot"}, "accept_storage_ids"),
        ({"storage_backend_tag_exists.tier": "hot"}, "storage_backend_tag_exists.tier"),
        ({"object_id": "a\0"}, "object_id"),
    ],
)
async def test_a_bad_query_is_refused_by_name(server, asked, named):
    answer = await server.get(f"/flows/{new_id()}/segments{query(asked)}")
    assert answer.is_status(400).json["message"].startswith(f"{named}: ")


@pytest.mark.parametrize("accepted", ["", "%2C", ","])
async def test_no_accepted_label_means_no_url(server, accepted):
    path, _ = await filled(server, 1)
    (item,) = await server.read(f"{path}?accept_get_urls={accepted}")
    assert "get_urls" not in item


async def test_all_registered_is_a_201_and_sending_it_again_too(server):
    path, ids = await filled(server, 2)
    body = [{"object_id": object_id, "timerange": "[5:0_6:0)"} for object_id in ids[:1]]
    body[0]["ts_offset"] = "5:0"
    for _ in range(2):
        answer = (await server.post(path, body)).is_status(201)
        assert (answer.json, answer.headers["Content-Type"]) == ({}, "application/json")
    assert len(await server.read(path)) == 3


async def test_an_empty_array_registers_nothing(server):
    path, _ = await filled(server, 1)
    (await server.post(path, [])).is_status(201)
    (await server.post(f"/flows/{new_id()}/segments", [])).is_status(404)


async def test_an_array_goes_on_past_what_is_wrong_with_its_elements(server):
    path, ids = await filled(server, 1)
    again = {"object_id": ids[0], "ts_offset": "7:0"}
    body = [
        {**again, "timerange": "[7:0_8:0)", "key_frame_count": "1"},
        {**again, "timerange": "[7:0_8:0)"},
        {**again, "timerange": "[7:500000000_8:0)"},
        {**again, "timerange": "_"},
    ]
    failed = (await server.post(path, body)).is_status(200).json["failed_segments"]
    summaries = [item["error"]["summary"].partition(":")[0] for item in failed]
    assert summaries == ["key_frame_count", "timerange", "timerange"]
    assert [item["object_id"] for item in failed] == ids * 3
    assert len(await server.read(path)) == 2


async def test_thousands_of_segments_come_in_one_request(server):
    path, ids = await filled(server, 1)
    body = [
        {"object_id": ids[0], "timerange": f"[{at}:0_{at + 1}:0)", "ts_offset": f"{at}:0"}
        for at in range(2500)
    ]
    (await server.post(path, body)).is_status(201)
    found = await server.read(f"{path}?limit=1000&timerange=[1500:0_")
    assert len(found) == 1000
    assert found[-1]["timerange"] == "[2499:0_2500:0)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timerange": "(9:0_10:0)"}, "timerange: its start must be inclusive"),
        ({"timerange": "[9:0_"}, "timerange: it must have a start, an end and a duration"),
        ({"timerange": "[9:0_9999999999999:0)"}, "timerange: times must lie within"),
        ({"timerange": "[0:500000000_3:0)"}, "timerange: [0:500000000_3:0) overlaps"),
        ({"ts_offset": "-9223372036:0"}, "timerange less ts_offset: times must lie within"),
        ({"object_timerange": "_"}, "object_timerange: it must have a start"),
        ({"last_duration": "-0:1"}, "last_duration: it must not be negative"),
        ({"sample_count": 2**63}, "sample_count: "),
        ({"object_id": "never allocated"}, "object_id: there is no Object never allocated"),
        ({"key_frame_count": 9}, "key_frame_count: Object"),
        ({"init_object_id": "i"}, "init_object_id: "),
        ({"get_urls": [{"url": "u", "label": "l"}]}, "get_urls: Object"),
    ],
)
async def test_a_bad_segment_is_refused_by_field_value_and_rule(server, change, message):
    path, ids = await filled(server, 1)
    body = {"object_id": ids[0], "timerange": "[9:0_10:0)", "ts_offset": "9:0"} | change
    before = await server.read(f"{path}?accept_get_urls=")
    assert (await refused(server, path, body)).startswith(message)
    failed = (await server.post(path, [body])).is_status(200).json["failed_segments"]
    assert failed[0]["error"]["summary"].startswith(message)
    assert await server.read(f"{path}?accept_get_urls=") == before


async def test_a_body_over_the_limit_is_a_413(server):
    path, _ = await filled(server, 1)
    answer = await server.post(path, content=BytesIO(b"[" + b" " * (16 << 20)))
    assert "body: it must be at most" in answer.is_status(413).json["message"]


async def test_a_deletion_takes_what_is_covered(server):
    path, ids = await filled(server, 4)
    answer = (await server.delete(f"{path}?timerange=[0:0_2:5)")).is_status(204)
    assert answer.body == b""
    assert [item["object_id"] for item in await server.read(path)] == ids[2:]
    (await server.delete(f"{path}?object_id={ids[3]}")).is_status(204)
    assert [item["object_id"] for item in await server.read(path)] == ids[2:3]
    message = (await server.delete(f"{path}?timerange=0")).is_status(400).json["message"]
    assert message.startswith("timerange: ")


async def test_an_error_is_the_standards_error(server):
    body = (await server.post(f"/flows/{new_id()}/segments", [])).is_status(404).json
    assert set(body) == {"type", "summary", "time", "detail", "message"}
    assert json.dumps(body).count("there is no Flow") == 3
