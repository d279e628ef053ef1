"""Statements 186 to 195: which Segments a DELETE takes, and what becomes of their Objects."""

from __future__ import annotations

from tams.conformance.clock import MARGIN, advertised, elapse
from tams.conformance.media import (
    fetch,
    fragmented_flow,
    link,
    listed,
    new_media,
    object_path,
    own_url,
    store,
    store_init,
    timeranges,
)
from tams.conformance.server import Server, new_id, query, same
from tams.conformance.statements import statement


async def _delete(server: Server, flow_id: str, **filters: str) -> None:
    """DELETE the Segments of a Flow that `filters` choose, which must be a 204."""
    asked = query(filters) if filters else ""
    (await server.delete(f"/flows/{flow_id}/segments{asked}")).is_status(204)


async def _until_bytes_are_gone(server: Server) -> None:
    """Let the URLs of deleted Objects expire, and what waited for that be done."""
    await elapse(server, 2 * await advertised(server, "min_presigned_url_timeout") + MARGIN)


@statement(186, "I")
async def check_186_delete_takes_what_is_wholly_covered(server: Server) -> None:
    """A DELETE takes the Segments that lie wholly within its timerange; without one, all."""
    flow_id = (await server.flow())["id"]
    every = [f"[{second}:0_{second + 1}:0)" for second in range(6)]
    await server.segments(flow_id, every)
    for timerange, kept in (
        ("[3:5_4:5)", every),
        ("()", every),
        ("[1:5_3:0)", [*every[:2], *every[3:]]),
        ("[3:0_4:999999999)", [*every[:2], *every[4:]]),
        ("[5:0_", [*every[:2], every[4]]),
        ("_", []),
    ):
        await _delete(server, flow_id, timerange=timerange)
        same(await timeranges(server, flow_id), kept, f"Segments after DELETE of {timerange}")
    await server.segments(flow_id, every)
    await _delete(server, flow_id)
    same(await timeranges(server, flow_id), [], "Segments after DELETE of all")


@statement(187, "I")
async def check_187_delete_heeds_inclusive_ends(server: Server) -> None:
    """An inclusive end lies beyond an exclusive one at the same time."""
    flow_id = (await server.flow())["id"]
    await server.segments(flow_id, ["[0:0_10:0)", "[10:0]", "[20:0_30:0]"])
    for timerange, kept in (
        ("_10:0)", ["[10:0]", "[20:0_30:0]"]),
        ("(10:0_30:0)", ["[10:0]", "[20:0_30:0]"]),
        ("[10:0_30:0]", []),
    ):
        await _delete(server, flow_id, timerange=timerange)
        same(await timeranges(server, flow_id), kept, f"Segments after DELETE of {timerange}")


@statement(188, "I")
async def check_188_delete_may_name_an_object(server: Server) -> None:
    """object_id narrows a DELETE to the Segments of one Object, within the timerange if given."""
    flow_id = (await server.flow())["id"]
    first = await server.segment(flow_id, "[0:0_1:0)")
    await server.segment(flow_id, "[1:0_2:0)")
    again = {"object_id": first["object_id"], "ts_offset": "5:0"}
    await server.segment(flow_id, "[5:0_6:0)", **again)
    await _delete(server, flow_id, object_id=new_id())
    await _delete(server, flow_id, object_id=first["object_id"], timerange="[1:0_10:0)")
    same(await timeranges(server, flow_id), ["[0:0_1:0)", "[1:0_2:0)"], "Segments")
    await _delete(server, flow_id, object_id=first["object_id"])
    same(await timeranges(server, flow_id), ["[1:0_2:0)"], "Segments")


@statement(189, "I")
async def check_189_delete_answers_what_came_of_it(server: Server) -> None:
    """204 even for nothing; 404 for no such Flow, 400 for a bad query, 403 if read-only."""
    flow_id = (await server.flow())["id"]
    path = f"/flows/{flow_id}"
    await _delete(server, flow_id)
    await server.segment(flow_id, "[0:0_1:0)")
    await _delete(server, flow_id, timerange="[7:0_8:0)")
    (await server.delete(f"/flows/{new_id()}/segments")).is_status(404)
    (await server.delete("/flows/no-uuid/segments")).is_status(404)
    for wrong in ("soon", "[5:0-6:0)", "[01:0_2:0)"):
        (await server.delete(f"{path}/segments{query(timerange=wrong)}")).is_status(400)
    await server.set(f"{path}/read_only", value=True)
    (await server.delete(f"{path}/segments")).is_status(403)
    same(await timeranges(server, flow_id), ["[0:0_1:0)"], "Segments")
    await server.set(f"{path}/read_only", value=False)
    await _delete(server, flow_id)
    same(await timeranges(server, flow_id), [], "Segments")


async def _fragments(server: Server, content: bytes | None = None) -> tuple[str, str, str]:
    """A Flow with two Segments of Objects that need one init Object; the ids of it and of one."""
    flow_id = await fragmented_flow(server)
    init_id = await store_init(server, flow_id, content)
    first = await server.segment(flow_id, "[0:0_1:0)", init_object_id=init_id)
    await server.segment(flow_id, "[1:0_2:0)", init_object_id=init_id)
    return flow_id, init_id, str(first["object_id"])


