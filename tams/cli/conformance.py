"""`tams conformance`: the checks of the standard, against any server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tams import DEFAULT_URL
from tams.cli.remote import Url, bars, run, screen
from tams.errors import Invalid

if TYPE_CHECKING:
    from tams.conformance.run import Outcome, Result
    from tams.conformance.statements import Check
    from tams.conformance.visit import Visit

NOT_CONFORMING = 1
KINDS = ("read", "write", "delete", "expired", "basic")
FIRST, LAST = 1, 300
"""Numbers of statements."""


def conformance(
    url: Url = DEFAULT_URL,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TAMS_API_TOKEN",
            help="Bearer token to send with every request; it must be one that may do everything.",
        ),
    ] = None,
    credential: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=VALUE",
            help="What else to show, for the checks of access: read=TOKEN, write=TOKEN, "
            "delete=TOKEN, expired=TOKEN, basic=NAME:PASSWORD.",
        ),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            envvar="TAMS_SPEC_DIR",
            metavar="DIR",
            help="Folder of the official documents, to hold every answer against their schemas.",
        ),
    ] = None,
    only: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Statements to check, such as 12,40-50.")
    ] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the results here.")
    ] = None,
    receiver: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Address of this machine where the server can send webhooks; it is listened at.",
        ),
    ] = None,
    api_version: Annotated[
        str,
        typer.Option(
            metavar="VERSION",
            help="Version of the API under --url, 6.0 to 8.2; what came later is skipped.",
        ),
    ] = "8.2",
    *,
    slow: Annotated[
        bool, typer.Option("--slow", help="Wait for what needs time to pass; takes hours.")
    ] = False,
) -> None:
    """Check a server of TAMS, whoever made it, and exit with 1 if it does not conform.

    A must, an implied or a decided statement that does not hold is a failure; a should is listed.
    The Flows and webhooks that the checks make are deleted again.
    """
    from tams.conformance.official import VERSIONS, read
    from tams.conformance.report import as_json
    from tams.conformance.suite import CHECKS
    from tams.conformance.visit import Visit

    if api_version not in VERSIONS:
        raise Invalid("--api-version", api_version, f"it must be one of {', '.join(VERSIONS)}")
    checks = _chosen(only, CHECKS)
    document = None if spec is None else read(spec, api_version)
    shown = _credentials(credential)
    visit = Visit(url, checks, token, document, receiver, slow, shown, api_version)
    if json_file is not None:
        _ensure_writable(json_file)
    outcome = run(_made(visit))
    if json_file is not None:
        text = json.dumps(as_json(outcome, visit.base), indent=2, ensure_ascii=False)
        json_file.write_text(f"{text}\n")
    _print(outcome)
    if outcome.failed:
        raise typer.Exit(NOT_CONFORMING)


async def _made(visit: Visit) -> Outcome:
    with bars() as tell_bar:
        done = 0

        def tell(result: Result) -> None:
            nonlocal done
            done += 1
            tell_bar("checks", done, len(visit.checks))

        return await visit.make(tell)


def _print(outcome: Outcome) -> None:
    from tams.conformance.report import remarks, results_table, summary_table, verdict

    console = screen()
    console.print(results_table(outcome), "", summary_table(outcome), "", sep="\n")
    for remark in remarks(outcome):
        console.print(remark, soft_wrap=True)
    console.print(verdict(outcome))


def _ensure_writable(file: Path) -> None:
    """Fail before the checks rather than after them."""
    try:
        file.open("a").close()
    except OSError as error:
        raise Invalid("--json", str(file), f"it cannot be written ({error.strerror})") from None


def _credentials(given: Sequence[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    for kind, _, value in pairs:
        if kind not in KINDS or not value:
            rule = f"it must be KIND=VALUE, with a KIND of {', '.join(KINDS)}"
            raise Invalid("--credential", kind, rule)
    return {kind: value for kind, _, value in pairs}


def _chosen(only: str, checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks whose numbers `only` lists, all if it lists none."""
    from tams.conformance.left_out import LEFT_OUT

    wanted = set(_numbers(only))
    reasons = [f"{number} ({LEFT_OUT[number]})" for number in sorted(wanted & LEFT_OUT.keys())]
    chosen = tuple(check for check in checks if not wanted or check.number in wanted)
    if not chosen:
        raise Invalid("--only", only, f"none of them is checked over HTTP: {', '.join(reasons)}")
    return chosen


def _numbers(only: str) -> Iterator[int]:
    for part in only.split(",") if only else ():
        first, dash, last = part.partition("-")
        try:
            span = range(int(first), int(last if dash else first) + 1)
        except ValueError:
            span = range(0)
        if not span or span[0] < FIRST or span[-1] > LAST:
            raise Invalid("--only", only, f"numbers are {FIRST} to {LAST}, such as 12,40-50")
        yield from span
