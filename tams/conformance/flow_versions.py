"""Statements 66-72: the version of a Flow's metadata."""

from __future__ import annotations

from typing import Any

from tams.conformance.server import Json, Server, ensure, flow_body, new_id, same
from tams.conformance.statements import statement

VOLATILE = {"metadata_version", "metadata_updated", "segments_updated"}


@statement(66, "S")
async def check_066_the_first_version_may_be_the_clients(server: Server) -> None:
    """A version that a client sends with a new Flow is kept."""
    version = f"copied {new_id()}"
    flow = await server.flow(metadata_version=version)
    same(flow["metadata_version"], version, "metadata_version in the answer")
    found = await server.read(f"/flows/{flow['id']}")
    same(found["metadata_version"], version, "metadata_version")


@statement(67, "S")
async def check_067_a_version_is_made_where_none_is_sent(server: Server) -> None:
    """A Flow that comes without a version gets one."""
    flow = await server.flow()
    version = flow.get("metadata_version")
    ensure(isinstance(version, str) and version, f"metadata_version is {version!r}")


@statement(68, "S")
async def check_068_a_change_makes_a_new_version(server: Server) -> None:
    """Changed metadata get a new version if the client sends none, or the present one."""
    body = flow_body()
    path = f"/flows/{body['id']}"
    version = (await server.put(path, body)).is_status(201).json["metadata_version"]
    for repeated in (False, True):
        await server.later()
        sent = {"metadata_version": version} if repeated else {}
        await server.set(path, {**body, "label": new_id(), **sent})
        found = (await server.read(path))["metadata_version"]
        ensure(found != version, f"metadata_version stayed {version!r} with {sent!r} sent")
        version = found


@statement(69, "S")
async def check_069_each_property_makes_a_new_version(server: Server) -> None:
    """A change of a single property is a change of the Flow: it gets a new version."""
    flow, member = await server.flow(), await server.flow()
    path = f"/flows/{flow['id']}"
    changes: dict[str, Json] = {
        "tags/colour": "red",
        "label": "a label",
        "description": "a description",
        "flow_collection": [{"id": member["id"]}],
        "max_bit_rate": 5000,
        "avg_bit_rate": 4000,
    }
    version = flow["metadata_version"]
    steps = [("PUT", name, value) for name, value in changes.items()]
    steps += [("DELETE", name, None) for name in changes]
    steps += [("PUT", "read_only", True), ("PUT", "read_only", False)]
    for method, name, value in steps:
        await server.later()
        (await server.request(method, f"{path}/{name}", value)).is_status(204)
        found = (await server.read(path))["metadata_version"]
        ensure(found != version, f"{method} {name} kept metadata_version {version!r}")
        version = found


@statement(70, "I")
async def check_070_segments_are_no_metadata(server: Server) -> None:
    """Registering a Segment moves the time of the Segments, not version or time of the metadata."""
    flow = await server.flow()
    path = f"/flows/{flow['id']}"
    before = flow
    for timerange in ("[0:0_1:0)", "[1:0_2:0)"):
        await server.later()
        await server.segment(flow["id"], timerange)
        after = await server.read(path)
        for name in ("metadata_version", "metadata_updated"):
            same(after[name], before[name], name)
        moved = after.get("segments_updated") != before.get("segments_updated")
        ensure(moved, f"segments_updated stayed {before.get('segments_updated')}")
        before = after


@statement(71, "I")
async def check_071_equal_versions_mean_equal_metadata(server: Server) -> None:
    """Whenever a Flow shows a version again, its metadata are the same again."""
    flow = await server.flow()
    path = f"/flows/{flow['id']}"
    seen: dict[str, dict[str, Any]] = {}
    for label in ("a", "b", "a", "a", "c", "b"):
        await server.set(f"{path}/label", label)
        found = await server.read(path)
        metadata = {name: found[name] for name in found if name not in VOLATILE}
        known = seen.setdefault(found["metadata_version"], metadata)
        same(metadata, known, f"metadata of version {found['metadata_version']!r}")


@statement(72, "D")
async def check_072_a_put_that_changes_nothing_is_no_change(server: Server) -> None:
    """Putting a Flow as it is, in the client's words or the server's, keeps version and time."""
    body = flow_body(label="a label", tags={"colour": ["red", "blue"]}, generation=0)
    path = f"/flows/{body['id']}"
    created = (await server.put(path, body)).is_status(201).json
    for same_again in (body, created, await server.read(path)):
        await server.later()
        await server.set(path, same_again)
        found = await server.read(path)
        for name in ("metadata_version", "metadata_updated"):
            same(found[name], created[name], name)
