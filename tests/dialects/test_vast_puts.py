"""A Flow that is PUT below `/vast` as it was read is not changed, whatever it has at the root."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = {"frame_width": 1920, "frame_height": 1080}
ALL_OF_VIDEO = SIZE | {
    "frame_rate": {"numerator": 25},
    "vfr": False,
    "bit_depth": 10,
    "interlace_mode": "progressive",
    "colorspace": "BT2100",
    "transfer_characteristic": "PQ",
    "aspect_ratio": {"numerator": 16, "denominator": 9},
    "pixel_aspect_ratio": {"numerator": 1, "denominator": 1},
    "component_type": "YCbCr",
    "horiz_chroma_subs": 2,
    "vert_chroma_subs": 1,
    "unc_parameters": {"unc_type": "v210"},
    "avc_parameters": {"profile": 122, "level": 42, "flags": 0},
    "init_segments": True,
}
MAPPED = {"container_mapping": {"track_index": 3, "mp2ts_container": {"pid": 17}}}
FLOWS = {
    "all of video": ("video", {
        "container": "video/mp4",
        **MAPPED,
        "segment_duration": {"numerator": 10},
        "avg_bit_rate": 4000,
        "max_bit_rate": 5000,
        "generation": 1,
        "status": "ingesting",
        "read_only": False,
        "label": "",
        "description": "at length",
        "tags": {"many": ["a", "b"], "one": "c"},
        "essence_parameters": ALL_OF_VIDEO,
    }),
    "a rate with its denominator": ("video", {
        "essence_parameters": SIZE | {"frame_rate": {"numerator": 50, "denominator": 2}},
        "segment_duration": {"numerator": 10, "denominator": 1},
    }),
    "a varying rate": ("video", {"essence_parameters": SIZE | {"vfr": True}}),
    "audio": ("audio", {"container": "audio/mp4", "essence_parameters": {
        "sample_rate": 48000, "channels": 2, "bit_depth": 24,
        "codec_parameters": {"coded_frame_size": 1024, "mp4_oti": 2},
    }}),
    "a still": ("image", {"container": "image/jpeg"}),
    "data": ("data", {"essence_parameters": {"data_type": "urn:x-tam:data:bookmark"}}),
    "many": ("multi", {"essence_parameters": {}, "container": "video/mp2t"}),
    "many with init segments": ("multi", {"essence_parameters": {"init_segments": True}}),
}  # fmt: skip


async def _put_back(server, flow, **changes):
    path = f"/vast/flows/{flow['id']}"
    put = await server.put(path, await server.read(path) | changes)
    return put.is_status(200).json


@pytest.mark.parametrize("name", FLOWS)
async def test_nothing_is_lost(server, name):
    kind, fields = FLOWS[name]
    flow = await server.flow(kind, **fields)
    await _put_back(server, flow)
    assert await server.read(f"/flows/{flow['id']}") == flow
    await _put_back(server, flow, description="other")
    changed = await server.read(f"/flows/{flow['id']}")
    assert changed == flow | {
        name: changed[name] for name in ("description", "metadata_version", "metadata_updated")
    }


async def test_members_keep_where_they_lie_in_the_container(server):
    members = [await server.flow(), await server.flow("audio")]
    collection = [{"id": one["id"], "role": "part", **MAPPED} for one in members]
    collector = await server.flow("multi", flow_collection=collection)
    await _put_back(server, collector)
    path = f"/flows/{collector['id']}"
    assert await server.read(path) == collector
    [first, _] = [{"id": one["id"], "role": "part"} for one in members]
    other = {"id": members[1]["id"], "container_mapping": {"track_index": 5}}
    await _put_back(server, collector, flow_collection=[other, first])
    assert (await server.read(path))["flow_collection"] == [other, collection[0]]


async def test_what_is_given_wins(server):
    flow = await server.flow(container="video/mp4", **MAPPED, essence_parameters=ALL_OF_VIDEO)
    changes = {"container": "video/mp2t", "frame_rate": "50", "read_only": True}
    shown = await _put_back(server, flow, **changes)
    assert (shown["frame_rate"], shown["read_only"]) == ("50/1", True)
    found = await server.read(f"/flows/{flow['id']}")
    assert found["container"] == "video/mp2t"
    assert found["container_mapping"] == MAPPED["container_mapping"]
    assert found["essence_parameters"]["frame_rate"] == {"numerator": 50, "denominator": 1}
    assert "vfr" not in found["essence_parameters"]


@pytest_asyncio.fixture(loop_scope="module")
async def of_profile(server):
    """A Flow that takes all technical properties from a Profile."""
    technical = {
        "format": "urn:x-nmos:format:video",
        "codec": "video/h264",
        "container": "video/mp4",
        "segment_duration": {"numerator": 10},
        "avg_bit_rate": 4000,
        "essence_parameters": ALL_OF_VIDEO,
    }
    profile = {"id": new_id(), "flow_metadata": technical}
    (await server.post(f"/service/profiles/{profile['id']}", profile)).is_status(201)
    body = {"id": new_id(), "source_id": new_id(), "profile_id": profile["id"], "label": "told"}
    return (await server.put(f"/flows/{body['id']}", body)).is_status(201).json


async def test_a_flow_keeps_its_profile(server, of_profile):
    path = f"/flows/{of_profile['id']}"
    await _put_back(server, of_profile)
    assert await server.read(path) == of_profile
    await _put_back(server, of_profile, label="other")
    found = await server.read(path)
    assert (found["profile_id"], found["label"]) == (of_profile["profile_id"], "other")
    shown = await server.read(f"/vast{path}") | {"frame_width": 640}
    [told] = (await server.put(f"/vast{path}", shown)).is_status(422).json["detail"]
    assert f"Profile {of_profile['profile_id']}" in told["msg"]


async def test_a_flow_takes_a_profile_and_parts_with_it(server, of_profile):
    body = {"source_id": new_id(), "profile_id": of_profile["profile_id"]}
    path = f"/flows/{new_id()}"
    (await server.put(f"/vast{path}", body)).is_status(201)
    assert (await server.read(path))["profile_id"] == of_profile["profile_id"]
    parted = await server.read(f"/vast{path}") | {"profile_id": "", "frame_width": 640}
    (await server.put(f"/vast{path}", parted)).is_status(200)
    found = await server.read(path)
    assert "profile_id" not in found
    assert found["essence_parameters"]["frame_width"] == 640
