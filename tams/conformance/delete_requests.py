"""Statements 190 and 196 to 203: deletions that go on behind the answer, and what tells of them."""

from __future__ import annotations

from datetime import datetime

from tams.conformance.clock import MARGIN, elapse
from tams.conformance.server import Answer, Json, Server, ensure, new_id, query, same
from tams.conformance.statements import Skipped, statement
from tams.domain.timerange import TimeRange

REQUESTS = "/flow-delete-requests"
MANY = 1200
BATCH = 400


async def _long_flow(server: Server) -> str:
    """The id of a new Flow with more Segments of one Object than servers delete at once."""
    flow_id: str = (await server.flow())["id"]
    object_id = (await server.segment(flow_id, "[0:0_1:0)"))["object_id"]
    for begin in range(1, MANY, BATCH):
        bodies = [
            {
                "object_id": object_id,
                "timerange": f"[{second}:0_{second + 1}:0)",
                "ts_offset": f"{second}:0",
            }
            for second in range(begin, min(begin + BATCH, MANY))
        ]
        (await server.post(f"/flows/{flow_id}/segments", bodies)).is_status(201)
    return flow_id


async def _accepted(server: Server, path: str) -> Answer:
    """The 202 to a DELETE of many Segments; skip where they are deleted before the answer."""
    answer = (await server.delete(path)).is_status(202, 204)
    if answer.status == 204:
        raise Skipped(f"this server deletes {MANY} Segments before it answers")
    return answer


async def _finished(server: Server, request_id: str) -> Json:
    """The request once it is done."""

    async def is_done() -> Json:
        found = await server.read(f"{REQUESTS}/{request_id}")
        return found if found["status"] == "done" else None

    return await server.until(is_done, f"the end of deletion {request_id}")


@statement(190, "I")
async def check_190_a_long_delete_of_segments_is_accepted(server: Server) -> None:
    """Too many Segments for one answer: a 202 leads to the request, which deletes just those."""
    flow_id = await _long_flow(server)
    path = f"/flows/{flow_id}/segments"
    answer = await _accepted(server, path + query(timerange="[0:500000000_1199:0)"))
    request = answer.json
    same(await _id_at(server, answer), request["id"], "id of the request at Location")
    same(request["flow_id"], flow_id, "flow_id")
    await _finished(server, request["id"])
    left = [segment["timerange"] for segment in await server.read(path)]
    same(left, ["[0:0_1:0)", "[1199:0_1200:0)"], "Segments that the timerange does not cover")


async def _id_at(server: Server, answer: Answer) -> Json:
    ensure("Location" in answer.headers, f"{answer.request}: a 202 without a Location")
    return (await server.read(answer.headers["Location"]))["id"]


@statement(196, "I")
async def check_196_a_flow_is_deleted_now_or_later(server: Server) -> None:
    """A Flow's DELETE is a 204, or a 202 with a Location; 404 if unknown, 403 if read-only."""
    short = (await server.flow(read_only=True))["id"]
    (await server.delete(f"/flows/{short}")).is_status(403)
    await server.set(f"/flows/{short}/read_only", value=False)
    (await server.delete(f"/flows/{short}")).is_status(202, 204)
    for unknown in (short, new_id(), "no-uuid"):
        (await server.delete(f"/flows/{unknown}")).is_status(404)
    long = await _long_flow(server)
    answer = await _accepted(server, f"/flows/{long}")
    same(await _id_at(server, answer), answer.json["id"], "id of the request at Location")


@statement(197, "I")
async def check_197_a_request_tells_what_and_how_far(server: Server) -> None:
    """A request names Flow, timerange and status; what remains shrinks until it is done."""
    flow_id = await _long_flow(server)
    path = f"/flows/{flow_id}/segments{query(timerange='[10:0_1100:0)')}"
    request = (await _accepted(server, path)).json
    for name in ("id", "flow_id", "timerange_to_delete", "delete_flow", "status"):
        ensure(name in request, f"a request without {name}")
    same(request["timerange_to_delete"], "[10:0_1100:0)", "timerange_to_delete")
    ensure(request["status"] in ("created", "started", "done"), f"status {request['status']}")
    asked = TimeRange.parse(request["timerange_to_delete"])
    remaining = TimeRange.parse(request.get("timerange_remaining", "()"))
    ensure(asked.contains(remaining), f"{remaining} remains of {asked}")
    done = await _finished(server, request["id"])
    same(done.get("timerange_remaining", "()"), "()", "timerange_remaining of what is done")
    ensure("error" not in done, "a request that is done has an error")
    same(done["flow_id"], flow_id, "flow_id")


