"""Flows made by POST, as clients of the vendor's write them."""

from __future__ import annotations

import pytest

from tams.conformance.profiles import add_profile
from tams.conformance.server import flow_body, new_id
from tests.ledger import ledger

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO = "urn:x-nmos:format:video"
FLAT = {
    "format": VIDEO,
    "codec": "video/h264",
    "frame_width": 1280,
    "frame_height": 720,
    "frame_rate": "25/1",
}


def body_of(**fields):
    """A flat Flow, with new ids."""
    return {"id": new_id(), "source_id": new_id(), **FLAT, **fields}


async def make(server, **fields):
    """POST what is given, and return the Flow."""
    return (await server.post("/flows", fields)).is_status(201).json


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


async def test_a060_a_flat_post_makes_a_flow(server):
    body = body_of(label="Main", description="Programme")
    answer = (await server.post("/flows", body)).is_status(201)
    made = answer.json
    for name in ("id", "source_id", "format", "codec", "label", "description"):
        assert made[name] == body[name]
    assert made["essence_parameters"] == {
        "frame_width": 1280,
        "frame_height": 720,
        "frame_rate": {"numerator": 25, "denominator": 1},
    }
    assert await server.read(f"/flows/{body['id']}") == made
    source = await server.read(f"/sources/{body['source_id']}")
    assert (source["label"], source["format"]) == ("Main", VIDEO)


@pytest.mark.parametrize(
    ("rate", "read"),
    [
        ("25/1", (25, 1)),
        ("25:1", (25, 1)),
        ("25", (25, 1)),
        (25, (25, 1)),
        ("30000/1001", (30000, 1001)),
        ({"numerator": 30000, "denominator": 1001}, (30000, 1001)),
        ({"numerator": 50}, (50, 1)),
        ({"numerator": 50, "denominator": None}, (50, 1)),
    ],
)
async def test_a060_a_rate_is_read_however_it_is_written(server, rate, read):
    numerator, denominator = read
    wanted = {"numerator": numerator, "denominator": denominator}
    made = await make(server, **body_of(frame_rate=rate))
    assert made["essence_parameters"]["frame_rate"] == wanted
    if not isinstance(rate, dict):
        inner = {"frame_width": 1280, "frame_height": 720, "frame_rate": rate}
        made = await make(server, codec="video/h264", essence_parameters=inner)
        assert made["essence_parameters"]["frame_rate"] == wanted


async def test_a062_a_named_flow_with_a_content_format_is_made(server):
    made = await make(
        server,
        name="Camera 1",
        description="At the gate",
        type="VideoFlow",
        tags={"quality": "high"},
        content_format={
            "mime_type": "video/mp4",
            "codec": "H.264",
            "frame_width": 1280,
            "frame_height": 720,
            "frame_rate": "30/1",
        },
    )
    assert (made["label"], made["description"]) == ("Camera 1", "At the gate")
    assert (made["format"], made["container"], made["codec"]) == (VIDEO, "video/mp4", "video/h264")
    assert made["tags"] == {"quality": "high"}
    assert made["essence_parameters"] == {
        "frame_width": 1280,
        "frame_height": 720,
        "frame_rate": {"numerator": 30, "denominator": 1},
    }
    assert (await server.read(f"/sources/{made['source_id']}"))["label"] == "Camera 1"


async def test_a062_a_name_and_a_type_are_enough(server):
    made = await make(server, name="Test Flow", type="VideoFlow")
    assert (made["label"], made["format"]) == ("Test Flow", VIDEO)
    assert made["codec"] == "application/octet-stream"
    assert made["essence_parameters"] == {"frame_width": 1920, "frame_height": 1080, "vfr": True}
    assert "container" not in made
    assert await server.read(f"/flows/{made['id']}") == made


async def test_what_is_missing_is_made_by_the_server(server):
    one, other = await make(server), await make(server)
    assert len({one["id"], other["id"], one["source_id"], other["source_id"]}) == 4
    assert one["format"] == VIDEO
    source = f"/sources/{one['source_id']}"
    (await server.get(source)).is_status(200)
    (await server.delete(f"/flows/{one['id']}")).is_status(204)
    (await server.get(source)).is_status(404)


async def test_a063_an_audio_flow_has_its_samples(server):
    given = {"codec": "audio/aac", "channels": 2, "bits_per_sample": 16}
    for rate in (48000, "48000", "48000:1"):
        made = await make(server, type="AudioFlow", sample_rate=rate, **given)
        assert made["format"] == "urn:x-nmos:format:audio"
        assert made["essence_parameters"] == {
            "sample_rate": 48000, "channels": 2, "bit_depth": 16,
        }  # fmt: skip


