"""Statements 194 and 279-290: what webhooks are told."""

from __future__ import annotations

from typing import Any

from tams.conformance.server import Json, Server, ensure, query, same
from tams.conformance.statements import statement
from tams.conformance.subscriptions import (
    WEBHOOKS,
    Subscription,
    idle_body,
    need_webhooks,
    subscribe,
)
from tams.conformance.times import is_instant
from tams.domain.timerange import TimeRange

SEGMENTS = ("[0:0_1:0)", "[1:0_2:0)", "[4:0_5:0)")


async def _told(server: Server, *kinds: str, **fields: Json) -> tuple[Subscription, dict[str, Any]]:
    """A webhook with these options, told of three Segments of a new Flow; the webhook, the Flow."""
    flow = await server.flow()
    wanted = {"flow_ids": [flow["id"]], **fields}
    hook = await subscribe(server, "flows/segments_added", *kinds, **wanted)
    await server.segments(flow["id"], SEGMENTS)
    await _all_segments(hook)
    return hook, flow


async def _all_segments(hook: Subscription) -> list[dict[str, Any]]:
    """Wait for the three Segments, in however many events, and return them."""

    def segments() -> list[dict[str, Any]]:
        return [item for event in hook.of("flows/segments_added") for item in event["segments"]]

    await hook.until(lambda: len(segments()) >= len(SEGMENTS), "all Segments are told")
    return segments()


@statement(194, "I")
async def check_194_segments_deleted_are_told(server: Server) -> None:
    """Deleting Segments tells a timerange that begins and ends within what was deleted."""
    hook, flow = await _told(server, "flows/segments_deleted")
    path = f"/flows/{flow['id']}/segments{query(timerange='[1:0_9:0)')}"
    (await server.delete(path)).is_status(202, 204)
    event = await hook.wait("flows/segments_deleted")
    same(event["flow_id"], flow["id"], "flow_id")
    told = TimeRange.parse(event["timerange"])
    first, last = TimeRange.parse(SEGMENTS[1]), TimeRange.parse(SEGMENTS[2])
    ends = (told.start or 0), (told.end or 0) - 1
    ensure(_holds(first, ends[0]) or _holds(last, ends[0]), f"{told} begins in a gap")
    ensure(_holds(first, ends[1]) or _holds(last, ends[1]), f"{told} ends in a gap")


def _holds(segment: TimeRange, moment: int) -> bool:
    return segment.contains(TimeRange(moment, moment + 1))


@statement(279, "M")
async def check_279_a_delivery_says_what_and_when(server: Server) -> None:
    """Each body is JSON with event_timestamp, a date-time with its zone, event_type and event."""
    flow = await server.flow()
    hook = await subscribe(server, "flows/updated", flow_ids=[flow["id"]])
    await server.set(f"/flows/{flow['id']}/label", "told")
    await hook.wait("flows/updated")
    [delivery] = hook.inbox.deliveries
    same(delivery.event["event_type"], "flows/updated", "event_type")
    ensure(is_instant(delivery.event["event_timestamp"]), f"event_timestamp in {delivery.event!r}")
    ensure(isinstance(delivery.event["event"], dict), f"no event in {delivery.event!r}")
    kind = delivery.headers.get("Content-Type", "")
    ensure(kind.startswith("application/json"), f"Content-Type {kind!r}")


@statement(280, "I")
async def check_280_each_event_tells_its_facts(server: Server) -> None:
    """Created and updated come with the resource, the rest with its id and what was changed."""
    hook = await subscribe(server)
    flow = await server.flow(label="first")
    flow_id, source_id = flow["id"], flow["source_id"]
    await server.segments(flow_id, SEGMENTS)
    (await server.delete(f"/flows/{flow_id}/segments")).is_status(202, 204)
    await server.set(f"/flows/{flow_id}/label", "second")
    await server.set(f"/sources/{source_id}/label", "third")
    seen = await server.read(f"/flows/{flow_id}"), await server.read(f"/sources/{source_id}")
    (await server.delete(f"/flows/{flow_id}")).is_status(202, 204)

    def found(kind: str) -> list[dict[str, Any]]:
        return [event for event in hook.of(kind) if _subject(event) in (flow_id, source_id)]

    await hook.until(lambda: all(map(found, hook.webhook["events"])), "all eight are told")
    same(found("flows/created")[0]["flow"]["label"], "first", "flow.label as created")
    same(found("flows/updated")[0]["flow"], seen[0], "the Flow as updated")
    same(found("sources/created")[0]["source"]["format"], flow["format"], "source.format")
    same(found("sources/updated")[0]["source"], seen[1], "the Source as updated")
    same(found("flows/deleted"), [{"flow_id": flow_id}], "the end of the Flow")
    same(found("sources/deleted"), [{"source_id": source_id}], "the end of the Source")
    for event in found("flows/segments_added"):
        ensure(event["segments"], f"no Segments in {event!r}")
    ensure("timerange" in found("flows/segments_deleted")[0], "no timerange")


