"""A media file is uploaded as it is: one Flow, one Segment, and the whole file as its Object.

The ids of Source and Flow follow from the names and the bytes: a file that is uploaded again under
the same names, or whose upload was interrupted, meets its own Flow, and adds what is missing. Two
runs at once make one Segment between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import uuid5

from tams.client.client import TAMSClient
from tams.client.describing import Description, Said, describe
from tams.client.ingest import Contents, contents, ingest
from tams.client.objects import allocate_all
from tams.client.plans import NAMESPACE, Names, Wishes, fingerprint
from tams.client.resources import Flow, SegmentPost
from tams.client.transfers import Watch, in_thread
from tams.errors import Invalid, MediaUnreadable, RequestFailed, TamsError

T = TypeVar("T")

SOURCE_NAME, FLOW_NAME = "Video Source", "Video Flow"
EXTENSIONS = (".mp4", ".mov", ".avi", ".mkv", ".wmv", ".flv")
TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file and what it is to be called; `timeout` is for all of it, in seconds.

    In a `series`, all files of one source name (and of one format) share their Source; else each
    content has its own.
    """

    file: Path
    source_name: str = SOURCE_NAME
    flow_name: str = FLOW_NAME
    series: bool = False
    said: Said = field(default_factory=Said)
    timeout: float = TIMEOUT_S


class Uploaded(NamedTuple):
    """What stands on the server now; `added` is false if it stood there before."""

    source_id: str
    flow_id: str
    added: bool
    notes: Sequence[str]


class Failure(NamedTuple):
    """A file that was not uploaded, and why."""

    file: Path
    error: TamsError


class Plan(NamedTuple):
    """What an upload will make."""

    source_id: str
    flow: Flow
    description: Description


async def plan(upload: Upload) -> Plan:
    """Read the file, and say what would be made of it; asks no server.

    Raises `MediaUnreadable`, and `Invalid` for what is said of it.
    """
    content = await in_thread(partial(fingerprint, upload.file))
    description = await describe(upload.file, upload.said)
    owner = description.format if upload.series else f"{description.format} {content}"
    source_id = str(uuid5(NAMESPACE, f"{owner} upload source {upload.source_name}"))
    flow_id = str(uuid5(NAMESPACE, f"{source_id} upload flow {content} {upload.flow_name}"))
    flow: Flow = {
        "id": flow_id,
        "source_id": source_id,
        "format": description.format,
        "label": upload.flow_name,
        **description.flow,  # type: ignore[typeddict-item]  # members of a Flow, by its writer
    }
    return Plan(source_id, flow, description)


async def upload_file(client: TAMSClient, upload: Upload, watch: Watch) -> Uploaded:
    """Store one file; `watch` hears of its name and the bytes sent.

    Raises `MediaUnreadable`, `Invalid` and `RequestFailed`, which says so where it leaves a Flow
    without its Segment.
    """
    planned = await plan(upload)
    try:
        async with asyncio.timeout(upload.timeout):
            added = await _Storing(client, upload, planned, watch).run()
    except TimeoutError:
        raise RequestFailed(0, f"{_late(upload)}. {_left(planned)}") from None
    return Uploaded(planned.source_id, planned.flow["id"], added, planned.description.notes)


async def plan_cut(upload: Upload) -> Contents:
    """Read the file, and say what `upload_cut` would make of it; asks no server.

    Raises `MediaUnreadable`, and `Invalid` for what is said of it.
    """
    return await contents(upload.file, _wishes(upload))


async def upload_cut(client: TAMSClient, upload: Upload, watch: Watch) -> Uploaded:
    """Store one file in pieces, each track as a Flow of its own: `ingest` under these names.

    Raises as `upload_file` does.
    """
    wishes = _wishes(upload)
    try:
        async with asyncio.timeout(upload.timeout):
            done = await ingest(client, upload.file, wishes, watch)
    except TimeoutError:
        raise RequestFailed(0, f"{_late(upload)}; the same upload again goes on") from None
    notes = (*done.left_out, f"{done.added} of {done.segments} Segments added")
    return Uploaded(done.source_id, done.flow_id, done.added > 0, notes)


async def upload_each(
    uploads: Iterable[Upload],
    work: Callable[[Upload], Awaitable[T]],
    tell: Callable[[Upload, T | Failure], None],
) -> list[Failure]:
    """Do it one after the other, `tell` of each, and go on behind one that fails."""
    failures: list[Failure] = []
    for upload in uploads:
        try:
            tell(upload, await work(upload))
        except (TamsError, OSError) as error:
            told = error if isinstance(error, TamsError) else TamsError(str(error))
            failures.append(Failure(upload.file, told))
            tell(upload, failures[-1])
    return failures


