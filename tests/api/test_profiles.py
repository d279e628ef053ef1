"""Profiles over HTTP: what is refused, in which words, and what is ignored."""

from __future__ import annotations

import json

import pytest

from tams.conformance.flow_profiles import common_body
from tams.conformance.profiles import PROFILES, add_profile, flow_metadata, profile_body
from tams.conformance.server import new_id, same
from tests.api.test_bad_flows import BAD_IDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = [
    *[("id", bad, "id: ", "lower-case UUID") for bad in BAD_IDS],
    ("id", None, "id: ", "null"),
    ("label", 1, "label: ", "string", "not 1"),
    ("label", None, "label: ", "null"),
    ("label", "a\0b", "label: ", "NUL"),
    ("description", [], "description: ", "string"),
    ("created_by", {}, "created_by: ", "string"),
    ("tags", [], "tags: ", "not []"),
    ("tags", {"a": 1}, "tags.a", "not 1"),
    ("tags", {"a": ["b", None]}, "tags.a", "not ['b', None]"),
    ("tags", {"a\0": "b"}, "tags", "NUL"),
    ("flow_metadata", None, "flow_metadata: ", "JSON object"),
    ("flow_metadata", [], "flow_metadata: ", "JSON object", "not []"),
]
TECHNICAL = [
    ("format", "urn:x-nmos:format:multi", "format: ", "video, audio, image or data"),
    ("format", "video", "format: ", "not 'video'"),
    ("format", None, "format: ", "null"),
    ("format", "urn:x-nmos:format:audio", "essence_parameters."),
    ("codec", "h264", "codec: ", "MIME", "not 'h264'"),
    ("codec", None, "codec: ", "null"),
    ("container", "video/", "container: ", "MIME"),
    ("avg_bit_rate", -1, "avg_bit_rate: ", "not -1"),
    ("avg_bit_rate", 2**63, "avg_bit_rate: ", "not 9223372036854775808"),
    ("segment_duration", {"numerator": 0}, "segment_duration.numerator: ", "not 0"),
    ("segment_duration", {}, "segment_duration.numerator: ", "must be given"),
    ("container_mapping", {"track_index": -1}, "container_mapping.track_index: ", "not -1"),
    ("container_mapping", {"track_index": None}, "container_mapping.track_index: ", "null"),
    ("essence_parameters", "none", "essence_parameters: ", "not 'none'"),
    ("essence_parameters", {}, "essence_parameters.frame_width: ", "must be given"),
    ("essence_parameters", {"smell": 1}, "essence_parameters."),
    ("essence_parameters", None, "essence_parameters: ", "null"),
]


def _named(table):
    return [pytest.param(*row[:2], row[2:], id=f"{row[0]}={row[1]!r:.40}") for row in table]


async def _refused(furnished, body, *says):
    fresh = body["id"] if isinstance(body.get("id"), str) and body["id"] else new_id()
    path = f"{PROFILES}/{fresh if fresh not in BAD_IDS else new_id()}"
    await furnished.refuse("POST", path, json.dumps(body).encode(), *says)


@pytest.mark.parametrize(("name", "value", "says"), _named(FIELDS))
async def test_a_bad_property(furnished, name, value, says):
    await _refused(furnished, profile_body() | {name: value}, *says)


@pytest.mark.parametrize(("name", "value", "says"), _named(TECHNICAL))
async def test_a_bad_technical_property(furnished, name, value, says):
    technical = flow_metadata() | {name: value}
    first, *others = says
    await _refused(
        furnished, profile_body(flow_metadata=technical), f"flow_metadata.{first}", *others
    )


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b'"x"', b"{} {}", b'{"id": NaN}'])
async def test_a_body_that_is_no_object(furnished, content):
    await furnished.refuse("POST", f"{PROFILES}/{new_id()}", content, "body: ")


async def test_a_profile_that_is_there_or_of_another_path(server):
    profile = await add_profile(server)
    path = f"{PROFILES}/{profile['id']}"
    answer = (await server.post(path, profile)).is_status(400)
    assert "id: it must be new: Profiles do not change" in answer.json["message"]
    other = profile_body()
    answer = (await server.post(path, other)).is_status(400)
    assert f"the id in the path, {profile['id']}" in answer.json["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_what_cannot_be_done_says_what_can(server, method):
    path = f"{PROFILES}/{(await add_profile(server))['id']}"
    answer = (await server.request(method, path, {})).is_status(405)
    same(answer.headers["Allow"], "GET, HEAD, POST", "Allow")


async def test_unknown_members_are_ignored_but_among_the_parameters(server):
    body = profile_body(created=[None], smell=None)
    body["flow_metadata"] |= {"label": None, "max_bit_rate": -1, "profile_id": 7}
    created = (await server.post(f"{PROFILES}/{body['id']}", body)).is_status(201).json
    same(created["flow_metadata"], flow_metadata(), "flow_metadata")
    same(created.keys(), {"id", "created", "flow_metadata"}, "what is shown")


async def test_texts_name_the_way_out(server):
    """Statements 33, 34 and 39."""
    profile = await add_profile(server)
    body = common_body(profile["id"])
    path = f"/flows/{body['id']}"
    flow = (await server.put(path, body)).is_status(201).json
    both = (await server.put(path, flow)).is_status(400).json["message"]
    assert both.startswith("profile_id: it must come without format, codec, container, essence_")
    assert 'leave these out, or PUT them with profile_id ""' in both
    without = {name: value for name, value in flow.items() if name != "profile_id"}
    changed = await server.put(path, without | {"codec": "video/h265"})
    rate = await server.put(f"{path}/avg_bit_rate", 5)
    for name, answer in (("codec", changed), ("avg_bit_rate", rate)):
        said = answer.is_status(400).json["message"]
        assert said.startswith(f"{name}: it must stay as Profile {profile['id']} has it")
        assert 'PUT the Flow with profile_id "" and all of its technical properties' in said


@pytest.mark.parametrize("value", [7, ["a"], {}, True])
async def test_a_profile_id_that_is_no_text(furnished, value):
    body = common_body("") | {"profile_id": value}
    content = json.dumps(body).encode()
    await furnished.refuse("PUT", f"/flows/{body['id']}", content, "profile_id: ", f"not {value}")


async def test_head_of_the_list_takes_what_get_takes(server):
    multi = f"{PROFILES}?format=urn%3Ax-nmos%3Aformat%3Amulti"
    same(await server.read(multi), [], "multi Profiles")
    (await server.head(multi)).is_status(200)
