"""Segments that come with their bytes in one request."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import md5

import pytest

from tams.domain.segment_ids import segment_id
from tams.domain.timerange import SECOND
from tests.extensions.forms import (
    HEADERS,
    Part,
    declaration,
    declared,
    fetched,
    file,
    listed,
    send,
    uploaded,
    written,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256)) * 12
LARGE = b"\r\n--of-a-form" * 70_000


async def test_a100_b070_a_form_with_a_segment_and_a_file_is_a_201(server, flow):
    flow_id = await flow()
    body = declaration(sample_offset=0, sample_count=250)
    answer = await send(server, flow_id, declared(body), file(CONTENT))
    assert answer.is_status(201).headers["Content-Type"] == "application/json"
    assert [one["object_id"] for one in await listed(server, flow_id)] == [body["object_id"]]
    assert await fetched(server, answer.json) == CONTENT


@pytest.mark.parametrize("content_type", [None, "text/plain"])
@pytest.mark.parametrize("name", ["segment", "segment_data"])
async def test_a101_the_part_segment_needs_no_content_type(server, flow, name, content_type):
    flow_id = await flow()
    answer = await send(server, flow_id, declared(declaration(), name, content_type), file(CONTENT))
    assert await fetched(server, answer.is_status(201).json) == CONTENT


async def test_a102_the_metadata_of_a_segment_are_accepted(server, flow):
    flow_id = await flow()
    body = declaration(
        ts_offset="-5:0",
        sample_offset=3,
        sample_count=250,
        key_frame_count=10,
        last_duration="0:40000000",
        get_urls=[],
        storage_path="wherever",
        tags={"camera": "3"},
    )
    answer = (await send(server, flow_id, declared(body), file(CONTENT))).is_status(201).json
    kept = (
        "ts_offset",
        "sample_offset",
        "sample_count",
        "key_frame_count",
        "last_duration",
        "tags",
    )
    assert {name: answer[name] for name in kept} == {name: body[name] for name in kept}
    assert answer["storage_path"] != "wherever"
    [found] = await listed(server, flow_id)
    assert {name: found[name] for name in kept[:-1]} == {name: body[name] for name in kept[:-1]}
    assert "tags" not in found


async def test_a103_the_answer_is_the_segment_with_its_id_and_its_bytes(server, flow):
    flow_id = await flow()
    body = declaration(timerange="[5:0_15:0)", sample_offset=0, sample_count=250)
    answer = (await send(server, flow_id, declared(body), file(CONTENT))).is_status(201).json
    assert answer["id"] == segment_id(flow_id, 5 * SECOND)
    assert {name: answer[name] for name in body} == body
    assert answer["flow_id"] == flow_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer["created"])
    assert answer["updated"] == answer["created"]
    [found] = await listed(server, flow_id)
    assert {name: answer[name] for name in found} == found


async def test_a104_size_and_type_are_those_of_the_file(server, flow):
    answer = await uploaded(server, await flow(), CONTENT)
    assert (answer["file_size"], answer["content_type"]) == (3072, "video/mp4")
    other = await send(
        server, await flow(), declared(declaration()), file(LARGE, "video/mp2t; profile=x")
    )
    told = other.is_status(201).json
    assert (told["file_size"], told["content_type"]) == (len(LARGE), "video/mp2t; profile=x")
    assert await fetched(server, told) == LARGE
    plain = await send(server, await flow(), declared(declaration()), file(CONTENT, None))
    assert plain.is_status(201).json["content_type"] == "video/mp4"  # the Flow's container
    assert (await server.read(f"/objects/{answer['object_id']}"))["id"] == answer["object_id"]


async def test_b076_bytes_lie_in_folders_by_day_and_flow(server, flow):
    flow_id = await flow()
    answer = await uploaded(server, flow_id, CONTENT, object_id="take-1")
    found = re.fullmatch(
        rf"tams/\d{{4}}/\d\d/\d\d/{flow_id}/take-1\.[0-9a-f]{{8}}\.mp4", answer["storage_path"]
    )
    assert found
    assert answer["storage_path"][5:15] == answer["created"][:10].replace("-", "/")
    assert answer["storage_path"] in answer["get_urls"][0]["url"]


async def test_a106_an_object_that_was_put_is_linked_by_json(server, flow):
    flow_id = await flow()
    [allocated] = await server.allocate(flow_id)
    (await server.upload(allocated, CONTENT)).is_status(200)
    body = {
        "object_id": allocated["object_id"],
        "timerange": "[0:0_10:0)",
        "ts_offset": "1:0",
        "sample_offset": 0,
        "sample_count": 250,
        "key_frame_count": 10,
    }
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(201)
    [found] = await listed(server, flow_id)
    assert {name: found[name] for name in body} == body
    assert await fetched(server, found) == CONTENT


async def test_a_form_without_a_file_registers_as_json_does(server, flow):
    flow_id, other = await flow(), await flow()
    first = await uploaded(server, flow_id, CONTENT)
    body = {"object_id": first["object_id"], "timerange": "[20:0_30:0)", "ts_offset": "20:0"}
    for _ in range(2):
        answer = await send(server, other, declared(body, "segment_data"))
        assert answer.is_status(201).json["file_size"] == len(CONTENT)
    assert await fetched(server, (await listed(server, other))[0]) == CONTENT
    unknown = declaration()
    refusal = await send(server, other, declared(unknown))
    assert "allocate it first" in refusal.is_status(400).json["summary"]
    nameless = await send(server, other, declared({"timerange": "[0:0_1:0)"}))
    assert "object_id" in nameless.is_status(400).json["summary"]
    assert len(await listed(server, other)) == 1


@pytest.mark.parametrize("named", [True, False])
async def test_a_file_may_come_before_its_segment(server, flow, named):
    flow_id = await flow()
    body = declaration() if named else {"timerange": "[0:0_10:0)"}
    answer = await send(server, flow_id, file(CONTENT), declared(body))
    told = answer.is_status(201).json
    if named:
        assert told["object_id"] == body["object_id"]
    assert told["file_size"] == len(CONTENT)
    assert await fetched(server, told) == CONTENT
    assert (await server.read(f"/objects/{told['object_id']}"))["id"] == told["object_id"]


@pytest.mark.parametrize("as_array", [True, False])
@pytest.mark.parametrize("files_first", [True, False])
async def test_several_files_go_with_as_many_segments(server, flow, as_array, files_first):
    flow_id = await flow()
    bodies = [declaration(timerange=f"[{n}:0_{n + 1}:0)") for n in range(3)]
    files = [file(b"of %d" % n) for n in range(3)]
    segments = [declared(bodies)] if as_array else [declared(body) for body in bodies]
    parts = [*files, *segments] if files_first else [*segments, *files]
    answer = (await send(server, flow_id, *parts)).is_status(201).json
    assert [one["object_id"] for one in answer] == [body["object_id"] for body in bodies]
    assert [await fetched(server, one) for one in answer] == [b"of 0", b"of 1", b"of 2"]


async def test_pairs_of_parts_follow_each_other(server, flow):
    flow_id = await flow()
    bodies = [declaration(timerange=f"[{n}:0_{n + 1}:0)") for n in (4, 2)]
    parts = [declared(bodies[0]), file(b"first"), declared(bodies[1]), file(b"second")]
    answer = (await send(server, flow_id, *parts)).is_status(201).json
    assert [one["timerange"] for one in answer] == ["[4:0_5:0)", "[2:0_3:0)"]
    assert [await fetched(server, one) for one in answer] == [b"first", b"second"]


async def test_a115_the_first_segment_brings_its_object_and_others_refer_to_it(server, flow):
    flow_id, other = await flow(), await flow()
    object_id = (await uploaded(server, flow_id, CONTENT))["object_id"]
    assert (await server.read(f"/objects/{object_id}"))["referenced_by_flows"] == [flow_id]
    body = {"object_id": object_id, "timerange": "[0:0_10:0)"}
    (await send(server, other, declared(body))).is_status(201)
    found = await server.read(f"/objects/{object_id}")
    assert sorted(found["referenced_by_flows"]) == sorted([flow_id, other])
    assert found["first_referenced_by_flow"] == flow_id


async def test_parts_of_other_names_are_passed_over(server, flow):
    parts = [Part("note", LARGE), declared(declaration()), Part("x", b""), file(CONTENT)]
    told = (await send(server, await flow(), *parts)).is_status(201).json
    assert await fetched(server, told) == CONTENT


async def test_a_backend_may_be_chosen(server, flow):
    backends = await server.read("/service/storage-backends")
    chosen = next(one["id"] for one in backends if "default_storage" not in one)
    path = f"?storage_id={chosen}"
    told = (
        await send(server, await flow(), declared(declaration()), file(CONTENT), query=path)
    ).json
    assert chosen in told["get_urls"][0]["url"]
    assert await fetched(server, told) == CONTENT


async def test_a_checksum_of_a_part_is_verified(server, flow):
    flow_id = await flow()
    right = b64encode(md5(CONTENT).digest()).decode()
    headers = {"Content-MD5": right}
    refusal = await send(server, flow_id, declared(declaration()), file(b"other", **headers))
    assert "content-md5" in refusal.is_status(400).json["summary"]
    (await send(server, flow_id, declared(declaration()), file(CONTENT, **headers))).is_status(201)


async def test_a_flow_without_container_takes_that_of_its_first_file(server):
    flow_id = (await server.flow("data", container=None))["id"]
    refusal = await send(server, flow_id, declared(declaration()), file(CONTENT, None))
    assert "container" in refusal.is_status(400).json["summary"]
    refusal = await send(server, flow_id, declared(declaration()), file(CONTENT, "x"))
    assert "MIME type" in refusal.is_status(400).json["summary"]
    before = await server.read(f"/flows/{flow_id}")
    assert "container" not in before
    await uploaded(server, flow_id, CONTENT)
    after = await server.read(f"/flows/{flow_id}")
    assert after["container"] == "video/mp4"
    assert after["metadata_version"] != before["metadata_version"]


async def test_an_upload_that_takes_longer_than_allocations_last_goes_on(server, flow):
    flow_id = await flow()
    body = written(declared(declaration()), file(LARGE))
    third = len(body) // 3

    async def slowly():
        for start in (0, third, 2 * third):
            yield body[start : start + third]
            await server.wait(5000)
        yield body[3 * third :]

    path = f"{server.base}/flows/{flow_id}/segments"
    async with server.session.post(path, data=slowly(), headers=HEADERS) as answer:
        assert answer.status == 201
        told = json.loads(await answer.read())
    assert await fetched(server, told) == LARGE


async def test_json_is_the_standards_as_before(server, flow):
    flow_id = await flow()
    [allocated] = await server.allocate(flow_id)
    body = {"object_id": allocated["object_id"], "timerange": "[0:0_1:0)", "tags": {"a": "b"}}
    answer = (await server.post(f"/flows/{flow_id}/segments", body)).is_status(201)
    assert answer.json == {}
    found = segment_id(flow_id, 0)
    assert await server.read(f"/flows/{flow_id}/segments/{found}/tags") == {}