@statement(198, "S")
async def check_198_a_request_names_its_creator(server: Server) -> None:
    """created_by of a request is whoever asked, as it is of a Flow made by the same caller."""
    flow_id = await _long_flow(server)
    creator = (await server.read(f"/flows/{flow_id}")).get("created_by")
    request = (await _accepted(server, f"/flows/{flow_id}")).json
    same(request.get("created_by"), creator, "created_by")


@statement(199, "I")
async def check_199_a_request_says_whether_the_flow_goes(server: Server) -> None:
    """delete_flow is true where a Flow is deleted, and false where only its Segments are."""
    for part, whole in (("/segments", False), ("", True)):
        answer = await _accepted(server, f"/flows/{await _long_flow(server)}{part}")
        same(answer.json["delete_flow"], whole, f"delete_flow of {answer.request}")
        found = await server.read(f"{REQUESTS}/{answer.json['id']}")
        same(found["delete_flow"], whole, f"delete_flow of {found['id']}")


@statement(200, "I")
async def check_200_requests_are_listed(server: Server) -> None:
    """The list shows one at least while there is any, by created or by expiry."""
    for _ in range(2):
        await _accepted(server, f"/flows/{await _long_flow(server)}")
        await server.later()
    for key in ("created", "expiry"):
        for reverse in (False, True):
            asked = query(sort_by=key, reverse_order=str(reverse).lower())
            found = await server.read(REQUESTS + asked)
            ensure(found, f"GET {REQUESTS}{asked} is empty")
            dated = [key in item for item in found]
            same(dated, sorted(dated, reverse=not reverse), f"which of {asked} have {key}")
            dates = [item[key] for item in found if key in item]
            same(dates, sorted(dates, reverse=not reverse), f"{key} of {REQUESTS}{asked}")
    usual = await server.ids(REQUESTS)
    by_created = await server.ids(REQUESTS, sort_by="created")
    # Others begin and end meanwhile: what both lists show must be in one order.
    shown = [each for each in usual if each in by_created]
    ensure(shown, f"GET {REQUESTS} and the same by created have nothing in common")
    same(shown, [each for each in by_created if each in usual], "the usual order")
    paged = (await server.get(REQUESTS + query(limit="1"))).is_status(200)
    same(len(paged.json), 1, "requests on a page of one")
    same(paged.headers.get("X-Paging-Count"), "1", "X-Paging-Count of a page of one")


@statement(201, "I")
async def check_201_a_request_disappears_when_it_expires(server: Server) -> None:
    """After its expiry a request is a 404, and on no list."""
    for unknown in (new_id(), "none"):
        (await server.get(f"{REQUESTS}/{unknown}")).is_status(404)
    request = (await _accepted(server, f"/flows/{await _long_flow(server)}")).json
    done = await _finished(server, request["id"])
    if "expiry" not in done:
        raise Skipped("requests of this server do not expire")
    lifetime = datetime.fromisoformat(done["expiry"]) - datetime.fromisoformat(done["updated"])
    ensure(request["id"] in await server.ids(REQUESTS), "a request that is done is on no list")
    await elapse(server, int(lifetime.total_seconds()) + MARGIN)
    (await server.get(f"{REQUESTS}/{request['id']}")).is_status(404)
    ensure(request["id"] not in await server.ids(REQUESTS), "an expired request is listed")


@statement(202, "D")
async def check_202_a_deleted_flow_is_gone_at_once(server: Server) -> None:
    """From the answer on a deleted Flow is unknown, and one made again in its place is empty."""
    flow_id = await _long_flow(server)
    request = (await _accepted(server, f"/flows/{flow_id}")).json
    (await server.get(f"/flows/{flow_id}")).is_status(404)
    same(await server.read(f"/flows/{flow_id}/segments"), [], "Segments of a deleted Flow")
    await server.flow(id=flow_id)
    same(await server.read(f"/flows/{flow_id}/segments"), [], "Segments of the new Flow")
    await server.segment(flow_id, "[7:0_8:0)")
    await _finished(server, request["id"])
    left = [segment["timerange"] for segment in await server.read(f"/flows/{flow_id}/segments")]
    same(left, ["[7:0_8:0)"], "Segments of the new Flow after the deletion of the old")


@statement(203, "I")
async def check_203_location_is_the_path_of_the_request(server: Server) -> None:
    """The Location of a 202 ends in the path that the standard defines for the request."""
    for part in ("/segments", ""):
        answer = await _accepted(server, f"/flows/{await _long_flow(server)}{part}")
        location = answer.headers.get("Location", "")
        ensure(location.endswith(f"{REQUESTS}/{answer.json['id']}"), f"Location {location!r}")
        (await server.head(location)).is_status(200)
