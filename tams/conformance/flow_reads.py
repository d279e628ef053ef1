"""Statements 79-92: reading one Flow and listing Flows."""

from __future__ import annotations

from tams.conformance.server import Json, Server, ensure, new_id, query, same
from tams.conformance.statements import statement


async def _timerange(server: Server, flow_id: str, **filters: str) -> str:
    asked = query(include_timerange="true", **filters)
    found: str = (await server.read(f"/flows/{flow_id}{asked}"))["timerange"]
    return found


@statement(79, "I")
async def check_079_an_unknown_flow_is_not_found(server: Server) -> None:
    """A Flow that is not there is a 404, a query that cannot be read is a 400."""
    (await server.get(f"/flows/{new_id()}")).is_status(404)
    path = f"/flows/{(await server.flow())['id']}"
    for wrong in ({"include_timerange": "maybe"}, {"timerange": "soon"}, {"timerange": "[1_2)"}):
        (await server.get(path + query({"include_timerange": "true", **wrong}))).is_status(400)


@statement(80, "I")
async def check_080_a_flow_tells_its_timerange_when_asked(server: Server) -> None:
    """The timerange of a Flow is part of it only on request."""
    path = f"/flows/{(await server.flow())['id']}"
    for asked in ("", "?include_timerange=false"):
        ensure("timerange" not in await server.read(path + asked), f"a timerange with {asked!r}")
    ensure("timerange" in await server.read(f"{path}?include_timerange=true"), "no timerange")


@statement(81, "I")
async def check_081_an_empty_flow_has_an_empty_timerange(server: Server) -> None:
    """A Flow without Segments has the timerange that holds nothing."""
    same(await _timerange(server, (await server.flow())["id"]), "()", "timerange")


@statement(82, "I")
async def check_082_a_timerange_runs_from_first_to_last_segment(server: Server) -> None:
    """The timerange spans all Segments, gaps too, and ends as the last of them does."""
    flow_id = (await server.flow())["id"]
    steps = [
        ("[10:0_20:0)", "[10:0_20:0)"),
        ("[30:0_31:0)", "[10:0_31:0)"),
        ("[40:0]", "[10:0_40:0]"),
        ("[-5:0_-4:500000000)", "[-5:0_40:0]"),
    ]
    for segment, expected in steps:
        await server.segment(flow_id, segment)
        same(await _timerange(server, flow_id), expected, f"timerange with {segment}")


@statement(83, "D")
async def check_083_a_part_of_the_timerange_keeps_whole_segments(server: Server) -> None:
    """Asked about a timerange, a Flow tells the span of the whole Segments that overlap it."""
    flow_id = (await server.flow())["id"]
    await server.segments(flow_id, ["[0:0_10:0)", "[10:0_20:0)", "[20:0_30:0)", "[40:0_50:0)"])
    expected = {
        "[5:0_15:0)": "[0:0_20:0)",
        "[10:0_20:0)": "[10:0_20:0)",
        "[25:0_": "[20:0_50:0)",
        "_10:0]": "[0:0_20:0)",
        "[30:0_40:0)": "()",
        "()": "()",
        "_": "[0:0_50:0)",
    }
    for asked, span in expected.items():
        same(await _timerange(server, flow_id, timerange=asked), span, f"span for {asked}")


@statement(84, "I")
async def check_084_a_timerange_alone_changes_nothing(server: Server) -> None:
    """Naming a timerange without asking for one leaves the answer as it is."""
    flow_id = (await server.flow())["id"]
    await server.segment(flow_id, "[0:0_10:0)")
    plain = await server.read(f"/flows/{flow_id}")
    for asked in ("[5:0_6:0)", "[20:0_30:0)", "()"):
        found = await server.read(f"/flows/{flow_id}{query(timerange=asked)}")
        same(found, plain, f"Flow with {asked}")


@statement(85, "I")
async def check_085_filters_of_flows_hold_together(server: Server) -> None:
    """Every filter of the list of Flows narrows it, alone and with all the others."""
    label, tag = new_id(), new_id()
    flow = await server.flow(label=label, status="ingesting", tags={tag: "red"})
    collector = await server.flow("multi", flow_collection=[{"id": flow["id"]}])
    await server.segment(flow["id"], "[0:0_10:0)")
    fitting_and_other = {
        "source_id": (flow["source_id"], new_id()),
        "timerange": ("[5:0_6:0)", "[20:0_21:0)"),
        "format": ("urn:x-nmos:format:video", "urn:x-nmos:format:audio"),
        "codec": ("video/h264", "video/h265"),
        "label": (label, label[:-1]),
        "status": ("ingesting", "closed_complete"),
        f"tag.{tag}": ("red", "blue"),
        f"tag_exists.{tag}": ("true", "false"),
        "frame_width": ("1920", "1280"),
        "frame_height": ("1080", "720"),
        "init_segments": ("false", "true"),
        "collected_by_ids": (collector["id"], new_id()),
    }
    fitting = {name: fits for name, (fits, _) in fitting_and_other.items()}
    same(await server.ids("/flows", fitting), [flow["id"]], "Flows that fit all filters")
    for name, (fits, other) in fitting_and_other.items():
        alone = await server.ids("/flows", {name: fits, f"tag_exists.{tag}": "true"})
        same(alone, [flow["id"]], f"Flows with {name} {fits}")
        same(await server.ids("/flows", {**fitting, name: other}), [], f"with {name} {other}")
    same(await server.ids("/flows", label=label, profile_id=new_id()), [], "of unknown Profile")


