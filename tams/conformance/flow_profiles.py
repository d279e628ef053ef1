"""Statements 28-40: Flows that are made from a Profile."""

from __future__ import annotations

from typing import Any

from tams.conformance.profiles import TECHNICAL, add_profile, flow_metadata
from tams.conformance.server import Json, Server, ensure, flow_body, new_id, query, same
from tams.conformance.statements import statement

RICH: dict[str, Any] = {
    "container_mapping": {"track_index": 1},
    "avg_bit_rate": 4000,
    "segment_duration": {"numerator": 2, "denominator": 1},
}
CHANGED: dict[str, Any] = {
    "codec": "video/h265",
    "container": "video/mp4",
    "container_mapping": {"track_index": 2},
    "avg_bit_rate": 5000,
    "segment_duration": {"numerator": 4, "denominator": 1},
    "essence_parameters": {
        "frame_width": 1280,
        "frame_height": 720,
        "frame_rate": {"numerator": 25},
    },
}


def common_body(profile_id: str, **fields: Json) -> dict[str, Any]:
    """The body of a PUT of a new Flow that leaves the technical properties to a Profile."""
    return {"id": new_id(), "source_id": new_id(), "profile_id": profile_id, **fields}


async def _profile(server: Server) -> dict[str, Any]:
    """A Profile that sets each technical property."""
    return await add_profile(server, flow_metadata=flow_metadata(**RICH))


async def _put_new(server: Server, body: dict[str, Json]) -> dict[str, Any]:
    created: dict[str, Any] = (await server.put(f"/flows/{body['id']}", body)).is_status(201).json
    return created


async def _refuses(server: Server, flow: dict[str, Json], body: dict[str, Json]) -> str:
    """Fail unless a PUT of an existing Flow is a 400 that changes nothing; return its text."""
    answer = (await server.put(f"/flows/{flow['id']}", body)).is_status(400)
    same(await server.read(f"/flows/{flow['id']}"), flow, "the Flow after the refusal")
    return answer.body.decode()


def _technical(document: dict[str, Json]) -> dict[str, Any]:
    return {name: document[name] for name in TECHNICAL if name in document}


@statement(28, "I")
async def check_028_a_flow_takes_what_its_profile_says(server: Server) -> None:
    """A Flow that names a Profile and nothing technical shows all that the Profile says."""
    for kind in ("video", "audio", "image", "data"):
        described = flow_metadata(kind, **RICH)
        profile = await add_profile(server, kind, flow_metadata=described, label="not the Flow's")
        body = common_body(profile["id"], label="mine", tags={"colour": "red"})
        created = await _put_new(server, body)
        read = await server.read(f"/flows/{body['id']}")
        listed = await server.read("/flows" + query(source_id=body["source_id"]))
        for shown in (created, read, *listed):
            same(_technical(shown), described, f"technical properties of the {kind} Flow")
            for name, value in body.items():
                same(shown.get(name), value, name)
        same(len(listed), 1, "Flows of the Source")
        source = await server.read(f"/sources/{body['source_id']}")
        same(source["format"], described["format"], "format of the Source")


@statement(29, "M")
async def check_029_the_profile_must_be_known(server: Server) -> None:
    """A Flow of a Profile that is unknown, or no UUID, is refused and does not come to be."""
    for wrong in (new_id(), "profile", new_id().upper()):
        body = common_body(wrong)
        (await server.put(f"/flows/{body['id']}", body)).is_status(400)
        (await server.get(f"/flows/{body['id']}")).is_status(404)
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"]))
    unknown = {"id": flow["id"], "source_id": flow["source_id"], "profile_id": new_id()}
    await _refuses(server, flow, unknown)


