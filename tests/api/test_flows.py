"""What `/flows` makes of bodies that are unusual and yet valid."""

from __future__ import annotations

import json
import re

import pytest

from tams.conformance.server import flow_body, new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_whole_numbers_may_be_written_with_a_fraction(server):
    """JSON Schema calls 25.0 an integer."""
    body = flow_body(max_bit_rate=5.0, segment_duration={"numerator": 2.0, "denominator": 1.0})
    body["essence_parameters"] = {
        "frame_width": 1920.0,
        "frame_height": 1.08e3,
        "frame_rate": {"numerator": 25.0},
    }
    flow = (await server.put(f"/flows/{body['id']}", body)).is_status(201).json
    body = (await server.get(f"/flows/{flow['id']}")).body
    assert not re.search(rb"[0-9]\.0[,}]", body), body
    await server.set(f"/flows/{flow['id']}/avg_bit_rate", 17.0)
    assert (await server.get(f"/flows/{flow['id']}/avg_bit_rate")).body == b"17"
    allocated = (await server.post(f"/flows/{flow['id']}/storage", {"limit": 2.0})).is_status(201)
    assert len(allocated.json["media_objects"]) == 2
    await server.segment(flow["id"], "[0:0_1:0)", sample_count=25.0, key_frame_count=1.0)
    (segment,) = await server.read(f"/flows/{flow['id']}/segments")
    assert (segment["sample_count"], segment["key_frame_count"]) == (25, 1)


async def test_unknown_members_are_ignored_below_the_parameters_but_not_among_them(server):
    """Statement 58."""
    body = flow_body(unknown={"a": None}, segment_duration={"numerator": 1, "x": None})
    rate = {"numerator": 25, "unknown": [None]}
    body["essence_parameters"] = body["essence_parameters"] | {"frame_rate": rate}
    created = (await server.put(f"/flows/{body['id']}", body)).is_status(201).json
    assert "unknown" not in json.dumps(created)
    body["essence_parameters"] |= {"unknown": 1}
    answer = await server.put(f"/flows/{body['id']}", body)
    assert "essence_parameters.unknown" in answer.is_status(400).json["message"]


async def test_of_members_named_twice_the_last_counts(server):
    flow = await server.flow()
    content = json.dumps(flow | {"label": "last"}).replace("{", '{"label": "first", ', 1)
    (await server.put(f"/flows/{flow['id']}", content=content.encode())).is_status(204)
    assert await server.read(f"/flows/{flow['id']}/label") == "last"


async def test_a_member_set_to_null_is_refused_and_left_out_is_unset(server):
    """Statement 63."""
    flow = await server.flow(label="x")
    path = f"/flows/{flow['id']}"
    assert (
        "label" in (await server.put(path, flow | {"label": None})).is_status(400).json["message"]
    )
    del flow["label"]
    (await server.put(path, flow)).is_status(204)
    assert "label" not in await server.read(path)


async def test_text_of_every_script_comes_back_as_it_was_sent(server):
    text = 'é 日本 \u202e \U0001f3ac \x7f \x01 \ufeff \\ " / </script>'
    flow = await server.flow(label=text, description=text, tags={text: [text]})
    found = await server.read(f"/flows/{flow['id']}")
    assert (found["label"], found["description"], found["tags"]) == (text, text, {text: [text]})


async def test_a_flow_that_was_deleted_can_be_made_again_and_is_empty(server):
    flow = await server.flow()
    await server.segment(flow["id"], "[0:0_1:0)")
    path = f"/flows/{flow['id']}"
    await server.unset(path)
    (await server.get(path)).is_status(404)
    assert await server.read(f"{path}/segments") == []
    (await server.put(path, flow)).is_status(201)
    assert (await server.read(f"{path}?include_timerange=true"))["timerange"] == "()"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/flows/{id}", {"GET", "HEAD", "PUT", "DELETE"}),
        ("/flows/{id}/segments", {"GET", "HEAD", "POST", "DELETE"}),
        ("/flows/{id}/storage", {"POST"}),
        ("/service", {"GET", "HEAD", "POST"}),
    ],
)
async def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has(
    server, path, allowed
):
    answer = (await server.request("PATCH", path.format(id=new_id()))).is_status(405)
    assert set(answer.headers["Allow"].split(", ")) == allowed


async def test_a_time_that_nothing_can_be_stored_at_finds_no_flow_and_is_not_empty(server):
    source_id, flow = new_id(), flow_body()
    for body in (flow | {"source_id": source_id}, flow_body(source_id=source_id)):
        (await server.put(f"/flows/{body['id']}", body)).is_status(201)
    await server.segment(flow["id"], "[0:0_1:0)")
    found = {}
    for timerange in ("_", "()", "[99999999999:0_)", "(_-99999999999:0]", "[99999999999:0]"):
        found[timerange] = len(await server.ids("/flows", source_id=source_id, timerange=timerange))
    far = dict.fromkeys(("[99999999999:0_)", "(_-99999999999:0]", "[99999999999:0]"), 0)
    assert found == {"_": 2, "()": 1, **far}
    path = f"/flows/{flow['id']}/segments"
    assert await server.read(f"{path}?timerange=[99999999999:0_99999999999:5)") == []
    (await server.delete(f"{path}?timerange=[-99999999999:0_99999999999:5)")).is_status(204)
    assert await server.read(path) == []
