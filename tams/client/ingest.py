"""A media file becomes Flows, Segments and Objects of a server.

Every Flow's id follows from the file's bytes and the container: a file that is ingested again, or
whose ingest was interrupted, meets its own Flows and adds only the Segments that are missing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from tams.client.bit_rates import Measured, bit_rates
from tams.client.client import TAMSClient
from tams.client.extras import require_media
from tams.client.objects import InitObjects, allocate_all
from tams.client.plans import Naming, Plan, Wishes, fingerprint
from tams.client.resources import Flow, SegmentPost
from tams.client.transfers import Tally, Watch, all_of, in_thread
from tams.domain.timerange import TimeRange, format_timestamp
from tams.errors import Invalid, MediaUnreadable, RequestFailed

if TYPE_CHECKING:
    from tams.media.cut import CutObject
    from tams.media.probe import Media, Track

BATCH = 32
"""Segments that are cut, uploaded and registered together: all that an interruption costs."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What stands on the server now; `added` Segments of all `segments` are new."""

    source_id: str
    flow_id: str
    track_flows: Sequence[tuple[str, str]]
    """Of each track: `video` or `audio`, and the id of its Flow."""
    left_out: Sequence[str]
    """What of the file could not be stored, and why."""
    start: int
    segments: int
    added: int


class Contents(NamedTuple):
    """What a file holds: the tracks that can be stored, and what cannot, with the reason."""

    naming: Naming
    media: Media
    tracks: Sequence[Track]
    left_out: Sequence[str]


async def contents(file: Path, wishes: Wishes) -> Contents:
    """Read what would be stored of `file`; asks no server.

    Raises `MediaUnreadable`, and `Invalid` for a container that does not take a track of it.
    """
    require_media()
    from tams.media.probe import probe

    naming = Naming(await in_thread(partial(fingerprint, file)), file.name, wishes)
    fragmented = wishes.container == "fmp4"
    media = await in_thread(partial(probe, file, fragmented=fragmented))
    if fragmented:
        _require_carriers(media)
    tracks = [track for track in media.tracks if track.carrier is not None]
    if not tracks:
        raise MediaUnreadable(f"{file}: no container takes any of its tracks as it is")
    left_out = [
        f"track {track.index} ({track.codec}) is left out: no container takes it as it is"
        for track in media.tracks
        if track not in tracks
    ]
    return Contents(naming, media, tracks, left_out)


async def ingest(client: TAMSClient, file: Path, wishes: Wishes, watch: Watch) -> Ingested:
    """Store each track of `file` as a Flow, and a multi-essence Flow that collects them.

    `watch` hears of the file's name and the bytes stored, of about as many as the file has. Raises
    `MediaUnreadable`, `RequestFailed`, and `Invalid` where a wish contradicts an earlier ingest of
    this file.
    """
    found = await contents(file, wishes)
    naming, tracks = found.naming, found.tracks
    plan = await _declare(client, naming, tracks, wishes)
    tally = await in_thread(partial(_tally, file, watch))
    stores = [
        _TrackStore(client, found.media, track, naming.flow_id(track), plan, tally)
        for track in tracks
    ]
    added = sum([await store.run() for store in stores])
    return Ingested(
        source_id=naming.source_id,
        flow_id=naming.multi_id,
        track_flows=[(track.kind, naming.flow_id(track)) for track in tracks],
        left_out=found.left_out,
        start=plan.start,
        segments=sum(len(store.measured) for store in stores),
        added=added,
    )


def _require_carriers(media: Media) -> None:
    """Refuse a container that cannot hold a track which another one may."""
    for track in media.tracks:
        if track.carrier is None and track.parameters is not None:
            said = f"{media.path}: MP4 cannot hold track {track.index} ({track.codec}) as it is"
            raise Invalid("container", "fmp4", f"{said}; it must be auto for this file")


async def _declare(
    client: TAMSClient, naming: Naming, tracks: Sequence[Track], wishes: Wishes
) -> Plan:
    """Create the Flows that are missing; return the plan that those already there follow."""
    ids = [*(naming.flow_id(track) for track in tracks), naming.multi_id]
    known = {flow_id: await _existing(client, flow_id) for flow_id in ids}
    earlier = next((flow for flow in known.values() if flow is not None), None)
    sibling = await _first(client, naming.sibling_ids(tracks)) if earlier is None else None
    plan = Plan.of(wishes, earlier, sibling)
    multi = naming.multi_flow(tracks, plan)
    for flow in [*(naming.track_flow(track, plan) for track in tracks), multi]:
        if known[flow["id"]] is None:
            await client.put_flow(flow)
    if wishes.source_label is not None:
        await client.put_source_property(multi["source_id"], "label", wishes.source_label)
    return plan