@statement(30, "M")
async def check_030_a_profile_and_technical_properties_exclude_each_other(server: Server) -> None:
    """Any single technical property beside a profile_id is refused, even if it is the same."""
    profile = await _profile(server)
    for name, value in profile["flow_metadata"].items():
        body = common_body(profile["id"], **{name: value})
        (await server.put(f"/flows/{body['id']}", body)).is_status(400)
        (await server.get(f"/flows/{body['id']}")).is_status(404)


@statement(31, "I")
async def check_031_the_maximum_bit_rate_is_not_technical(server: Server) -> None:
    """A Flow of a Profile may have a max_bit_rate of its own."""
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"], max_bit_rate=9000))
    path = f"/flows/{flow['id']}"
    same(flow.get("max_bit_rate"), 9000, "max_bit_rate")
    await server.set(f"{path}/max_bit_rate", 9500)
    same((await server.read(path)).get("max_bit_rate"), 9500, "max_bit_rate")
    await server.unset(f"{path}/max_bit_rate")
    ensure("max_bit_rate" not in await server.read(path), "max_bit_rate is still there")


@statement(32, "I")
async def check_032_what_is_common_changes_as_ever(server: Server) -> None:
    """Label, description, tags and the like change without a word about the Profile."""
    profile = await _profile(server)
    body = common_body(profile["id"], label="first")
    path = f"/flows/{body['id']}"
    flow = await _put_new(server, body)
    await server.set(path, {**body, "label": "second", "description": "more", "generation": 2})
    await server.set(f"{path}/tags/colour", "red")
    read = await server.read(path)
    for name, value in (("label", "second"), ("description", "more"), ("tags", {"colour": "red"})):
        same(read.get(name), value, name)
    same(_technical(read), _technical(flow), "technical properties")
    same(read.get("profile_id"), profile["id"], "profile_id")


@statement(33, "S")
async def check_033_what_the_profile_says_is_not_changed_directly(server: Server) -> None:
    """Another value for a technical property is refused with a text that names the property."""
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"]))
    unlinked = {name: value for name, value in flow.items() if name != "profile_id"}
    for name, value in CHANGED.items():
        text = await _refuses(server, flow, {**unlinked, name: value})
        ensure(name in text, f"{name} is not named in {text}")
    for name in RICH:
        fewer = {key: value for key, value in unlinked.items() if key != name}
        ensure(name in await _refuses(server, flow, fewer), f"{name} is not named")


@statement(34, "S")
async def check_034_the_average_bit_rate_belongs_to_the_profile(server: Server) -> None:
    """The avg_bit_rate of a Flow of a Profile is neither set nor unset; others' can be."""
    for profile in (await _profile(server), await add_profile(server)):
        flow = await _put_new(server, common_body(profile["id"]))
        path = f"/flows/{flow['id']}"
        (await server.put(f"{path}/avg_bit_rate", 5000)).is_status(400)
        (await server.delete(f"{path}/avg_bit_rate")).is_status(400)
        same(await server.read(path), flow, "the Flow")
        rate = await server.read(f"{path}/avg_bit_rate")
        same(rate, profile["flow_metadata"].get("avg_bit_rate"), "avg_bit_rate")
    free = f"/flows/{(await server.flow())['id']}/avg_bit_rate"
    await server.set(free, 5000)
    await server.unset(free)


@statement(35, "I")
async def check_035_an_empty_profile_id_unlinks_a_flow(server: Server) -> None:
    """With profile_id "" and all that is technical a Flow goes on without its Profile."""
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"]))
    path = f"/flows/{flow['id']}"
    await server.set(path, {**flow, **CHANGED, "profile_id": ""})
    read = await server.read(path)
    ensure("profile_id" not in read, f"profile_id is {read.get('profile_id')!r}")
    for name, value in CHANGED.items():
        same(read.get(name), value, name)
    await server.set(f"{path}/avg_bit_rate", 1234)
    await server.set(path, {**read, "codec": "video/h264"})
    never = await _put_new(server, flow_body(profile_id=""))
    ensure("profile_id" not in never, "a new Flow with an empty profile_id shows it")


