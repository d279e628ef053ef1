"""Statements 19-27: Profiles."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from tams.conformance.server import Json, Server, ensure, flow_body, new_id, query, same
from tams.conformance.statements import statement
from tams.conformance.times import is_instant

PROFILES = "/service/profiles"
TECHNICAL = (
    "format",
    "codec",
    "container",
    "container_mapping",
    "avg_bit_rate",
    "segment_duration",
    "essence_parameters",
)
"""What a Profile holds for its Flows (statement 31)."""

LONG_AGO = "2001-01-01T00:00:00Z"


def flow_metadata(kind: str = "video", **fields: Json) -> dict[str, Any]:
    """What a Profile of that kind says of its Flows; None removes a field."""
    flow = flow_body(kind, **fields)
    return {name: flow[name] for name in TECHNICAL if name in flow}


def profile_body(kind: str = "video", **fields: Json) -> dict[str, Any]:
    """The body of a valid POST of a Profile of that kind, with a new id."""
    return {"id": new_id(), "flow_metadata": flow_metadata(kind), **fields}


async def add_profile(server: Server, kind: str = "video", **fields: Json) -> dict[str, Any]:
    """POST a new Profile and return the body of the 201."""
    body = profile_body(kind, **fields)
    answer = await server.post(f"{PROFILES}/{body['id']}", body)
    created: dict[str, Any] = answer.is_status(201).json
    return created


async def _refuses(server: Server, body: dict[str, Json]) -> None:
    path = f"{PROFILES}/{body['id']}"
    (await server.post(path, body)).is_status(400)
    (await server.get(path)).is_status(404)


@statement(19, "I")
async def check_019_a_post_creates_a_profile(server: Server) -> None:
    """POST answers 201 with the Profile; from then on it is read and listed as it was sent."""
    for kind in ("video", "audio", "image", "data"):
        body = profile_body(kind, label=new_id(), description="made by a check", tags={"a": "b"})
        path = f"{PROFILES}/{body['id']}"
        created = (await server.post(path, body)).is_status(201).json
        for name, value in body.items():
            same(created.get(name), value, f"{name} in the answer")
        same(await server.read(path), created, f"GET {path}")
        same(await server.read(PROFILES + query(label=body["label"])), [created], "the list")


@statement(20, "M")
async def check_020_a_profile_is_created_once(server: Server) -> None:
    """POST to an id that is taken is a 400, and of two at once only one wins."""
    profile = await add_profile(server, label="first")
    path = f"{PROFILES}/{profile['id']}"
    for body in (profile, {**profile, "label": "second"}):
        (await server.post(path, body)).is_status(400)
    same(await server.read(path), profile, "the Profile")
    body = profile_body()
    path, labels = f"{PROFILES}/{body['id']}", [new_id() for _ in range(4)]
    posts = [server.post(path, {**body, "label": label}) for label in labels]
    answers = await asyncio.gather(*posts)
    same(sorted(one.status for one in answers), [201, 400, 400, 400], "statuses of four at once")
    won = next(label for label, one in zip(labels, answers, strict=True) if one.status == 201)
    same((await server.read(path))["label"], won, "label")


@statement(21, "M")
async def check_021_a_profile_never_changes(server: Server) -> None:
    """A Profile cannot be replaced, deleted or given other tags."""
    profile = await add_profile(server, tags={"colour": "red"})
    path = f"{PROFILES}/{profile['id']}"
    (await server.put(path, profile)).is_status(405)
    (await server.delete(path)).is_status(405)
    (await server.put(f"{path}/tags/colour", "blue")).is_status(404, 405)
    same(await server.read(path), profile, "the Profile")


@statement(22, "M")
async def check_022_a_profile_tells_one_essence(server: Server) -> None:
    """An id and a whole description of video, audio, image or data are needed; multi is refused."""
    await _refuses(server, {"id": new_id()})
    body = profile_body()
    without_id = {"flow_metadata": body["flow_metadata"]}
    (await server.post(f"{PROFILES}/{body['id']}", without_id)).is_status(400)
    multi = {"format": "urn:x-nmos:format:multi", "codec": "video/h264", "container": "video/mp2t"}
    refused: list[Json] = [{}, "video", [], multi, {**multi, "essence_parameters": {}}]
    for wrong in refused:
        await _refuses(server, profile_body(flow_metadata=wrong))
    for kind in ("video", "audio", "image", "data"):
        for name in ("format", "codec", "essence_parameters"):
            await _refuses(server, profile_body(flow_metadata=flow_metadata(kind, **{name: None})))
    essence = {**flow_metadata()["essence_parameters"], "smell": "none"}
    await _refuses(server, profile_body(flow_metadata=flow_metadata(essence_parameters=essence)))


@statement(23, "S")
async def check_023_the_server_says_when_a_profile_was_created(server: Server) -> None:
    """The created of a request is ignored; created_by is the caller's, or filled in."""
    profile = await add_profile(server, created=LONG_AGO, created_by="somebody")
    ensure(is_instant(profile.get("created")), f"created is {profile.get('created')!r}")
    ensure(
        datetime.fromisoformat(profile["created"]) > datetime.fromisoformat(LONG_AGO),
        "created is taken from the request",
    )
    ensure(profile.get("created_by"), "created_by is not set")
    filled = (await add_profile(server)).get("created_by")
    named = isinstance(filled, str) and filled != ""
    ensure(named or not server.headers, f"created_by is {filled!r} for a caller who has a name")