class _TrackStore:
    """Cuts one track and stores what its Flow does not hold yet."""

    def __init__(
        self, client: TAMSClient, media: Media, track: Track, flow_id: str, plan: Plan, tally: Tally
    ) -> None:
        self._client = client
        self._media = media
        self._track = track
        self._flow_id = flow_id
        self._plan = plan
        self._tally = tally
        self.measured: list[Measured] = []

    async def run(self) -> int:
        """Return how many Segments were added."""
        held, inits = await self._held()
        added = 0
        with (
            TemporaryDirectory(prefix="tams-ingest-") as folder,
            closing(self._cuts(Path(folder))) as cuts,
        ):
            while batch := await in_thread(lambda: list(islice(cuts, BATCH))):
                missing = [item for item in batch if item.timerange not in held]
                await self._add(missing, inits)
                added += len(missing)
                for item in batch:
                    self._measure(item, moved=item.timerange not in held)
        await self._set_bit_rates()
        return added

    def _cuts(self, folder: Path) -> Generator[CutObject]:
        from tams.media.cut import cut

        plan = self._plan
        yield from cut(
            self._media,
            self._track,
            folder,
            start=plan.start,
            segment_duration=plan.segment_ns,
        )

    async def _held(self) -> tuple[set[TimeRange], InitObjects]:
        """Return where the Flow has Segments already, and its init Objects."""
        timeranges, init_ids = set[TimeRange](), set[str]()
        async for segment in self._client.segments(self._flow_id, accept_get_urls=""):
            timeranges.add(TimeRange.parse(segment["timerange"]))
            if "init_object" in segment:
                init_ids.add(segment["init_object"]["object_id"])
        carrier = self._track.carrier
        content_type = None if carrier is None else carrier.init_mime_type
        return timeranges, InitObjects(self._client, self._flow_id, content_type, init_ids)

    async def _add(self, cuts: Sequence[CutObject], inits: InitObjects) -> None:
        init_ids = [await inits.id_of(item.init) for item in cuts]
        rooms = await allocate_all(self._client, self._flow_id, len(cuts))
        await all_of(
            partial(self._client.upload, room, item.path, self._tally.part())
            for room, item in zip(rooms, cuts, strict=True)
        )
        segments = [
            _segment(item, room["object_id"], init_id)
            for room, item, init_id in zip(rooms, cuts, init_ids, strict=True)
        ]
        failed = await self._client.add_segments(self._flow_id, segments)
        if failed:
            why = failed[0].get("error", {}).get("summary", "no reason given")
            where = failed[0].get("timerange", failed[0]["object_id"])
            raise RequestFailed(
                200, f"{len(failed)} Segments of Flow {self._flow_id} were refused, {where}: {why}"
            )

    def _measure(self, item: CutObject, *, moved: bool) -> None:
        timerange = item.timerange
        self.measured.append(Measured(timerange.start or 0, timerange.end or 0, item.size))
        if not moved:
            self._tally.add(item.size)
        item.path.unlink()

    async def _set_bit_rates(self) -> None:
        rates = bit_rates(self.measured, self._plan.segment_ns)
        if rates is None:
            return
        flow = await self._client.flow(self._flow_id)
        if flow.get("avg_bit_rate") != rates.average:
            await self._client.put_flow_property(self._flow_id, "avg_bit_rate", rates.average)
        if flow.get("max_bit_rate") != rates.maximum:
            await self._client.put_flow_property(self._flow_id, "max_bit_rate", rates.maximum)


def _segment(item: CutObject, object_id: str, init_object_id: str | None) -> SegmentPost:
    segment: SegmentPost = {
        "object_id": object_id,
        "timerange": str(item.timerange),
        "object_timerange": str(item.object_timerange),
        "last_duration": format_timestamp(item.last_duration),
    }
    if item.ts_offset:
        segment["ts_offset"] = format_timestamp(item.ts_offset)
    if item.key_frame_count is not None:
        segment["key_frame_count"] = item.key_frame_count
    if init_object_id is not None:
        segment["init_object_id"] = init_object_id
    return segment


async def _first(client: TAMSClient, flow_ids: Sequence[str]) -> Flow | None:
    for flow_id in flow_ids:
        flow = await _existing(client, flow_id)
        if flow is not None:
            return flow
    return None


async def _existing(client: TAMSClient, flow_id: str) -> Flow | None:
    try:
        return await client.flow(flow_id)
    except RequestFailed as error:
        if error.status == 404:
            return None
        raise


def _tally(file: Path, watch: Watch) -> Tally:
    size = file.stat().st_size
    return Tally(lambda moved: watch(file.name, moved, size))