def media_in(folder: Path, extensions: Sequence[str]) -> list[Path]:
    """The files with these ends in a folder, in the order of their names; hidden ones are left out.

    Raises `MediaUnreadable` if it is no folder.
    """
    if not folder.is_dir():
        raise MediaUnreadable(f"{folder} is not a valid directory")
    ends = {extension.lower() for extension in extensions}
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in ends and path.is_file() and not path.name.startswith(".")
    )


def series(
    source_name: str, files: Iterable[Path], prefix: str, said: Said, timeout: float
) -> list[Upload]:
    """One Upload for each file, numbered from 1, of one Source."""
    return [
        Upload(
            file=file,
            source_name=source_name,
            flow_name=f"{prefix} {number:02d}",
            series=True,
            said=said,
            timeout=timeout,
        )
        for number, file in enumerate(files, 1)
    ]


class _Storing:
    """The requests of one upload, in their order."""

    def __init__(self, client: TAMSClient, upload: Upload, planned: Plan, watch: Watch) -> None:
        self._client = client
        self._upload = upload
        self._planned = planned
        self._watch = watch
        self._flow_id: str = planned.flow["id"]

    async def run(self) -> bool:
        """Return whether anything was added."""
        left = ""
        try:
            if await self._holds_segment():
                return False
            label = await self._source_label()
            left = f". {_left(self._planned)}"
            await self._client.put_flow(self._planned.flow)
            # A server may give a new Source the label of its Flow; one of another is kept.
            if label in (None, "", self._upload.flow_name):
                await self._name_source()
            return await self._add()
        except RequestFailed as error:
            said = f"{_explained(error, self._upload.file)}{left}"
            raise RequestFailed(error.status, said, error.retry_after) from error

    async def _holds_segment(self) -> bool:
        try:
            async for _ in self._client.segments(self._flow_id, accept_get_urls="", limit=1):
                return True
        except RequestFailed as error:
            if error.status != 404:
                raise
        return False

    async def _source_label(self) -> str | None:
        """The label of the Source; None if it has none, or is not there yet."""
        try:
            return (await self._client.source(self._planned.source_id)).get("label")
        except RequestFailed as error:
            if error.status != 404:
                raise
        return None

    async def _name_source(self) -> None:
        name = self._upload.source_name
        await self._client.put_source_property(self._planned.source_id, "label", name)

    async def _add(self) -> bool:
        [room] = await allocate_all(self._client, self._flow_id, 1)
        file = self._upload.file
        size = (await in_thread(file.stat)).st_size
        # By a URL that others may have signed: what it does not name, it may not allow.
        progress = partial(self._tell, size)
        await self._client.upload(room, file, progress, plain=True)
        members = self._planned.description.segment
        segment: SegmentPost = {"object_id": room["object_id"], **members}  # type: ignore[typeddict-item]
        failed = await self._client.add_segments(self._flow_id, [segment])
        if not failed:
            return True
        if await self._holds_segment():
            return False  # another run of the same was faster
        why = failed[0].get("error", {}).get("summary", "no reason given")
        raise RequestFailed(200, f"its Segment was refused: {why}")

    def _tell(self, size: int, moved: int) -> None:
        self._watch(self._upload.file.name, moved, size)


def _wishes(upload: Upload) -> Wishes:
    if not upload.said.is_empty:
        raise Invalid("cut", str(upload.file), "its tracks say themselves what they are")
    names = Names(source=upload.source_name, flow=upload.flow_name, series=upload.series)
    return Wishes(label=upload.flow_name, source_label=upload.source_name, names=names)


def _late(upload: Upload) -> str:
    return f"{upload.file}: not uploaded within {upload.timeout:g} s; allow it a longer time"


def _left(planned: Plan) -> str:
    return (
        f"Flow {planned.flow['id']} may be there without its Segment; the same upload again "
        "completes it"
    )


def _explained(error: RequestFailed, file: Path) -> str:
    match error.status:
        case 401 | 403:
            return f"{file}: refused ({error.status}): {error}"
        case 413:
            return f"{file}: it is too large for this server (413): {error}"
        case _ if "EntityTooLarge" in str(error):
            return f"{file}: it is too large for one upload to this store: {error}"
        case _:
            return f"{file}: {error}"
