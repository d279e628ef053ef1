"""Statements 156 to 167 and 183 to 185: how Segments come into a Flow, and which are refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

from tams.conformance.media import listed, object_path, store, timeranges
from tams.conformance.server import Json, Server, ensure, flow_body, new_id, same
from tams.conformance.statements import statement


async def _new(server: Server, flow_id: str, timerange: str, **fields: Json) -> Json:
    """The body of a Segment of an Object that was allocated for it."""
    allocated = (await server.allocate(flow_id))[0]
    return {"object_id": allocated["object_id"], "timerange": timerange, **fields}


async def _refused(server: Server, flow_id: str, timerange: str, **fields: Json) -> None:
    """Fail unless this Segment of a newly allocated Object is a 400 that changes nothing."""
    before = await listed(server, flow_id, accept_get_urls="")
    body = await _new(server, flow_id, timerange, **fields)
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(400)
    same(await listed(server, flow_id, accept_get_urls=""), before, "Segments after a refusal")
    (await server.get(object_path(body["object_id"]))).is_status(404)


@statement(156, "I")
async def check_156_a_segment_comes_alone_or_in_an_array(server: Server) -> None:
    """A request registers one Segment, or an array of them."""
    flow_id = (await server.flow())["id"]
    path = f"/flows/{flow_id}/segments"
    wanted = [f"[{second}:0_{second + 1}:0)" for second in range(4)]
    bodies = [await _new(server, flow_id, timerange) for timerange in wanted]
    for body in (bodies[0], bodies[1:2], bodies[2:]):
        (await server.post(path, body)).is_status(201)
    same(await timeranges(server, flow_id), wanted, "Segments")


@statement(157, "S")
async def check_157_a_request_that_registers_all_is_a_201(server: Server) -> None:
    """Where every Segment of a request is registered the answer is 201, and all are listed."""
    flow_id = (await server.flow())["id"]
    bodies = [await _new(server, flow_id, f"[{n}:0_{n + 1}:0)") for n in range(20)]
    (await server.post(f"/flows/{flow_id}/segments", bodies)).is_status(201)
    found = [(s["object_id"], s["timerange"]) for s in await listed(server, flow_id)]
    same(found, [(b["object_id"], b["timerange"]) for b in bodies], "Segments")


@statement(158, "S")
async def check_158_the_rest_of_an_array_survives_its_failures(server: Server) -> None:
    """An array goes on past a Segment that fails; the 200 lists exactly those that failed."""
    flow_id = (await server.flow())["id"]
    await server.segment(flow_id, "[0:0_1:0)")
    wanted = ["[2:0_3:0)", "nonsense", "[0:0_2:0)", "[3:0_4:0)", "[4:0_4:0)", "[5:0_6:0)"]
    bodies = [await _new(server, flow_id, timerange) for timerange in wanted]
    answer = (await server.post(f"/flows/{flow_id}/segments", bodies)).is_status(200).json
    failed = answer["failed_segments"]
    bad = [bodies[1]["object_id"], bodies[2]["object_id"], bodies[4]["object_id"]]
    same(sorted(item["object_id"] for item in failed), sorted(bad), "failed_segments")
    for item in failed:
        missing = {"type", "summary", "time"} - set(item["error"])
        ensure(not missing, f"the error of a failed Segment lacks {missing}")
    (overlapping,) = (item for item in failed if item["object_id"] == bodies[2]["object_id"])
    same(overlapping.get("timerange", "[0:0_2:0)"), "[0:0_2:0)", "timerange of a failed Segment")
    kept = ["[0:0_1:0)", "[2:0_3:0)", "[3:0_4:0)", "[5:0_6:0)"]
    same(await timeranges(server, flow_id), kept, "Segments")


@statement(159, "D")
async def check_159_only_a_readable_array_can_fail_in_parts(server: Server) -> None:
    """An array of which all fail is a 200; one failing Segment, or no Segments at all, a 400."""
    flow_id = (await server.flow())["id"]
    path = f"/flows/{flow_id}/segments"
    bad = await _new(server, flow_id, "()")
    failed = (await server.post(path, [bad, bad])).is_status(200).json["failed_segments"]
    same([item["object_id"] for item in failed], [bad["object_id"]] * 2, "failed_segments")
    (await server.post(path, bad)).is_status(400)
    for body in ("text", 7, True):
        (await server.post(path, body)).is_status(400)
    kind = {"Content-Type": "application/json"}
    for content in (b"", b"null", b"{", b"[{}", b'{"object_id": \xff}'):
        (await server.post(path, content=content, headers=kind)).is_status(400)
    same(await timeranges(server, flow_id), [], "Segments")


@statement(160, "I")
async def check_160_only_an_existing_flow_takes_segments(server: Server) -> None:
    """A Segment for a Flow that does not exist is a 404, although reading its list is not."""
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    body = {"object_id": object_id, "timerange": "[0:0_1:0)"}
    (await server.post(f"/flows/{new_id()}/segments", body)).is_status(404)
    (await server.post("/flows/no-uuid/segments", body)).is_status(404)


@statement(161, "I")
async def check_161_a_flow_without_container_takes_no_segments(server: Server) -> None:
    """Segments are refused until the Flow says what container its Objects are in."""
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    flow = flow_body(container=None)
    path, body = f"/flows/{flow['id']}", {"object_id": object_id, "timerange": "[0:0_1:0)"}
    (await server.put(path, flow)).is_status(201)
    (await server.post(f"{path}/segments", body)).is_status(400)
    await server.set(path, {**flow, "container": "video/mp2t"})
    (await server.post(f"{path}/segments", body)).is_status(201)


@statement(162, "S")
async def check_162_a_read_only_flow_takes_no_segments(server: Server) -> None:
    """Segments for a Flow that is read-only are a 403, until it is so no longer."""
    flow_id = (await server.flow())["id"]
    body = await _new(server, flow_id, "[0:0_1:0)")
    for read_only, status in ((True, 403), (False, 201)):
        await server.set(f"/flows/{flow_id}/read_only", read_only)
        (await server.post(f"/flows/{flow_id}/segments", body)).is_status(status)


@statement(163, "M")
async def check_163_ends_are_inclusive_or_exclusive_as_samples_need(server: Server) -> None:
    """A start is inclusive, an end of either kind; both come back as they were sent."""
    flow_id = (await server.flow("data"))["id"]
    wanted = ["[0:0_1:0)", "[2:0_3:0]", "[5:0]", "[6:0_6:1)"]
    await server.segments(flow_id, wanted)
    same(await timeranges(server, flow_id), wanted, "Segments")


@statement(164, "D")
async def check_164_a_segment_has_a_bounded_time_with_its_start(server: Server) -> None:
    """Empty, unbounded, exclusive-start and unrepresentable timeranges are refused."""
    flow_id = (await server.flow())["id"]
    for timerange in ("()", "[1:0_1:0)", "[2:0_1:0)", "_", "[0:0_", "_1:0)", "(0:0_1:0)"):
        await _refused(server, flow_id, timerange)
    for timerange in ("[9223372037:0_9223372038:0)", "[-9223372038:0_0:0)"):
        await _refused(server, flow_id, timerange)
    for timerange in ("", "0", "[0:0-1:0)", "[00:0_1:0)", "[0:1000000000_2:0)", "[0.5_1:0)"):
        await _refused(server, flow_id, timerange)


@statement(165, "M")
async def check_165_segments_of_a_flow_never_overlap(server: Server) -> None:
    """Of Segments that share an instant one at most is registered, whoever comes first."""
    flow_id = (await server.flow())["id"]
    await server.segments(flow_id, ["[0:0_2:0)", "[10:0_11:0]"])
    for timerange in ("[1:0_3:0)", "[0:0_1:0)", "[-1:0_5:0)", "[1:999999999]", "[11:0_12:0)"):
        await _refused(server, flow_id, timerange)
    batch = [await _new(server, flow_id, timerange) for timerange in ("[4:0_6:0)", "[5:0_7:0)")]
    answer = await server.post(f"/flows/{flow_id}/segments", batch)
    same(len(answer.is_status(200).json["failed_segments"]), 1, "failures within one array")
    rivals = [await _new(server, flow_id, f"[20:{n}_21:{n})") for n in range(8)]
    posts = (server.post(f"/flows/{flow_id}/segments", body) for body in rivals)
    outcome = Counter(answer.status for answer in await asyncio.gather(*posts))
    same(outcome, {201: 1, 400: 7}, "answers to eight Segments that compete for one place")
    same(len(await timeranges(server, flow_id)), 4, "Segments")
    await server.segment(flow_id, "[2:0_3:0)")


@statement(166, "I")
async def check_166_segments_come_in_any_order(server: Server) -> None:
    """Segments may be registered out of order, and a gap may be filled later."""
    flow_id = (await server.flow())["id"]
    for timerange in ("[4:0_5:0)", "[-2:0_-1:0)", "[0:0_1:0)", "[1:0_4:0)", "[-1:0_0:0)"):
        await server.segment(flow_id, timerange)
    wanted = ["[-2:0_-1:0)", "[-1:0_0:0)", "[0:0_1:0)", "[1:0_4:0)", "[4:0_5:0)"]
    same(await timeranges(server, flow_id), wanted, "Segments")


@statement(167, "D")
async def check_167_a_segment_may_be_sent_again_but_not_changed(server: Server) -> None:
    """The same Segment again is a 201 that changes nothing; another in its place is a 400."""
    flow = await server.flow()
    path = f"/flows/{flow['id']}"
    body = await _new(server, flow["id"], "[10:0_11:0)", ts_offset="10:0", key_frame_count=1)
    (await server.post(f"{path}/segments", body)).is_status(201)
    before = await listed(server, flow["id"], accept_get_urls=""), await server.read(path)
    await server.later()
    (await server.post(f"{path}/segments", body)).is_status(201)
    (await server.post(f"{path}/segments", [body])).is_status(201)
    other = await _new(server, flow["id"], "[10:0_11:0)", ts_offset="10:0")
    changes = {"ts_offset": "9:0"}, {"timerange": "[10:0_11:0]"}, {"key_frame_count": 2}
    for different in (other, *({**body, **change} for change in changes)):
        (await server.post(f"{path}/segments", different)).is_status(400)
    after = await listed(server, flow["id"], accept_get_urls=""), await server.read(path)
    same(after, before, "the Flow and its Segments")


@statement(183, "I")
async def check_183_last_duration_is_not_negative(server: Server) -> None:
    """A last_duration is kept as it was sent, and refused if it is negative."""
    flow_id = (await server.flow())["id"]
    await server.segment(flow_id, "[0:0_1:0)", last_duration="0:40000000")
    (segment,) = await listed(server, flow_id)
    same(segment.get("last_duration"), "0:40000000", "last_duration")
    for negative in ("-1:0", "-0:1"):
        await _refused(server, flow_id, "[1:0_2:0)", last_duration=negative)


@statement(184, "I")
async def check_184_registering_shows_on_the_flow(server: Server) -> None:
    """A new Segment moves the Flow's segments_updated and widens its timerange."""
    flow_id = (await server.flow())["id"]
    path = f"/flows/{flow_id}?include_timerange=true"
    same((await server.read(path))["timerange"], "()", "timerange of a Flow without Segments")
    times = []
    for timerange, whole in (("[1:0_2:0)", "[1:0_2:0)"), ("[5:0_6:0)", "[1:0_6:0)")):
        await server.later()
        await server.segment(flow_id, timerange)
        flow = await server.read(path)
        same(flow["timerange"], whole, "timerange of the Flow")
        times.append(datetime.fromisoformat(flow["segments_updated"]))
    ensure(times[0] < times[1], f"segments_updated does not move: {times}")


@statement(185, "I")
async def check_185_times_are_exact_to_the_nanosecond(server: Server) -> None:
    """The time on an Object's own timeline is timerange less ts_offset, exactly."""
    flow_id = (await server.flow())["id"]
    exact = {
        ("[1694429247:40000000_1694429249:40000001)", "1694429247:39999999"): "[0:1_2:2)",
        ("[0:0_1:0)", "-1694429247:123456789"): "[1694429247:123456789_1694429248:123456789)",
        ("[-0:5_-0:2)", "0:3"): "[-0:8_-0:5)",
        ("[9007199254:740993_9007199254:740995)", "9007199254:740992"): "[0:1_0:3)",
    }
    for (timerange, offset), wanted in exact.items():
        await server.segment(flow_id, timerange, ts_offset=offset)
        found = await listed(server, flow_id, timerange=timerange, include_object_timerange="true")
        same([s["object_timerange"] for s in found], [wanted], f"{timerange} less {offset}")
        same([s["timerange"] for s in found], [timerange], "timerange")
