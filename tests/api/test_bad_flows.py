"""Flows that break a rule: refused by field, value and rule, and nothing changes."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPPER = "8A3F9C1E-6A52-4B4C-9F0E-111111111111"
BRACES = "{8a3f9c1e-6a52-4b4c-9f0e-111111111111}"
VERSION_7 = "0192f5b0-7e3a-7c1d-8e2f-111111111111"
NOWHERE = "92a69a09-95c1-4192-9c63-f7368411d31e"
BAD_IDS = [
    UPPER,
    BRACES,
    VERSION_7,
    "8a3f9c1e6a524b4c9f0e111111111111",
    "urn:uuid:8a3f9c1e-6a52-4b4c-9f0e-111111111111",
    "8a3f9c1e-6a52-4b4c-9f0e-11111111111",
    "8a3f9c1e-6a52-4b4c-9f0e-1111111111111",
    "8a3f9c1e-6a52-4b4c-0f0e-111111111111",
    "00000000-0000-0000-0000-000000000000",
    "8a3f9c1e-6a52-4b4c-9f0e-11111111111\u0661",
    "8a3f9c1e-6a52-4b4c-9f0e-111111111111\n",
    "x",
    "",
]

FIELDS = [
    *[("source_id", bad, "source_id: ", "lower-case UUID") for bad in BAD_IDS],
    *[("profile_id", bad, "profile_id: ", "Profile") for bad in BAD_IDS[:-1]],
    ("source_id", 1, "source_id: ", "string", "not 1"),
    ("source_id", None, "source_id: ", "null"),
    ("format", "urn:x-nmos:format:smell", "format: ", "not 'urn:x-nmos:format:smell'"),
    ("format", 1, "format: ", "not 1"),
    ("codec", "h264", "codec: ", "MIME", "not 'h264'"),
    ("codec", "", "codec: ", "MIME", "not ''"),
    ("codec", 1, "codec: ", "string", "not 1"),
    ("container", "video/", "container: ", "MIME", "not 'video/'"),
    ("label", 1, "label: ", "string", "not 1"),
    ("label", None, "label: ", "null"),
    ("label", "a\0b", "label: ", "NUL"),
    ("description", ["x"], "description: ", "string", "not ['x']"),
    ("status", "done", "status: ", "'closed_complete'", "not 'done'"),
    ("status", True, "status: ", "not True"),
    ("read_only", "true", "read_only: ", "boolean", "not 'true'"),
    ("read_only", 0, "read_only: ", "boolean", "not 0"),
    ("generation", -1, "generation: ", "greater than or equal to 0", "not -1"),
    ("generation", "1", "generation: ", "integer", "not '1'"),
    ("generation", True, "generation: ", "integer", "not True"),
    ("generation", 1.5, "generation: ", "integer", "not 1.5"),
    ("generation", 2**64, "generation: ", "not 18446744073709551616"),
    ("avg_bit_rate", 10**40, "avg_bit_rate: ", "not 1000"),
    ("max_bit_rate", -1, "max_bit_rate: ", "greater", "not -1"),
    ("metadata_version", 1, "metadata_version: ", "string", "not 1"),
    ("tags", [], "tags: ", "not []"),
    ("tags", {"a": 1}, "tags.a: ", "string", "not 1"),
    ("tags", {"a": None}, "tags.a: ", "not None"),
    ("tags", {"a": ["b", 1]}, "tags.a", "string"),
    ("tags", {"a": {"b": "c"}}, "tags.a: ", "string"),
    ("tags", {"a\0": "b"}, "tags.a", "NUL"),
    ("segment_duration", {"numerator": 0}, "segment_duration.numerator: ", "not 0"),
    ("segment_duration", {"numerator": 1, "denominator": 0}, "segment_duration.denominator: "),
    ("segment_duration", {"denominator": 1}, "segment_duration.numerator: ", "must be given"),
    ("segment_duration", 2, "segment_duration: ", "not 2"),
    ("container_mapping", {"track_index": -1}, "container_mapping.track_index: ", "not -1"),
    ("container_mapping", {"mp2ts_container": {"pid": "x"}}, "mp2ts_container.pid: ", "not 'x'"),
    ("flow_collection", {}, "flow_collection: ", "not {}"),
    ("flow_collection", [{}], "flow_collection.0.id: ", "must be given"),
    ("flow_collection", [{"id": UPPER}], "flow_collection.0.id: ", "lower-case", UPPER),
    ("flow_collection", [{"id": VERSION_7}], "flow_collection.0.id: ", "version 1 to 5"),
    ("flow_collection", [{"id": "{other}", "role": 1}], "flow_collection.0.role: ", "not 1"),
    ("flow_collection", [{"id": "{other}"}] * 2, "flow_collection: ", "once", "{other}"),
    ("flow_collection", [{"id": "{id}"}], "flow_collection", "{id}"),
    ("flow_collection", [{"id": NOWHERE}], "flow_collection", "not"),
    ("essence_parameters", None, "essence_parameters: ", "null"),
    ("essence_parameters", [], "essence_parameters: ", "not []"),
    ("essence_parameters", {}, "essence_parameters.frame_width: ", "must be given"),
]

ESSENCE = [
    ("frame_width", 0, "frame_width: ", "not 0"),
    ("frame_width", "1920", "frame_width: ", "integer", "not '1920'"),
    ("frame_height", True, "frame_height: ", "integer", "not True"),
    ("bit_depth", 2**63, "bit_depth: ", "not 9223372036854775808"),
    ("interlace_mode", "sideways", "interlace_mode: ", "'progressive'", "not 'sideways'"),
    ("colorspace", "bt709", "colorspace: ", "'BT709'", "not 'bt709'"),
    ("frame_rate", {"numerator": 0}, "frame_rate.numerator: ", "not 0"),
    ("frame_rate", 25, "frame_rate: ", "not 25"),
    ("frame_rate", None, "essence_parameters.frame_rate", "null"),
    ("vfr", True, "frame_rate", "absent", "vfr"),
    ("init_segments", "no", "init_segments: ", "boolean", "not 'no'"),
    ("sample_rate", 48000, "sample_rate: ", "not 48000"),
    ("aspect_ratio", {"numerator": 16}, "aspect_ratio.denominator: ", "must be given"),
    ("avc_parameters", {"profile": 1}, "avc_parameters.level: ", "must be given"),
    ("unc_parameters", {"unc_type": "x"}, "unc_parameters.unc_type: ", "not 'x'"),
]


def _named(table):
    return [pytest.param(*row[:2], row[2:], id=f"{row[0]}={row[1]!r:.40}") for row in table]


@pytest.mark.parametrize(("name", "value", "says"), _named(FIELDS))
async def test_a_bad_property(furnished, name, value, says):
    """Statements 51 to 61, 99, 113 to 120."""
    content = furnished.fill(json.dumps(furnished.flow | {name: value})).encode()
    await furnished.refuse("PUT", "{flow}", content, *says)
    fresh = new_id()
    created = furnished.fill(json.dumps(furnished.flow | {"id": fresh, name: value})).encode()
    if value != [{"id": "{id}"}]:
        await furnished.refuse("PUT", f"/flows/{fresh}", created, *says)


@pytest.mark.parametrize(("name", "value", "says"), _named(ESSENCE))
async def test_a_bad_essence_parameter(furnished, name, value, says):
    """Statements 56 to 59."""
    essence = furnished.flow["essence_parameters"] | {name: value}
    content = json.dumps(furnished.flow | {"essence_parameters": essence}).encode()
    await furnished.refuse("PUT", "{flow}", content, *says)


@pytest.mark.parametrize("name", ["id", "source_id", "format", "codec", "essence_parameters"])
async def test_a_property_left_out(furnished, name):
    """Statement 55."""
    body = {key: value for key, value in furnished.flow.items() if key != name}
    await furnished.refuse("PUT", "{flow}", json.dumps(body).encode(), f"{name}: ", "not None")


async def test_an_id_that_is_not_that_of_the_path(furnished):
    """Statement 53."""
    body = furnished.flow | {"id": furnished.other_flow_id}
    await furnished.refuse("PUT", "{flow}", json.dumps(body).encode(), "id: ", "{id}", "{other}")


async def test_a_format_that_is_not_that_of_the_source(furnished):
    """Statements 51 and 76."""
    fresh = new_id()
    body = {
        "id": fresh,
        "source_id": furnished.flow["source_id"],
        "format": "urn:x-nmos:format:multi",
    }
    await furnished.refuse("PUT", f"/flows/{fresh}", json.dumps(body).encode(), "format", "multi")


@pytest.mark.parametrize("bad", BAD_IDS[:-1])
@pytest.mark.parametrize("rest", ["", "/label", "/tags", "/tags/a", "/segments", "/storage"])
async def test_bad_ids_in_the_path_lead_nowhere(furnished, bad, rest):
    """Statements 54 and 133."""
    path = f"/flows/{quote(bad, safe='')}{rest}"
    for method in ("GET", "PUT", "POST", "DELETE"):
        await furnished.refuse(method, path, b"{}", path, "lower-case UUIDs", status=404)


@pytest.mark.parametrize("name", ["%FF", "%C3%28", "a%00b", "%ED%A0%80"])
async def test_names_in_the_path_that_no_text_has(furnished, name):
    """Statement 101."""
    for method in ("GET", "PUT", "DELETE"):
        for parent in ("{flow}", "{source}"):
            path = f"{parent}/tags/{name}"
            await furnished.refuse(method, path, b'"x"', name, status=404)
    await furnished.refuse("GET", f"/objects/{name}", None, name, status=404)


@pytest.mark.parametrize(
    ("method", "path", "says", "status"),
    [
        ("GET", "/objects/{allocated}", ["Object", "{allocated}"], 404),
        ("GET", "/objects/no%2Fsuch", ["Object", "no/such"], 404),
        ("DELETE", "{flow}/tags/none", ["tag", "none"], 404),
        ("GET", "{source}/tags/none", ["tag", "none"], 404),
        ("POST", "{flow}", ["POST", "{flow}"], 405),
        ("DELETE", "{flow}/read_only", ["DELETE", "read_only"], 405),
    ],
)
async def test_what_is_not_there(furnished, method, path, says, status):
    """Statements 41, 96, 100, 103, 223."""
    await furnished.refuse(method, path, None, *says, status=status)
