"""Statements 125-139: reading the Segments of a Flow."""

from __future__ import annotations

from typing import Any

from tams.conformance.server import Json, Server, ensure, new_id, query, same
from tams.conformance.statements import statement


async def _listed(server: Server, flow_id: str, **filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await server.read(f"/flows/{flow_id}/segments{query(**filters)}")
    return found


async def _times(server: Server, flow_id: str, **filters: str) -> list[str]:
    return [segment["timerange"] for segment in await _listed(server, flow_id, **filters)]


async def _flow_with(server: Server, *timeranges: str) -> str:
    flow_id: str = (await server.flow())["id"]
    await server.segments(flow_id, timeranges)
    return flow_id


async def _overlaps(server: Server, flow_id: str, timerange: str) -> None:
    """The Flow refuses a Segment of that timerange, and stays as it is."""
    before = await _times(server, flow_id)
    object_id = (await server.allocate(flow_id))[0]["object_id"]
    body = {"object_id": object_id, "timerange": timerange}
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(400)
    same(await _times(server, flow_id), before, f"Segments after {timerange} was refused")


@statement(125, "M")
async def check_125_a_segment_leads_to_its_bytes(server: Server) -> None:
    """A Segment tells its Object, its timerange and where the bytes can be had."""
    flow_id = (await server.flow())["id"]
    registered = await server.segment(flow_id, "[0:0_1:0)")
    [segment] = await _listed(server, flow_id)
    for name in ("object_id", "timerange"):
        same(segment.get(name), registered[name], name)
    ensure(segment.get("get_urls"), f"no get_urls in {segment!r}")
    ensure(all("://" in entry["url"] for entry in segment["get_urls"]), "a URL is not absolute")


@statement(126, "I")
async def check_126_segments_are_sorted_by_time(server: Server) -> None:
    """Segments come in the order of their time, whatever the order of registration."""
    order = ["[-10:0_-5:0)", "[-0:500000000_0:0)", "[2:0_3:0)", "[10:0_11:0)"]
    flow_id = await _flow_with(server, order[2], order[0])
    for timerange in (order[3], order[1]):
        await server.segment(flow_id, timerange)
    same(await _times(server, flow_id), order, "Segments")
    same(await _times(server, flow_id, reverse_order="true"), order[::-1], "reversed")


@statement(127, "M")
async def check_127_an_inclusive_end_counts(server: Server) -> None:
    """A Segment that ends with an instant holds it: none that starts there can follow."""
    flow_id = await _flow_with(server, "[1:0_2:0]", "[3:0]")
    for overlapping in ("[2:0_3:0)", "[2:0]", "[3:0_4:0)", "[2:1_3:0]"):
        await _overlaps(server, flow_id, overlapping)
    await server.segments(flow_id, ["[3:1_4:0)", "[2:1_3:0)"])
    expected = ["[1:0_2:0]", "[2:1_3:0)", "[3:0]", "[3:1_4:0)"]
    same(await _times(server, flow_id), expected, "Segments")


@statement(128, "S")
async def check_128_an_instant_may_follow_an_exclusive_end(server: Server) -> None:
    """An instant does not overlap the Segment that ends before it, but one that starts there."""
    flow_id = await _flow_with(server, "[2:0]", "[1:0_2:0)")
    same(await _times(server, flow_id), ["[1:0_2:0)", "[2:0]"], "Segments")
    await _overlaps(server, flow_id, "[2:0_3:0)")


@statement(129, "I")
async def check_129_touching_is_overlapping_where_both_ends_are_inside(server: Server) -> None:
    """A query finds each Segment that shares an instant with it, and no other."""
    flow_id = await _flow_with(server, "[2:0_3:0)", "[5:0]")
    expected: dict[str, list[str]] = {
        "_2:0]": ["[2:0_3:0)"],
        "[2:0]": ["[2:0_3:0)"],
        "_2:0)": [],
        "[2:500000000_2:600000000)": ["[2:0_3:0)"],
        "[2:999999999_": ["[2:0_3:0)", "[5:0]"],
        "[3:0_5:0)": [],
        "[3:0_5:0]": ["[5:0]"],
        "(5:0_": [],
        "[0:0_10:0)": ["[2:0_3:0)", "[5:0]"],
    }
    for asked, times in expected.items():
        same(await _times(server, flow_id, timerange=asked), times, f"Segments in {asked}")


@statement(130, "I")
async def check_130_the_last_sample_lasts(server: Server) -> None:
    """A Segment is found during its last sample, where no further sample begins."""
    flow_id = (await server.flow())["id"]
    await server.segment(flow_id, "[0:0_10:0)", last_duration="4:0")
    found = await _times(server, flow_id, timerange="[9:0_9:500000000)")
    same(found, ["[0:0_10:0)"], "Segments during the last sample")
    same((await _listed(server, flow_id))[0]["last_duration"], "4:0", "last_duration")
    same(await _times(server, flow_id, timerange="[10:0_11:0)"), [], "Segments after it")


@statement(131, "I")
async def check_131_nothing_overlaps_nothing(server: Server) -> None:
    """Asked for no time there are no Segments; asked for all time, or nothing said, all."""
    flow_id = await _flow_with(server, "[0:0_1:0)", "[5:0_6:0)")
    every = await _times(server, flow_id)
    same(len(every), 2, "Segments")
    same(await _times(server, flow_id, timerange="_"), every, "Segments of all time")
    for nothing in ("()", "[5:0_5:0)", "[6:0_1:0)"):
        same(await _times(server, flow_id, timerange=nothing), [], f"Segments in {nothing}")


@statement(132, "I")
async def check_132_an_instant_finds_what_covers_it(server: Server) -> None:
    """A single timestamp, bracketed or bare, finds the Segment that is on at that time."""
    flow_id = await _flow_with(server, "[0:0_1:0)", "[1:0_2:0)")
    expected = {"0:0": ["[0:0_1:0)"], "1:0": ["[1:0_2:0)"], "1:5": ["[1:0_2:0)"], "2:0": []}
    for instant, times in expected.items():
        for asked in (f"[{instant}]", instant):
            same(await _times(server, flow_id, timerange=asked), times, f"Segments at {asked}")


@statement(133, "D")
async def check_133_an_unknown_flow_has_no_segments(server: Server) -> None:
    """A Flow that is not there has an empty list; an id that cannot be one is a 404."""
    same(await server.read(f"/flows/{new_id()}/segments"), [], "Segments")
    for wrong in ("flow", new_id().upper()):
        (await server.get(f"/flows/{wrong}/segments")).is_status(404)


@statement(134, "I")
async def check_134_segments_are_found_by_object(server: Server) -> None:
    """The Segments of one Object can be listed, in a timerange too."""
    flow_id = (await server.flow())["id"]
    first = await server.segment(flow_id, "[0:0_10:0)")
    again = {"object_id": first["object_id"], "ts_offset": "20:0"}
    await server.segment(flow_id, "[20:0_30:0)", **again)
    await server.segment(flow_id, "[10:0_20:0)")
    found = await _times(server, flow_id, object_id=first["object_id"])
    same(found, ["[0:0_10:0)", "[20:0_30:0)"], "Segments of the Object")
    both = {"object_id": first["object_id"], "timerange": "[5:0_20:0)"}
    same(await _times(server, flow_id, **both), ["[0:0_10:0)"], "Segments in the timerange")
    same(await _times(server, flow_id, object_id=new_id()), [], "Segments of an unknown Object")


@statement(135, "I")
async def check_135_a_page_of_segments_tells_its_limit(server: Server) -> None:
    """A page holds no more Segments than its headers say, and they say if there are more."""
    flow_id = await _flow_with(server, "[0:0_1:0)", "[1:0_2:0)", "[2:0_3:0)")
    for asked, count, more in (
        ({"limit": "2"}, 2, True),
        ({"limit": "3"}, 3, False),
        ({}, 3, False),
    ):
        page = (await server.get(f"/flows/{flow_id}/segments{query(asked)}")).is_status(200)
        same(len(page.json), count, f"Segments with {asked}")
        same(page.headers.get("X-Paging-Count"), str(count), "X-Paging-Count")
        limit = int(page.headers.get("X-Paging-Limit", "0"))
        ensure(limit == int(asked.get("limit", limit)) >= count, f"X-Paging-Limit is {limit}")
        same("X-Paging-NextKey" in page.headers, more, "X-Paging-NextKey given")


@statement(136, "I")
async def check_136_a_page_of_segments_tells_its_timerange(server: Server) -> None:
    """The headers of a page name the time from its first Segment to its last, or none."""
    flow_id = await _flow_with(server, "[0:0_1:0)", "[5:0_6:0)", "[6:0]")
    expected: list[tuple[dict[str, str], str]] = [
        ({}, "[0:0_6:0]"),
        ({"limit": "2"}, "[0:0_6:0)"),
        ({"limit": "2", "reverse_order": "true"}, "[5:0_6:0]"),
        ({"timerange": "[5:500000000_5:600000000)"}, "[5:0_6:0)"),
        ({"timerange": "[2:0_3:0)"}, "()"),
    ]
    for asked, span in expected:
        page = (await server.get(f"/flows/{flow_id}/segments{query(asked)}")).is_status(200)
        same(page.headers.get("X-Paging-Timerange"), span, f"X-Paging-Timerange with {asked}")


@statement(137, "I")
async def check_137_the_objects_timerange_is_told_when_asked(server: Server) -> None:
    """Asked for, the timerange of its Object stands in every Segment; otherwise in none."""
    flow_id = (await server.flow())["id"]
    await server.segment(flow_id, "[0:0_10:0)")
    await server.segment(flow_id, "[22:0_28:0)", ts_offset="20:0", object_timerange="[0:0_10:0)")
    for segment in await _listed(server, flow_id, include_object_timerange="true"):
        same(segment.get("object_timerange"), "[0:0_10:0)", "object_timerange")
    for said in ({}, {"include_object_timerange": "false"}):
        for segment in await _listed(server, flow_id, **said):
            ensure("object_timerange" not in segment, f"object_timerange with {said!r}")


@statement(138, "S")
async def check_138_sample_fields_are_kept(server: Server) -> None:
    """The deprecated offset and count of samples come back as sent, and only if sent."""
    flow_id = (await server.flow())["id"]
    sent: dict[str, Json] = {"sample_offset": 0, "sample_count": 250}
    await server.segment(flow_id, "[0:0_10:0)", **sent)
    await server.segment(flow_id, "[10:0_20:0)")
    with_them, without = await _listed(server, flow_id)
    same({name: with_them.get(name) for name in sent}, sent, "sample fields")
    ensure(not set(sent) & set(without), f"sample fields that nobody sent: {without!r}")


@statement(139, "I")
async def check_139_the_offset_of_time_may_be_negative(server: Server) -> None:
    """The offset from the Object's time to the Flow's is zero unless given, and has a sign."""
    flow_id = (await server.flow())["id"]
    offsets = {"[0:0_1:0)": "0:0", "[1:0_2:0)": "-5:0", "[2:0_3:0)": "-0:250000000"}
    await server.segment(flow_id, "[0:0_1:0)")
    for timerange in list(offsets)[1:]:
        await server.segment(flow_id, timerange, ts_offset=offsets[timerange])
    segments = await _listed(server, flow_id, include_object_timerange="true")
    found = {segment["timerange"]: segment.get("ts_offset", "0:0") for segment in segments}
    same(found, offsets, "ts_offset")
    of_objects = ["[0:0_1:0)", "[6:0_7:0)", "[2:250000000_3:250000000)"]
    same([segment["object_timerange"] for segment in segments], of_objects, "object_timerange")