def _subject(event: dict[str, Any]) -> str | None:
    resource = event.get("flow") or event.get("source") or {}
    subject: str | None = resource.get("id") or event.get("flow_id") or event.get("source_id")
    return subject


@statement(281, "I")
async def check_281_segments_do_not_update_a_flow(server: Server) -> None:
    """Adding Segments tells segments_added and not updated, which is about metadata."""
    hook, flow = await _told(server, "flows/updated")
    same(hook.of("flows/updated"), [], "flows/updated after Segments")
    await server.set(f"/flows/{flow['id']}/label", "told")
    updated = await hook.wait("flows/updated")
    same(updated["flow"]["label"], "told", "flow.label")
    same(len(hook.of("flows/updated")), 1, "number of flows/updated")


OPTIONS: tuple[dict[str, Json], ...] = (
    {},
    {"verbose_storage": True, "include_object_timerange": True},
    {"presigned": True},
    {"presigned": False},
    {"accept_get_urls": ["no such label"]},
)


@statement(282, "I")
async def check_282_segments_are_told_as_they_are_read(server: Server) -> None:
    """Segments in events look as GET shows them with the same options for their URLs."""
    flow = await server.flow()
    wanted = {"source_ids": [flow["source_id"]]}
    every = [
        (options, await subscribe(server, "flows/segments_added", **wanted, **options))
        for options in OPTIONS
    ]
    await server.segments(flow["id"], SEGMENTS)
    for options, hook in every:
        asked = {
            name: ",".join(value) if isinstance(value, list) else str(value).lower()
            for name, value in options.items()
        }
        read = await server.read(f"/flows/{flow['id']}/segments{query(asked)}")
        told = await _all_segments(hook)
        same(_comparable(told), _comparable(read), f"Segments with {options!r}")


