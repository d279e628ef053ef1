"""Flows become a media file: their Segments are fetched and joined, nothing is re-encoded."""

from __future__ import annotations

import shutil
from asyncio import CancelledError
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Literal

from tams.client.client import TAMSClient
from tams.client.extras import require_media
from tams.client.resources import Flow, GetUrl, Segment
from tams.client.transfers import AT_ONCE, Watch, all_of, in_thread
from tams.domain.timerange import TimeRange, parse_timestamp
from tams.errors import Invalid

if TYPE_CHECKING:
    from tams.media.join import Joined
    from tams.media.lanes import Lane, Piece

KINDS: dict[str, Literal["video", "audio"]] = {
    "urn:x-nmos:format:video": "video",
    "urn:x-nmos:format:audio": "audio",
}
BATCH = 4 * AT_ONCE
"""Segments listed and fetched together, soon after their URLs were signed."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written, the Flows of its tracks in order, and what is not in it, and why."""

    joined: Joined
    flows: Sequence[Flow]
    left_out: Sequence[str]


async def export(
    client: TAMSClient, flow_id: str, timerange: TimeRange, out: Path, watch: Watch
) -> Exported:
    """Write the Segments that overlap `timerange` into `out`: of a Flow, or of those it collects.

    `watch` hears of `fetch` and `join`, in nanoseconds of media. Raises `MediaUnreadable`,
    `RequestFailed`, and `Invalid` if there is nothing to write.
    """
    require_media()
    from tams.media.join import MUXERS, join

    if out.suffix.lower() not in MUXERS:
        raise Invalid("OUT", str(out), f"the name must end in {', '.join(MUXERS)}")
    flows, left_out = await _essences(client, flow_id, timerange)
    with TemporaryDirectory(prefix=".tams-export-", dir=out.parent) as folder:
        fetch = _Fetch(client, timerange, Path(folder), watch, sum(map(_length, flows)))
        lanes = [lane for flow in flows for lane in await fetch.lanes(flow)]
        stop = Event()
        tell = partial(_tell, watch, max(map(_length, flows)), stop)
        joined = await in_thread(partial(join, lanes, out, tell), stop)
    return Exported(joined, flows, left_out)


async def _essences(
    client: TAMSClient, flow_id: str, timerange: TimeRange
) -> tuple[list[Flow], list[str]]:
    """Return the Flows with Segments of their own, and why others do not count."""
    flows: list[Flow] = []
    left_out: list[str] = []
    waiting, seen = [flow_id], {flow_id}
    while waiting:
        flow = await client.flow(waiting.pop(0), include_timerange=True, timerange=str(timerange))
        members = [item["id"] for item in flow.get("flow_collection", [])]
        reason = _unusable(flow)
        if "container" not in flow and members:
            waiting += [member for member in members if member not in seen]
            seen.update(members)
        elif reason is None:
            flows.append(flow)
        else:
            left_out.append(f"Flow {flow['id']}: {reason}")
    if not flows:
        raise Invalid("FLOW", flow_id, f"there is nothing to export, {'; '.join(left_out)}")
    return flows, left_out


def _unusable(flow: Flow) -> str | None:
    if "container" not in flow:
        return "it has no container, and so no Segments"
    if flow["format"] not in {*KINDS, "urn:x-nmos:format:multi"}:
        return f"{flow['format']} is not joined into files"
    if TimeRange.parse(flow.get("timerange", "()")).is_empty:
        return "it has no Segments there"
    return None


class _Fetch:
    """Brings Objects into local files; an Object that is used twice is fetched once."""

    def __init__(
        self, client: TAMSClient, timerange: TimeRange, folder: Path, watch: Watch, total: int
    ) -> None:
        self._client = client
        self._timerange = timerange
        self._folder = folder
        self._watch = watch
        self._total = total
        self._done = 0
        self._files: dict[str, Path] = {}
        self._inits: dict[str, Path] = {}

    async def lanes(self, flow: Flow) -> list[Lane]:
        """Return the tracks that a Flow gives, with all their Segments."""
        from tams.media.lanes import Lane
        from tams.media.probe import probe

        pieces: list[Piece] = []
        async for segments in self._batches(flow["id"]):
            pieces += await self._pieces(segments)
        kind = KINDS.get(flow["format"])
        if kind is not None:
            mapping = flow.get("container_mapping", {})
            return [Lane(pieces=pieces, kind=kind, index=mapping.get("format_track_index", 0))]
        inside = await in_thread(partial(probe, pieces[0].path))
        return [
            Lane(pieces=pieces, index=track.index)
            for track in inside.tracks
            if track.carrier is not None
        ]

    async def _batches(self, flow_id: str) -> AsyncIterator[list[Segment]]:
        batch: list[Segment] = []
        listed = self._client.segments(
            flow_id, timerange=str(self._timerange), include_object_timerange=True
        )
        async for segment in listed:
            batch.append(segment)
            if len(batch) == BATCH:
                yield batch
                batch = []
        yield batch

    async def _pieces(self, segments: Sequence[Segment]) -> list[Piece]:
        unknown = {
            segment["object_id"]: segment
            for segment in segments
            if segment["object_id"] not in self._files
        }
        inits = {
            init["object_id"]: init.get("get_urls", [])
            for init in (segment.get("init_object") for segment in unknown.values())
            if init is not None and init["object_id"] not in self._inits
        }
        await all_of(partial(self._init, object_id, urls) for object_id, urls in inits.items())
        await all_of(partial(self._object, segment) for segment in unknown.values())
        return [self._piece(segment) for segment in segments]

    async def _init(self, object_id: str, get_urls: Sequence[GetUrl]) -> None:
        file = self._folder / f"init-{len(self._inits):08}"
        self._inits[object_id] = file
        await self._client.download(get_urls, file)

    async def _object(self, segment: Segment) -> None:
        file = self._folder / f"{len(self._files):08}"
        self._files[segment["object_id"]] = file
        await self._client.download(segment.get("get_urls", []), file)
        if "init_object" in segment:
            init = self._inits[segment["init_object"]["object_id"]]
            await in_thread(partial(_put_behind, init, file))

    def _piece(self, segment: Segment) -> Piece:
        from tams.media.lanes import Piece

        timerange = TimeRange.parse(segment["timerange"])
        self._done += (timerange.end or 0) - (timerange.start or 0)
        self._watch("fetch", self._done, self._total)
        of_object = segment.get("object_timerange")
        return Piece(
            path=self._files[segment["object_id"]],
            timerange=timerange,
            ts_offset=parse_timestamp(segment.get("ts_offset", "0:0")),
            object_timerange=None if of_object is None else TimeRange.parse(of_object),
        )


def _put_behind(init: Path, file: Path) -> None:
    """Make an Object a file that can be read: its own bytes behind those of its init Object."""
    whole = file.with_suffix(".whole")
    with whole.open("wb") as out:
        for part in (init, file):
            with part.open("rb") as source:
                shutil.copyfileobj(source, out)
    whole.replace(file)


def _length(flow: Flow) -> int:
    timerange = TimeRange.parse(flow.get("timerange", "()"))
    return (timerange.end or 0) - (timerange.start or 0)


def _tell(watch: Watch, total: int, stop: Event, done: int) -> None:
    if stop.is_set():
        raise CancelledError
    watch("join", done, total)