async def _full_and_empty(server: Server) -> tuple[str, str, str]:
    full = await server.flow()
    empty = await server.flow(source_id=full["source_id"])
    await server.segments(full["id"], ["[0:0_1:0)", "[10:0_11:0)"])
    return full["id"], empty["id"], full["source_id"]


@statement(86, "I")
async def check_086_an_empty_timerange_finds_empty_flows(server: Server) -> None:
    """Asking for nothing finds exactly the Flows that hold nothing."""
    _, empty, source_id = await _full_and_empty(server)
    found = await server.ids("/flows", source_id=source_id, timerange="()")
    same(found, [empty], "Flows without content")


@statement(87, "I")
async def check_087_an_endless_timerange_finds_every_flow(server: Server) -> None:
    """Asking for all of time is not asking: empty Flows are found too."""
    full, empty, source_id = await _full_and_empty(server)
    found = await server.ids("/flows", source_id=source_id, timerange="_")
    same(sorted(found), sorted([full, empty]), "Flows at any time")
    same(found, await server.ids("/flows", source_id=source_id), "Flows without the filter")


@statement(88, "D")
async def check_088_a_gap_holds_no_flow(server: Server) -> None:
    """A Flow is found at a time only if one of its Segments is there."""
    full, _, source_id = await _full_and_empty(server)
    expected: dict[str, list[str]] = {
        "[0:500000000_0:600000000)": [full],
        "[0:999999999_10:0)": [full],
        "[1:0_10:0]": [full],
        "[1:0_10:0)": [],
        "[4:0_5:0)": [],
        "[11:0_": [],
    }
    for asked, ids in expected.items():
        found = await server.ids("/flows", source_id=source_id, timerange=asked)
        same(found, ids, f"Flows in {asked}")


@statement(89, "I")
async def check_089_frame_sizes_are_those_of_video(server: Server) -> None:
    """A frame size finds video Flows of that size, not images."""
    label, size = new_id(), {"frame_width": 1920, "frame_height": 1080}
    video = await server.flow(label=label)
    await server.flow("image", label=label, essence_parameters=size)
    await server.flow("audio", label=label)
    for name, value in size.items():
        found = await server.ids("/flows", {name: str(value)}, label=label)
        same(found, [video["id"]], f"Flows with {name} {value}")


@statement(90, "I")
async def check_090_no_init_segments_means_false(server: Server) -> None:
    """A Flow that does not say whether it has init segments has none."""
    label = new_id()
    parameters = {"sample_rate": 48000, "channels": 2}
    said: list[dict[str, Json]] = [{}, {"init_segments": False}, {"init_segments": True}]
    silent, without, having = [
        (await server.flow("audio", label=label, essence_parameters=parameters | more))["id"]
        for more in said
    ]
    found = await server.ids("/flows", label=label, init_segments="false")
    same(sorted(found), sorted([silent, without]), "Flows without init segments")
    same(await server.ids("/flows", label=label, init_segments="true"), [having], "Flows with")


@statement(91, "I")
async def check_091_a_label_matches_whole(server: Server) -> None:
    """A label finds Flows that have exactly it: no part of it, no other case, no wildcard."""
    label = f"Label {new_id()}"
    flow = await server.flow(label=label)
    same(await server.ids("/flows", label=label), [flow["id"]], "Flows of the label")
    for other in (label[:-1], label[1:], label.lower(), f"{label} ", f"{label[:-1]}%", "*"):
        found = await server.ids("/flows", label=other)
        ensure(flow["id"] not in found, f"{label!r} was found as {other!r}")


@statement(92, "I")
async def check_092_malformed_filters_are_refused(server: Server) -> None:
    """A filter whose value cannot be read is a 400, in either list."""
    common = {
        "format": "video",
        "collected_by_ids": "flow",
        "tag_exists.colour": "maybe",
    }
    for name, wrong in common.items():
        (await server.get("/sources" + query({name: wrong}))).is_status(400)
    of_flows = {
        "source_id": new_id().upper(),
        "profile_id": "profile",
        "codec": "h264",
        "timerange": "[0:0-1:0)",
        "status": "done",
        "init_segments": "maybe",
        "frame_width": "wide",
        "frame_height": "10.5",
    }
    for name, wrong in {**common, **of_flows}.items():
        (await server.get("/flows" + query({name: wrong}))).is_status(400)
