"""`tams upload`: media files are stored as they are, one Flow and one Object each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tams import DEFAULT_URL
from tams.cli.remote import bars, connect, run, server_option
from tams.errors import Invalid, MediaUnreadable, TamsError

if TYPE_CHECKING:
    from tams.client.describing import Said
    from tams.client.ingest import Contents
    from tams.client.upload import Failure, Plan, Upload, Uploaded

INTERRUPTED = "interrupted; the same command adds what is missing"
PREFIX = "Episode"


def upload(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A media file; or with --batch, a folder.")
    ],
    source_name: Annotated[
        str | None, typer.Option(help="Label of the Source; Video Source if not given.")
    ] = None,
    flow_name: Annotated[
        str | None, typer.Option(help="Label of the Flow; Video Flow if not given.")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of the picture; else the file says it.")
    ] = None,
    frame_rate: Annotated[
        str | None, typer.Option(metavar="N/D", help="Frames a second; else the file says it.")
    ] = None,
    codec: Annotated[
        str | None, typer.Option(metavar="MIME", help="Codec of the Flow; else the file says it.")
    ] = None,
    container: Annotated[
        str | None, typer.Option(metavar="MIME", help="What the file is; else its name says it.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Its length; else the file says it.")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Upload all files of a folder as this one Source."),
    ] = None,
    flow_prefix: Annotated[
        str | None,
        typer.Option(help="With --batch: Flows are Episode 01, Episode 02 … if not given."),
    ] = None,
    extensions: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="With --batch: which files; .mp4,.mov,.avi,.mkv,.wmv,.flv if not given.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Time that each file may take.")
    ] = 3600,
    url: Annotated[str, server_option("--base-url", "--url")] = DEFAULT_URL,
    *,
    series_mode: Annotated[
        bool,
        typer.Option("--series-mode", help="Files of the same --source-name share one Source."),
    ] = False,
    cut: Annotated[
        bool,
        typer.Option("--cut", help="Cut it into Segments, each track as a Flow, as ingest does."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and ask no server.")
    ] = False,
) -> None:
    """Upload media files as they are: each is one Object, and one Segment of a Flow.

    The same file under the same names is the same Flow: uploaded again, after a failure or not, it
    adds only what is missing.
    """
    from tams.client.describing import Said as Words

    said = Words.parse(
        resolution=resolution,
        frame_rate=frame_rate,
        codec=codec,
        container=container,
        duration=duration,
    )
    if batch is None:
        _refuse({"--flow-prefix": flow_prefix, "--extensions": extensions}, "be with --batch")
        uploads = [_single(path, source_name, flow_name, said, timeout, series=series_mode)]
    else:
        named = {"--source-name": source_name, "--flow-name": flow_name, "--duration": duration}
        _refuse(named, "be left out with --batch")
        uploads = _folder(batch, path, flow_prefix, extensions, said, timeout)
    run(_upload(uploads, url, cut=cut, dry_run=dry_run), if_interrupted=INTERRUPTED)


def _single(
    path: Path,
    source_name: str | None,
    flow_name: str | None,
    said: Said,
    timeout: float,
    *,
    series: bool,
) -> Upload:
    from tams.client.upload import FLOW_NAME, SOURCE_NAME, Upload

    if path.is_dir():
        raise MediaUnreadable(f"{path} is a directory; --batch SOURCE uploads all that is in it")
    return Upload(
        file=path,
        source_name=source_name or SOURCE_NAME,
        flow_name=flow_name or FLOW_NAME,
        series=series,
        said=said,
        timeout=timeout,
    )


def _folder(
    source_name: str,
    folder: Path,
    prefix: str | None,
    extensions: str | None,
    said: Said,
    timeout: float,
) -> list[Upload]:
    from tams.client.upload import EXTENSIONS, media_in, series

    asked = [part.strip().lstrip(".") for part in (extensions or "").split(",")]
    ends = [f".{part}" for part in asked if part] or EXTENSIONS
    files = media_in(folder, ends)
    if not files:
        raise MediaUnreadable(f"{folder}: no file in it ends in {', '.join(ends)}")
    return series(source_name, files, PREFIX if prefix is None else prefix, said, timeout)


def _refuse(options: dict[str, str | None], rule: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise Invalid(name, value, f"it must {rule}")


async def _upload(uploads: list[Upload], url: str, *, cut: bool, dry_run: bool) -> None:
    from tams.client.upload import plan, plan_cut, upload_cut, upload_each, upload_file

    if dry_run:
        if cut:
            failures = await upload_each(uploads, plan_cut, _foretell_cut)
        else:
            failures = await upload_each(uploads, plan, _foretell)
        _end(len(uploads), failures, "could be uploaded")
        return
    async with connect(url) as client:

        async def work(one: Upload) -> Uploaded:
            with bars() as watch:
                return await (upload_cut if cut else upload_file)(client, one, watch)

        failures = await upload_each(uploads, work, _tell)
    _end(len(uploads), failures, "are on the server")


def _tell(one: Upload, outcome: Uploaded | Failure) -> None:
    from tams.client.upload import Failure

    if isinstance(outcome, Failure):
        _complain(outcome)
        return
    for note in outcome.notes:
        typer.echo(f"tams: {one.file}: {note}", err=True)
    done = "uploaded" if outcome.added else "there already"
    typer.echo(f"{one.file}: {done}")
    typer.echo(f"  Source {outcome.source_id}  {one.source_name}")
    typer.echo(f"  Flow   {outcome.flow_id}  {one.flow_name}")


def _foretell(one: Upload, outcome: Plan | Failure) -> None:
    from tams.client.upload import Failure

    if isinstance(outcome, Failure):
        _complain(outcome)
        return
    flow, timerange = outcome.flow, outcome.description.segment["timerange"]
    what = f"uploaded, {flow['codec']} {timerange}"
    _say_of(one, what, outcome.description.notes)


def _foretell_cut(one: Upload, outcome: Contents | Failure) -> None:
    from tams.client.upload import Failure

    if isinstance(outcome, Failure):
        _complain(outcome)
        return
    tracks = ", ".join(f"{track.kind} {track.codec}" for track in outcome.tracks)
    _say_of(one, f"cut into Segments, {tracks}", outcome.left_out)


def _say_of(one: Upload, what: str, notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"tams: {one.file}: {note}", err=True)
    typer.echo(f"{one.file}: would be {what}")
    typer.echo(f"  Source {one.source_name}")
    typer.echo(f"  Flow   {one.flow_name}")


def _complain(failure: Failure) -> None:
    from tams.cli.refusals import tell

    said, file = str(failure.error), str(failure.file)
    tell(failure.error if file in said else TamsError(f"{file}: {said}"))


def _end(count: int, failures: list[Failure], done: str) -> None:
    """Sum up where there were several; exit status 1 unless all succeeded."""
    if count > 1:
        failed = f", {len(failures)} failed" if failures else ""
        typer.echo(f"{count - len(failures)} of {count} files {done}{failed}")
    if failures:
        raise typer.Exit(1)