@statement(36, "I")
async def check_036_unlinking_needs_all_that_is_technical(server: Server) -> None:
    """With profile_id "" and less than a whole Flow's technical properties a PUT is refused."""
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"]))
    ids = {"id": flow["id"], "source_id": flow["source_id"], "profile_id": ""}
    await _refuses(server, flow, ids)
    for name in ("format", "codec", "essence_parameters"):
        parts = {key: value for key, value in flow.items() if key != name}
        await _refuses(server, flow, {**parts, "profile_id": ""})


@statement(37, "I")
async def check_037_the_filter_loses_what_is_unlinked(server: Server) -> None:
    """GET /flows with a profile_id finds the Flows of the Profile, until they are unlinked."""
    profile = await _profile(server)
    first = await _put_new(server, common_body(profile["id"]))
    second = await _put_new(server, common_body(profile["id"]))
    await _put_new(server, common_body((await _profile(server))["id"]))
    found = await server.ids("/flows", profile_id=profile["id"])
    same(set(found), {first["id"], second["id"]}, "Flows of the Profile")
    await server.set(f"/flows/{first['id']}", {**first, "profile_id": ""})
    same(await server.ids("/flows", profile_id=profile["id"]), [second["id"]], "what is left")
    same(await server.ids("/flows", profile_id=new_id()), [], "Flows of an unknown Profile")


@statement(38, "I")
async def check_038_the_filter_combines_with_others(server: Server) -> None:
    """The profile_id of GET /flows and every other filter must all hold."""
    profile = await _profile(server)
    red = await _put_new(server, common_body(profile["id"], tags={"colour": "red"}, label="a"))
    blue = await _put_new(server, common_body(profile["id"], tags={"colour": "blue"}, label="a"))
    await server.flow(tags={"colour": "red"}, label="a")
    urn = "urn:x-nmos:format:"
    for filters, expected in (
        ({"label": "a"}, {red["id"], blue["id"]}),
        ({"tag.colour": "red"}, {red["id"]}),
        ({"tag.colour": "red", "label": "b"}, set()),
        ({"format": f"{urn}video", "source_id": blue["source_id"]}, {blue["id"]}),
        ({"format": f"{urn}audio"}, set()),
        (
            {"codec": "video/h264", "frame_width": "1920", "timerange": "()"},
            {red["id"], blue["id"]},
        ),
    ):
        found = await server.ids("/flows", filters, profile_id=profile["id"])
        same(set(found), expected, f"Flows of the Profile with {filters}")
    (await server.get("/flows" + query(profile_id="profile"))).is_status(400)


@statement(39, "I")
async def check_039_what_was_read_is_not_put_back_unchanged(server: Server) -> None:
    """The body of GET holds both sides, so a PUT of it is refused; without one it is accepted."""
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"], label="kept"))
    path = f"/flows/{flow['id']}"
    text = await _refuses(server, flow, flow)
    ensure("profile_id" in text, f"profile_id is not named in {text}")
    linked = {name: value for name, value in flow.items() if name not in TECHNICAL}
    await server.set(path, linked)
    same(await server.read(path), flow, "the Flow after a PUT without what is technical")


@statement(40, "D")
async def check_040_technical_properties_alone_must_agree(server: Server) -> None:
    """A PUT that names no Profile keeps the link if it repeats what the Profile says."""
    profile = await _profile(server)
    flow = await _put_new(server, common_body(profile["id"], label="first"))
    path = f"/flows/{flow['id']}"
    repeated = {name: value for name, value in flow.items() if name != "profile_id"}
    await server.set(path, {**repeated, "label": "second"})
    read = await server.read(path)
    same((read.get("profile_id"), read["label"]), (profile["id"], "second"), "Profile and label")
    same(_technical(read), profile["flow_metadata"], "technical properties")
    await _refuses(server, read, {**repeated, "codec": "video/h265"})