@statement(191, "M")
async def check_191_an_object_stays_while_it_is_used(server: Server) -> None:
    """An Object lasts until nothing uses it: no Segment of any Flow, no Media Object as its init.

    A Media Object without a Segment uses no init Object.
    """
    flow_id, other = (await server.flow())["id"], (await server.flow())["id"]
    object_id = await store(server, flow_id, "[0:0_1:0)")
    await server.segment(flow_id, "[1:0_2:0)", object_id=object_id, ts_offset="1:0")
    await server.segment(other, "[2:0_3:0)", object_id=object_id, ts_offset="2:0")
    path = object_path(object_id)
    await _delete(server, flow_id, timerange="[0:0_1:0)")
    same(len((await server.read(path))["referenced_by_flows"]), 2, "Flows that refer to it")
    await _delete(server, flow_id)
    same((await server.read(path))["referenced_by_flows"], [other], "referenced_by_flows")
    (await fetch(server, await own_url(server, object_id))).is_status(200)
    (await server.delete(f"/flows/{other}")).is_status(204)
    (await server.get(path)).is_status(404)
    fragmented, init_id, _ = await _fragments(server)
    await _delete(server, fragmented, timerange="[0:0_1:0)")
    same((await server.read(object_path(init_id)))["referenced_by_flows"], [fragmented], "Flows")
    await _delete(server, fragmented)
    (await server.get(object_path(init_id))).is_status(404)


@statement(192, "I")
async def check_192_an_object_in_use_elsewhere_keeps_its_bytes(server: Server) -> None:
    """Deleting one Flow leaves the bytes and URLs of media and init Objects that another uses."""
    await _init_object_in_use_elsewhere(server)
    flow_id, other, content = (await server.flow())["id"], (await server.flow())["id"], new_media()
    object_id = await store(server, flow_id, "[0:0_1:0)", content)
    await server.segment(other, "[0:0_1:0)", object_id=object_id)
    url = await own_url(server, object_id)
    (await server.delete(f"/flows/{flow_id}")).is_status(204)
    same((await fetch(server, url)).is_status(200).body, content, "bytes at the URL of before")
    (segment,) = await listed(server, other)
    same(segment["object_id"], object_id, "Object of the other Flow")
    if server.wait is not None:
        await _until_bytes_are_gone(server)
    again = await fetch(server, await own_url(server, object_id))
    same(again.is_status(200).body, content, "bytes after clean-up")


async def _init_object_in_use_elsewhere(server: Server) -> None:
    flow_id, init_id, media_id = await _fragments(server, content := new_media())
    other = await fragmented_flow(server)
    await server.segment(other, "[0:0_1:0)", object_id=media_id)
    url = await own_url(server, init_id)
    (await server.delete(f"/flows/{flow_id}")).is_status(204)
    same((await fetch(server, url)).is_status(200).body, content, "bytes of the init Object")
    if server.wait is not None:
        await _until_bytes_are_gone(server)
    (segment,) = await listed(server, other)
    same(segment["init_object"]["object_id"], init_id, "init Object of the other Flow")
    again = await fetch(server, await own_url(server, init_id))
    same(again.is_status(200).body, content, "bytes of the init Object after clean-up")


@statement(193, "S")
async def check_193_an_object_without_segments_goes_at_once(server: Server) -> None:
    """An Object that nothing uses is unknown at once; later its bytes and its id are free."""
    await _init_object_without_media(server)
    flow_id = (await server.flow())["id"]
    object_id = await store(server, flow_id, "[0:0_1:0)")
    body = {"object_id": object_id, "timerange": "[0:0_1:0)"}
    await _delete(server, flow_id)
    (await server.get(object_path(object_id))).is_status(404)
    (await server.head(object_path(object_id))).is_status(404)
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(400)
    await _until_bytes_are_gone(server)
    ids = {"object_ids": [object_id]}
    (await server.post(f"/flows/{flow_id}/storage", ids)).is_status(201)
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(201)
    (await fetch(server, await own_url(server, object_id))).is_status(404)


async def _init_object_without_media(server: Server) -> None:
    flow_id, init_id, _ = await _fragments(server)
    await _delete(server, flow_id)
    (await server.get(object_path(init_id))).is_status(404)
    media_id = (await server.allocate(flow_id))[0]["object_id"]
    body = {"object_id": media_id, "timerange": "[0:0_1:0)", "init_object_id": init_id}
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(400)
    await _until_bytes_are_gone(server)
    ids = {"object_ids": [init_id]}
    (await server.post(f"/flows/{flow_id}/storage", ids)).is_status(201)
    await server.segment(flow_id, "[0:0_1:0)", init_object_id=init_id)
    (await fetch(server, await own_url(server, init_id))).is_status(404)


@statement(195, "M")
async def check_195_bytes_held_elsewhere_are_not_touched(server: Server) -> None:
    """Of an Object held elsewhere a DELETE drops the reference; the bytes stay where they are."""
    flow_id, other, content = (await server.flow())["id"], (await server.flow())["id"], new_media()
    held = await store(server, other, "[0:0_1:0)", content)
    linked = await link(server, flow_id, "[0:0_1:0)", await own_url(server, held), new_id())
    await _delete(server, flow_id)
    (await server.get(object_path(linked))).is_status(404)
    if server.wait is not None:
        await _until_bytes_are_gone(server)
    left = await fetch(server, await own_url(server, held))
    same(left.is_status(200).body, content, "bytes held elsewhere")
