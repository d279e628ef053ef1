"""`tams export`: Flows of a server become a media file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tams import DEFAULT_URL
from tams.cli.remote import Url, bars, connect, run
from tams.domain.timerange import TimeRange
from tams.errors import Invalid

if TYPE_CHECKING:
    from tams.client.export import Exported


def export(
    flow: Annotated[str, typer.Argument(help="A Flow, or one that collects others.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.{mp4,mov,ts,mkv}", help="The file to write.")],
    timerange: Annotated[
        str, typer.Option(metavar="TIMERANGE", help="Only the Segments that overlap it.")
    ] = "_",
    url: Url = DEFAULT_URL,
) -> None:
    """Fetch the Segments of a Flow and join them into a file, without re-encoding.

    A Flow that collects others gives a file with a track for each of them.
    """
    run(_export(flow, out, timerange, url))


async def _export(flow: str, out: Path, timerange: str, url: str) -> None:
    from tams.client.export import export as write

    wanted = _timerange(timerange)
    async with connect(url) as client:
        with bars() as watch:
            done = await write(client, flow, wanted, out, watch)
    for note in notes(done):
        typer.echo(f"tams: {note}", err=True)
    typer.echo(out)


def notes(done: Exported) -> list[str]:
    """Return what a listener or viewer of the file should know."""
    joined = done.joined
    said = list(done.left_out)
    for number, samples in enumerate(joined.priming):
        if samples:
            said.append(
                f"{joined.path}: track {number} begins with {samples} samples of codec priming, "
                f"which {joined.path.suffix} cannot hide; .mp4 and .mov can"
            )
    if joined.lost_frames:
        said.append(
            f"{joined.path}: {joined.lost_frames} frames of partly used Objects are left out: "
            f"they cannot be decoded without frames outside their Segments"
        )
    return said


def _timerange(text: str) -> TimeRange:
    try:
        return TimeRange.parse(text)
    except ValueError as error:
        rule = "it must be a timerange such as [0:0_10:0)"
        raise Invalid("--timerange", text, rule) from error