async def test_a063_data_image_and_multi_flows_have_theirs(server):
    data = await make(server, format="urn:x-nmos:format:data", codec="application/json")
    assert (data["codec"], data["essence_parameters"]) == ("application/json", {})
    image = await make(server, type="image", codec="image/png", frame_width=640, frame_height=360)
    assert image["format"] == "urn:x-tam:format:image"
    assert image["essence_parameters"] == {"frame_width": 640, "frame_height": 360}
    members = [data["id"], {"id": image["id"], "role": "slide"}]
    multi = await make(server, format="urn:x-nmos:format:multi", flow_collection=members)
    assert multi["flow_collection"] == [{"id": data["id"]}, {"id": image["id"], "role": "slide"}]
    assert "codec" not in multi
    assert (await server.read(f"/flows/{data['id']}"))["collected_by"] == [multi["id"]]


async def test_a064_every_optional_property_is_kept(server):
    given = {
        "container": "video/mp2t",
        "interlace_mode": "interlaced_tff",
        "color_sampling": "4:2:2",
        "color_space": "BT.2020",
        "transfer_characteristics": "HLG",
        "color_primaries": "BT.2020",
        "max_bit_rate": 9000,
        "avg_bit_rate": 8000,
        "metadata_version": "mine",
        "generation": 0,
        "segment_duration": {"numerator": 2},
        "read_only": False,
    }
    managed = {"segments_updated": "x", "metadata_updated": "x", "collected_by": None}
    made = await make(server, **body_of(**given, **managed))
    plain = ("container", "max_bit_rate", "avg_bit_rate", "metadata_version", "generation")
    assert {name: made[name] for name in plain} == {name: given[name] for name in plain}
    assert made["segment_duration"] == {"numerator": 2, "denominator": 1}
    assert made["read_only"] is False
    assert made["tags"] == {"color_primaries": "BT.2020"}
    assert made["metadata_updated"] == made["created"]
    assert "segments_updated" not in made
    essence = made["essence_parameters"]
    assert essence["interlace_mode"] == "interlaced_tff"
    assert (essence["colorspace"], essence["transfer_characteristic"]) == ("BT2020", "HLG")
    assert essence["component_type"] == "YCbCr"
    assert (essence["horiz_chroma_subs"], essence["vert_chroma_subs"]) == (2, 1)
    assert await server.read(f"/flows/{made['id']}") == made


async def test_a064_colours_that_the_standard_does_not_know_become_tags(server):
    odd = {
        "color_sampling": "3:1:1",
        "color_space": "P3",
        "transfer_characteristics": "gamma 2.6",
    }
    made = await make(server, **body_of(**odd))
    assert made["tags"] == odd


@pytest.mark.parametrize(
    "wrong",
    [
        {"numerator": 0},
        {"numerator": -1},
        {"numerator": 2, "denominator": 0},
        {"denominator": 2},
        {"numerator": "2"},
        "x",
        [],
        1.5,
    ],
)
async def test_a065_a_segment_duration_is_a_quotient_above_nothing(server, wrong):
    before = await kept(server)
    refusal = (await server.post("/flows", body_of(segment_duration=wrong))).is_status(400)
    assert refusal.json["summary"].startswith("segment_duration")
    assert await kept(server) == before


async def test_a065_its_denominator_is_1_unless_given(server):
    for given, read in (
        ({"numerator": 4}, (4, 1)),
        ({"numerator": 4, "denominator": 25}, (4, 25)),
        ("10/1", (10, 1)),
    ):
        made = await make(server, **body_of(segment_duration=given))
        assert tuple(made["segment_duration"].values()) == read


@pytest.mark.parametrize("name", ["frame_width", "frame_height"])
@pytest.mark.parametrize("wrong", [0, -1, 1.5, "1920", [], True])
async def test_a066_a_dimension_is_a_number_above_nothing(server, name, wrong):
    before = await kept(server)
    refusal = (await server.post("/flows", body_of(**{name: wrong}))).is_status(400)
    assert refusal.json["summary"].startswith(f"{name}: ")
    assert await kept(server) == before


@pytest.mark.parametrize("wrong", ["h264", "video/", "/h264", "video/h 264", "a/b/c", 5, ""])
@pytest.mark.parametrize("name", ["codec", "container"])
async def test_a067_l15_a_codec_is_a_type_and_a_subtype(server, name, wrong):
    before = await kept(server)
    refusal = (await server.post("/flows", body_of(**{name: wrong}))).is_status(400)
    assert refusal.json["summary"].startswith(name)
    assert await kept(server) == before


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"id": "x"}, "id: it must be a lower-case UUID"),
        ({"id": 5}, "id"),
        ({"source_id": "x"}, "source_id: it must be a lower-case UUID"),
        ({"format": "film"}, "format: "),
        ({"frame_rate": "fast"}, "frame_rate: "),
        ({"frame_rate": "0/1"}, "frame_rate"),
        ({"frame_rate": "25/0"}, "frame_rate"),
        ({"frame_width": None}, "frame_width: it must be given"),
        ({"interlace_mode": "x"}, "interlace_mode: "),
        ({"color_space": 5}, "color_space: "),
        ({"color_primaries": 5}, "color_primaries: "),
        ({"content_format": "video/mp4"}, "content_format: "),
        ({"essence_parameters": "x"}, "essence_parameters: "),
        ({"essence_parameters": {"x": 1}}, "essence_parameters.x"),
        ({"label": 5}, "label"),
        ({"tags": "x"}, "tags"),
        ({"generation": -1}, "generation"),
        ({"max_bit_rate": "5"}, "max_bit_rate"),
        ({"flow_collection": [new_id()]}, "flow_collection"),
        ({"flow_collection": ["x"]}, "flow_collection.0.id"),
        ({"flow_collection": "x"}, "flow_collection"),
        ({"profile_id": new_id()}, "profile_id"),
        ({"type": "AudioFlow", "format": None, "frame_width": None}, "sample_rate"),
        ({"sample_rate": "1/2"}, "sample_rate: it must be a whole number"),
    ],
)
async def test_what_is_no_flow_is_refused_and_changes_nothing(server, wrong, named):
    before = await kept(server)
    refusal = (await server.post("/flows", body_of(**wrong))).is_status(400)
    assert refusal.json["summary"].startswith(named)
    assert await kept(server) == before