@statement(24, "I")
async def check_024_the_body_names_the_profile_of_the_path(server: Server) -> None:
    """Another id in the body than in the path is a 400; a malformed one in the path is a 404."""
    body, other = profile_body(), new_id()
    (await server.post(f"{PROFILES}/{other}", body)).is_status(400)
    for profile_id in (other, body["id"]):
        (await server.get(f"{PROFILES}/{profile_id}")).is_status(404)
    version_7 = "0199d1c0-0f5c-7d3e-8a55-1f6d7c1b2a30"
    for wrong in ("profile", new_id().upper(), version_7, new_id().replace("-", "")):
        (await server.post(f"{PROFILES}/{wrong}", profile_body(id=wrong))).is_status(404)
        (await server.get(f"{PROFILES}/{wrong}")).is_status(404)


@statement(25, "I")
async def check_025_profiles_are_found_by_what_they_are(server: Server) -> None:
    """Format, codec and label filter the list together and exactly; nothing is multi."""
    label = new_id()
    video = (await add_profile(server, label=label))["id"]
    audio = (await add_profile(server, "audio", label=label))["id"]
    await add_profile(server, label=f"{label} too")
    urn = "urn:x-nmos:format:"
    for filters, expected in (
        ({}, {video, audio}),
        ({"format": f"{urn}video"}, {video}),
        ({"format": f"{urn}audio", "codec": "audio/aac"}, {audio}),
        ({"format": f"{urn}audio", "codec": "video/h264"}, set()),
        ({"codec": "video/h264"}, {video}),
        ({"format": f"{urn}multi"}, set()),
    ):
        same(set(await server.ids(PROFILES, filters, label=label)), expected, f"with {filters}")
    same(await server.ids(PROFILES, label=label[:-1]), [], "Profiles with part of a label")
    for wrong in ({"format": "video"}, {"codec": "h264"}, {"limit": "0"}, {"page": "abc"}):
        (await server.get(PROFILES + query(wrong))).is_status(400)


@statement(26, "I")
async def check_026_the_list_of_profiles_has_a_stable_order(server: Server) -> None:
    """Page by page each Profile comes once, in the order of the whole list."""
    label = new_id()
    made = {(await add_profile(server, label=label))["id"] for _ in range(5)}
    whole = await server.ids(PROFILES, label=label)
    same(set(whole), made, "Profiles with the label")
    found: list[str] = []
    page: dict[str, str] = {}
    while page != {"page": ""}:
        answer = await server.get(PROFILES + query({"label": label, "limit": "2", **page}))
        found += [profile["id"] for profile in answer.is_status(200).json]
        same(answer.headers.get("X-Paging-Limit"), "2", "X-Paging-Limit")
        page = {"page": answer.headers.get("X-Paging-NextKey", "")}
        same("Link" in answer.headers, page["page"] != "", "whether there is a next Link")
        ensure(len(found) <= 5, f"{found} are more than there are")
    same(found, whole, "Profiles page by page")
    await server.flow()
    await server.flow()
    foreign = (await server.get("/flows?limit=1")).headers["X-Paging-NextKey"]
    (await server.get(PROFILES + query(page=foreign))).is_status(400)


@statement(27, "I")
async def check_027_a_profile_moves_unchanged_from_store_to_store(server: Server) -> None:
    """What another store shows of a Profile, its id included, can be posted as it is."""
    elsewhere = profile_body(
        created=LONG_AGO, created_by="another store", label="moved", tags={"version": ["1", "2"]}
    )
    moved = (await server.post(f"{PROFILES}/{elsewhere['id']}", elsewhere)).is_status(201).json
    for name in ("id", "label", "tags", "flow_metadata"):
        same(moved.get(name), elsewhere[name], name)
