"""Statements 298-300: Flows that are read-only."""

from __future__ import annotations

from tams.conformance.server import Json, Server, ensure, flow_body, same
from tams.conformance.statements import statement


@statement(298, "S")
async def check_298_a_read_only_flow_cannot_be_changed(server: Server) -> None:
    """A read-only Flow refuses each change, of metadata and Segments, and its deletion."""
    body = flow_body(label="kept", tags={"colour": "red"})
    path = f"/flows/{body['id']}"
    (await server.put(path, body)).is_status(201)
    await server.segment(body["id"], "[0:0_1:0)")
    object_id = (await server.allocate(body["id"]))[0]["object_id"]
    await server.set(f"{path}/read_only", value=True)
    before = [await server.read(path), await server.read(f"{path}/segments?accept_get_urls=")]
    properties: dict[str, Json] = {
        "label": "changed",
        "description": "changed",
        "tags/colour": "blue",
        "max_bit_rate": 5000,
        "avg_bit_rate": 4000,
        "flow_collection": [],
    }
    for name, value in properties.items():
        (await server.put(f"{path}/{name}", value)).is_status(403)
        (await server.delete(f"{path}/{name}")).is_status(403)
    (await server.put(path, {**body, "label": "changed"})).is_status(403)
    segment = {"object_id": object_id, "timerange": "[1:0_2:0)"}
    (await server.post(f"{path}/segments", segment)).is_status(403)
    (await server.post(f"{path}/segments", [segment])).is_status(403)
    (await server.post(f"{path}/storage", {"limit": 1})).is_status(403)
    (await server.delete(f"{path}/segments")).is_status(403)
    (await server.delete(path)).is_status(403)
    after = [await server.read(path), await server.read(f"{path}/segments?accept_get_urls=")]
    same(after, before, "Flow and Segments after the refusals")
    await server.set(f"{path}/read_only", value=False)
    await server.set(f"{path}/label", "changed")


@statement(299, "D")
async def check_299_a_read_only_flow_is_opened_at_its_property(server: Server) -> None:
    """A PUT of the whole Flow does not open a read-only one; setting the property does."""
    body = flow_body(read_only=True)
    path = f"/flows/{body['id']}"
    (await server.put(path, body)).is_status(201)
    (await server.put(path, {**body, "read_only": False})).is_status(403)
    ensure((await server.read(path)).get("read_only") is True, "the Flow is not read-only")
    await server.set(f"{path}/read_only", value=False)
    await server.set(path, {**body, "read_only": False, "label": "changed"})


@statement(300, "I")
async def check_300_a_source_stays_writable(server: Server) -> None:
    """A read-only Flow does not protect its Source."""
    flow = await server.flow(read_only=True)
    path = f"/sources/{flow['source_id']}"
    for name in ("label", "description", "tags/colour"):
        await server.set(f"{path}/{name}", "red")
        await server.unset(f"{path}/{name}")