def _comparable(segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Segments with the places of their URLs alone: how long these are good may differ."""
    return sorted(
        (
            segment
            | {
                "get_urls": [
                    {**entry, "url": entry["url"].partition("?")[0].rpartition("/")[2]}
                    for entry in segment.get("get_urls", [])
                ]
            }
            for segment in segments
        ),
        key=lambda segment: str(segment["timerange"]),
    )


@statement(283, "I")
async def check_283_no_labels_no_urls(server: Server) -> None:
    """With an empty accept_get_urls events show no URL."""
    hook, _ = await _told(server, accept_get_urls=[])
    for segment in await _all_segments(hook):
        ensure(not segment.get("get_urls"), f"get_urls in {segment!r}")


def _ids(hook: Subscription, kind: str) -> set[str]:
    """The ids of the Flows or Sources that events of this type were about."""
    name = "flow" if kind.startswith("flows/") else "source"
    return {event[name]["id"] for event in hook.of(kind)}


async def _relabel(server: Server, *flows: dict[str, Any]) -> None:
    for flow in flows:
        for path in (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"):
            await server.set(f"{path}/label", "told")


@statement(284, "I")
async def check_284_filters_choose_what_is_told(server: Server) -> None:
    """Each list lets any of its ids pass, several lists narrow each other.

    flow_ids and flow_collected_by_ids say nothing of events of Sources.
    """
    member, other = await server.flow(), await server.flow()
    collector = await server.flow("multi", flow_collection=[{"id": member["id"], "role": "v"}])
    flows = {flow["id"] for flow in (member, other)}
    sources = {flow["source_id"] for flow in (member, other)}
    by_flow, by_source = [collector["id"]], [collector["source_id"]]
    kinds = ("flows/updated", "sources/updated")
    expected: list[tuple[dict[str, Json], set[str], set[str]]] = [
        ({"flow_ids": [member["id"]]}, {member["id"]}, sources),
        ({"flow_ids": sorted(flows)}, flows, sources),
        ({"source_ids": [other["source_id"]]}, {other["id"]}, {other["source_id"]}),
        ({"source_ids": sorted(sources)}, flows, sources),
        ({"flow_collected_by_ids": by_flow}, {member["id"]}, sources),
        ({"source_collected_by_ids": by_source}, {member["id"]}, {member["source_id"]}),
        (
            {"flow_ids": [other["id"]], "source_ids": [member["source_id"]]},
            set(),
            {member["source_id"]},
        ),
    ]
    hooks = [await subscribe(server, *kinds, **filters) for filters, _, _ in expected]
    await _relabel(server, member, other)
    for hook, (filters, in_flows, in_sources) in zip(hooks, expected, strict=True):
        await _expect(hook, in_flows, in_sources, flows | sources, str(filters))


async def _expect(
    hook: Subscription, flows: set[str], sources: set[str], ours: set[str], what: str
) -> None:
    """Wait for the updates of these Flows and Sources; of ours, no other may come."""

    def told() -> set[str]:
        return (_ids(hook, "flows/updated") | _ids(hook, "sources/updated")) & ours

    await hook.until(lambda: told() >= flows | sources, f"{what}: {flows | sources} are told")
    same(told(), flows | sources, f"{what}: what is told")


@statement(285, "I")
async def check_285_no_collectors_mean_uncollected(server: Server) -> None:
    """An empty list of collectors lets pass what nothing collects; an absent one lets all pass."""
    member, other = await server.flow(), await server.flow()
    await server.flow("multi", flow_collection=[{"id": member["id"], "role": "v"}])
    ours = {flow[name] for flow in (member, other) for name in ("id", "source_id")}
    both = {member["source_id"], other["source_id"]}
    kinds = ("flows/updated", "sources/updated")
    flows = await subscribe(server, *kinds, flow_collected_by_ids=[])
    sources = await subscribe(server, *kinds, source_collected_by_ids=[])
    every = await subscribe(server, *kinds)
    await _relabel(server, member, other)
    await _expect(flows, {other["id"]}, both, ours, "flow_collected_by_ids of none")
    await _expect(sources, {other["id"]}, {other["source_id"]}, ours, "source_collected_by_ids")
    await _expect(every, {member["id"], other["id"]}, both, ours, "no filter")


@statement(286, "D")
async def check_286_no_flows_at_all_are_a_mistake(server: Server) -> None:
    """An empty flow_ids is a 400, since nothing would ever be told."""
    await need_webhooks(server)
    (await server.post(WEBHOOKS, idle_body(flow_ids=[]))).is_status(400)


@statement(287, "I")
async def check_287_deletions_are_filtered_as_it_was(server: Server) -> None:
    """The end of a Flow passes the filters by the Source and the collections that it had."""
    member = await server.flow()
    collector = await server.flow("multi", flow_collection=[{"id": member["id"], "role": "v"}])
    kinds = ("flows/deleted", "sources/deleted")
    hooks = [
        await subscribe(server, *kinds, source_ids=[member["source_id"]]),
        await subscribe(server, *kinds, source_collected_by_ids=[collector["source_id"]]),
        await subscribe(server, "flows/deleted", flow_collected_by_ids=[collector["id"]]),
    ]
    uncollected = await subscribe(server, "flows/deleted", flow_collected_by_ids=[])
    last = await server.flow()
    for flow in (member, last):
        (await server.delete(f"/flows/{flow['id']}")).is_status(202, 204)
    for hook in hooks:
        same(await hook.wait("flows/deleted"), {"flow_id": member["id"]}, "the end of the Flow")
    same(await hooks[0].wait("sources/deleted"), {"source_id": member["source_id"]}, "its Source")

    def ended() -> set[str]:
        return {event["flow_id"] for event in uncollected.of("flows/deleted")}

    await uncollected.until(lambda: last["id"] in ended(), "the end of an uncollected Flow")
    ensure(member["id"] not in ended(), "a collected Flow passes as one that nothing collects")


@statement(289, "I")
async def check_289_each_flow_is_told_in_order(server: Server) -> None:
    """The events of a Flow come in the order of its changes, though the receiver may fail."""
    flow = await server.flow()
    hook = await subscribe(server, "flows/updated", flow_ids=[flow["id"]])
    hook.inbox.status = 503
    labels = [str(number) for number in range(5)]
    for label in labels[:3]:
        await server.set(f"/flows/{flow['id']}/label", label)
    await hook.deliveries(1)
    hook.inbox.status = 204
    before = len(hook.inbox.deliveries)
    for label in labels[3:]:
        await server.set(f"/flows/{flow['id']}/label", label)

    def accepted() -> list[str]:
        since = hook.events[before:]
        return list(dict.fromkeys(event["event"]["flow"]["label"] for event in since))

    await hook.until(lambda: len(accepted()) >= len(labels), "every change is told")
    same(accepted(), labels, "labels in the order of their coming")


@statement(290, "I")
async def check_290_presigned_urls_can_be_left_out(server: Server) -> None:
    """A webhook that wants no presigned URLs, which are keys to the media, is sent none."""
    hook, _ = await _told(server, presigned=False)
    for segment in await _all_segments(hook):
        for entry in segment.get("get_urls", []):
            ensure(entry.get("presigned") is not True, f"a presigned URL in {segment!r}")
