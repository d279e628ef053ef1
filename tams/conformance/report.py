"""What a run found, for people, for programs and for the documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from tams.conformance.examiner import Complaint
from tams.conformance.left_out import LEFT_OUT
from tams.conformance.official import VERSION
from tams.conformance.run import Outcome, Result, Verdict
from tams.conformance.server import Json
from tams.conformance.statements import LEVELS

if TYPE_CHECKING:
    from rich.table import Table

COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.SKIP: "yellow"}
CONFORMS = "the server conforms"
NO_DOCUMENT = "answers were not held against the official document (--spec)"
SHOWN = 3
"""Differences of one operation and status that a table shows; JSON has all."""


def summary(results: Iterable[Result]) -> dict[str, dict[str, int]]:
    """How many statements of each level passed, failed and were skipped."""
    counts = Counter((one.check.level, one.verdict) for one in results)
    return {
        word: {str(verdict): counts[level, verdict] for verdict in Verdict}
        for level, word in LEVELS.items()
    }


def as_json(outcome: Outcome, url: str) -> Json:
    """Everything, as JSON values; `schema` is null where no document was at hand."""
    complaints = outcome.complaints
    return {
        "url": url,
        "version": outcome.version,
        "verdict": "fail" if outcome.failed else "pass",
        "summary": summary(outcome.results),
        "results": [_result(one) for one in outcome.results],
        "schema": None if complaints is None else [vars(one) for one in complaints],
        "not_checked": {str(number): why for number, why in LEFT_OUT.items()},
        "left": list(outcome.left),
    }


def _result(one: Result) -> Json:
    return {
        "statement": one.check.number,
        "level": LEVELS[one.check.level],
        "title": one.check.title,
        "rule": " ".join(one.check.rule.split()),
        "verdict": str(one.verdict),
        "reason": one.reason,
        "seconds": round(one.seconds, 3),
    }


def results_table(outcome: Outcome) -> Table:
    """A row for each statement: number, level, title, verdict, reason."""
    from rich.table import Column, Table
    from rich.text import Text

    headings = (
        Column("statement", justify="right"),
        "level",
        Column("title", overflow="fold", ratio=2),
        "verdict",
        Column("reason", overflow="fold", ratio=3),
    )
    table = Table(*headings, box=None, pad_edge=False)
    for one in outcome.results:
        verdict = Text(one.verdict, style=COLOURS[one.verdict])
        level = LEVELS[one.check.level]
        table.add_row(
            str(one.check.number), level, one.check.title, verdict, Text(_plain(one.reason))
        )
    return table


def summary_table(outcome: Outcome) -> Table:
    """A row for each level: how many passed, failed and were skipped."""
    from rich.table import Column, Table

    counted = (Column(str(verdict), justify="right") for verdict in Verdict)
    table = Table("level", *counted, box=None, pad_edge=False)
    for level, counts in summary(outcome.results).items():
        table.add_row(level, *(str(counts[verdict]) for verdict in Verdict))
    return table


def remarks(outcome: Outcome) -> Iterator[str]:
    """What the tables do not tell: the schemas, what is not checked, what is left behind."""
    if outcome.version != VERSION:
        yield f"checked as TAMS {outcome.version}: statements that came later are skipped"
    if outcome.complaints is None:
        yield f"schemas: skip, {NO_DOCUMENT}"
    elif not outcome.complaints:
        yield "schemas: pass, every answer is as the official document says"
    else:
        yield "schemas: fail, these answers are not as the official document says"
        yield from _differences(outcome.complaints)
    yield from not_checked()
    if outcome.left:
        yield f"left on the server: {', '.join(outcome.left)}"


def verdict(outcome: Outcome) -> str:
    """Whether the server conforms, in a line, and how much of it nobody has seen."""
    if outcome.failed:
        return "the server does not conform"
    skipped = sum(one.verdict is Verdict.SKIP for one in outcome.results)
    return f"{CONFORMS}, as far as it was seen (skipped: {skipped})" if skipped else CONFORMS


def not_checked() -> Iterator[str]:
    """The statements without a check, those with one reason together."""
    for why, group in groupby(sorted(LEFT_OUT), LEFT_OUT.__getitem__):
        yield f"not checked: {', '.join(map(str, group))}: {why}"


def _differences(complaints: Iterable[Complaint]) -> Iterator[str]:
    for (operation, status), group in groupby(complaints, lambda c: (c.operation, c.status)):
        found = [_plain(one.difference) for one in group]
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        yield f"  {operation}, {status}: {'; '.join(found[:SHOWN])}{more}"


def markdown(results: Iterable[Result]) -> Iterator[str]:
    """The rows of a table of statements, levels, verdicts and rules."""
    yield "| statement | level | verdict | rule |"
    yield "|---|---|---|---|"
    for one in results:
        rule = " ".join(one.check.rule.split()).replace("|", "\\|")
        verdict = f"{one.verdict}: {one.reason}" if one.reason else str(one.verdict)
        yield f"| {one.check.number} | {LEVELS[one.check.level]} | {verdict} | {rule} |"


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in text)
