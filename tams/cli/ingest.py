"""`tams ingest`: media files become Flows of a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tams import DEFAULT_URL
from tams.cli.remote import Url, bars, connect, run
from tams.domain.timerange import SECOND, bounded, format_timestamp, parse_timestamp
from tams.errors import Invalid

if TYPE_CHECKING:
    from tams.client.plans import Container, Wishes
    from tams.client.resources import Tags

TAI_MINUS_UTC = 37 * SECOND
"""Since 2017-01-01 (application note 0008)."""

INTERRUPTED = "interrupted; the same command goes on where this one stopped"


def ingest(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Media files.")],
    label: Annotated[
        str | None, typer.Option(help="Label of the Flows; the file's name if not given.")
    ] = None,
    source_label: Annotated[
        str | None, typer.Option(help="Label of the Source of the whole file.")
    ] = None,
    segment_duration: Annotated[
        str | None,
        typer.Option(metavar="SECONDS", help="About how long a Segment is; 2 if not given."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIMESTAMP|now",
            help="Where the file begins on the Flows' timeline, 0:0 if not given; now is the time "
            "of day in TAI.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A tag of the Flows; a repeated name is a list."),
    ] = None,
    container: Annotated[
        Literal["auto", "fmp4"],
        typer.Option(
            help="What the Segments' Objects are: auto is MPEG-TS where it takes the codec, else "
            "MOV; fmp4 is fragmented MP4 with its init segment in an Object of its own."
        ),
    ] = "auto",
    url: Url = DEFAULT_URL,
) -> None:
    """Cut media files at key frames into Segments, and store each track as a Flow.

    Nothing is re-encoded. The same file gives the same Flows: ingested again, after an interruption
    or not, it adds only the Segments that are missing.
    """
    run(
        _ingest(
            files,
            url,
            lambda: wishes(label, source_label, segment_duration, start, tag or [], container),
        ),
        if_interrupted=INTERRUPTED,
    )


async def _ingest(files: list[Path], url: str, asked: Callable[[], Wishes]) -> None:
    from tams.client.ingest import ingest as store

    wanted = asked()
    async with connect(url) as client:
        for file in files:
            with bars() as watch:
                done = await store(client, file, wanted, watch)
            for left_out in done.left_out:
                typer.echo(f"tams: {file}: {left_out}", err=True)
            typer.echo(f"{file}: {done.added} of {done.segments} Segments added")
            typer.echo(f"  starts at {format_timestamp(done.start)}")
            for kind, flow_id in done.track_flows:
                typer.echo(f"  {kind:<6} Flow {flow_id}")
            typer.echo(f"  multi  Flow {done.flow_id}")


def wishes(
    label: str | None,
    source_label: str | None,
    segment_duration: str | None,
    start: str | None,
    tags: list[str],
    container: Container,
) -> Wishes:
    """Read the options; raise `Invalid` that names the one that is wrong."""
    from tams.client.plans import Wishes

    now = start == "now"
    return Wishes(
        start=None if start is None or now else _timestamp(start),
        start_if_new=time.time_ns() + TAI_MINUS_UTC if now else 0,
        segment_duration=None if segment_duration is None else _seconds(segment_duration),
        label=label,
        source_label=source_label,
        tags=_tags(tags),
        container=container,
    )


def _timestamp(text: str) -> int:
    try:
        return bounded("--start", parse_timestamp(text))
    except ValueError as error:
        raise Invalid("--start", text, "it must be a timestamp such as 5:0, or now") from error


def _seconds(text: str) -> Fraction:
    try:
        seconds = Fraction(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError):
        seconds = Fraction(0)
    if not Fraction(1, 1000) <= seconds <= 86400:
        rule = "it must be a number of seconds from 0.001 to 86400"
        raise Invalid("--segment-duration", text, rule)
    return seconds


def _tags(texts: list[str]) -> Tags:
    tags: Tags = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise Invalid("--tag", text, "it must be NAME=VALUE")
        earlier = tags.get(name, [])
        known = earlier if isinstance(earlier, list) else [earlier]
        tags[name] = [*known, value] if known else value
    return tags