@pytest.mark.parametrize("content", [b"", b"[]", b"5", b"{", b'{"id": NaN}', b"\xff"])
@pytest.mark.parametrize("path", ["/flows", "/flows/batch"])
async def test_what_is_no_object_is_refused(server, path, content):
    (await server.post(path, content=content)).is_status(400)


async def test_an_id_that_a_flow_has_is_a_conflict(server):
    flow = await server.flow(label="first")
    await server.set(f"/flows/{flow['id']}/read_only", True)
    before = await kept(server)
    refusal = (await server.post("/flows", body_of(id=flow["id"]))).is_status(409).json
    assert refusal["type"] == "Conflict"
    assert refusal["summary"] == f"id: there is a Flow {flow['id']} already; PUT it to change it"
    assert await kept(server) == before


async def test_the_standards_own_body_makes_the_flow_that_a_put_would(server):
    for kind in ("video", "audio", "image", "data", "multi"):
        body = flow_body(kind, label="x", tags={"a": ["b"]})
        made = await make(server, **body)
        put = await server.flow(kind, **body | {"id": new_id(), "source_id": new_id()})
        differing = {"id", "source_id", "created", "metadata_updated", "metadata_version"}
        assert {name for name in put if made[name] != put[name]} <= differing
        assert set(made) == set(put)


async def test_a_flow_of_a_profile_has_what_that_says(server):
    profile = await add_profile(server)
    made = await make(server, name="x", profile_id=profile["id"])
    assert (made["label"], made["codec"]) == ("x", profile["flow_metadata"]["codec"])
    assert made["profile_id"] == profile["id"]


async def test_a069_a_batch_makes_every_flow(server):
    source_id = new_id()
    first = body_of(source_id=source_id, label="first")
    bodies = [
        first,
        body_of(source_id=source_id, frame_rate="50:1"),
        {
            "name": "sound",
            "type": "audio",
            "codec": "audio/aac",
            "sample_rate": 48000,
            "channels": 1,
        },
        {"format": "multi", "flow_collection": [first["id"]]},
    ]
    made = (await server.post("/flows/batch", bodies)).is_status(201).json
    assert [one.get("label") for one in made] == ["first", None, "sound", None]
    for one in made[1:]:
        assert await server.read(f"/flows/{one['id']}") == one
    assert (await server.read(f"/flows/{first['id']}"))["collected_by"] == [made[3]["id"]]
    assert set(await server.ids("/flows", source_id=source_id)) == {made[0]["id"], made[1]["id"]}


async def test_a_batch_is_made_whole_or_not_at_all(server):
    there = await server.flow()
    before = await kept(server)
    new, source_id = body_of(), new_id()
    other = body_of(source_id=source_id)
    sound = {"source_id": source_id, "type": "audio", "sample_rate": 1, "channels": 1}
    for batch, status, named in (
        ([], 400, "body: it must be an array of 1 to 200 items, not 0"),
        ([new, body_of(codec="h264")], 400, "1.codec: "),
        ([new, 5], 400, "1.item: it must be a JSON object"),
        ([new, other, sound], 400, f"2.format: Source {source_id} holds"),
        ([new, body_of(flow_collection=[new_id()])], 400, "1.flow_collection: "),
        ([new, body_of(id=there["id"])], 409, f"1.id: there is a Flow {there['id']} already"),
        ([new, new], 409, f"1.id: there is a Flow {new['id']} already"),
    ):
        refusal = (await server.post("/flows/batch", batch)).is_status(status).json
        assert refusal["summary"].startswith(named)
        assert await kept(server) == before


async def test_a_flow_that_was_posted_takes_segments_once_it_has_a_container(server):
    made = await make(server, name="x")
    refusal = await server.post(f"/flows/{made['id']}/storage", {"limit": 1})
    assert refusal.is_status(400).json["summary"].startswith("container: ")
    made["container"] = "video/mp2t"
    (await server.put(f"/flows/{made['id']}", made)).is_status(204)
    await server.segment(made["id"], "[0:0_1:0)")
    assert len(await server.read(f"/flows/{made['id']}/segments")) == 1
