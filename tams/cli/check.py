"""`tams admin check`: the catalogue against itself and against the bytes."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from tams.cli.configuration import configured
from tams.cli.counting import counting
from tams.cli.remote import run
from tams.errors import Invalid, StorageFailed, TamsError

if TYPE_CHECKING:
    from tams.domain.faults import Fault, FaultKind
    from tams.services.repairs import Repairs

FAULTY = 3
"""Exit status where faults are left."""


def check(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Say of each fault what a repair would do.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --repair: do it.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of lines of text.")
    ] = False,
) -> None:
    """Look for what is wrong with the store, while servers go on.

    Segments, Objects, Flows and jobs are held against each other, and against the bytes in every
    Storage Backend. Exit status: 0 if nothing is wrong, 3 if faults are left, 1 if the store could
    not be looked at. See docs/operations.md.
    """
    if yes and not repair:
        raise Invalid("--yes", True, "it belongs to --repair")  # noqa: FBT003 (the value)
    report = JSONReport(sys.stdout) if as_json else TextReport(sys.stdout)
    if run(_check(report, repair=repair, yes=yes)):
        raise typer.Exit(FAULTY)


async def _check(report: Report, *, repair: bool, yes: bool) -> int:
    """How many faults are left."""
    from tams.app.upkeep import upkeep

    with counting() as tell:
        async with upkeep(configured(), tell) as store:
            try:
                async for fault in store.checkup.faults():
                    remedy, done = "", False
                    if repair:
                        remedy, done = await _remedy(store.repairs, fault, yes=yes)
                    report.add(fault, remedy, done=done)
            except TamsError as failure:
                report.break_off(store.checkup.awaited, str(failure))
                raise
            report.end(store.checkup.awaited)
    return report.left


async def _remedy(repairs: Repairs, fault: Fault, *, yes: bool) -> tuple[str, bool]:
    """What is to be done about a fault, and whether it has been."""
    from tams.domain.faults import BY_HAND, REPAIRS

    try:
        if not await repairs.can(fault):
            return f"by hand: {BY_HAND[fault.kind]}", False
        if not yes:
            return f"would {REPAIRS[fault.kind]}", False
        if await repairs.repair(fault):
            return f"done: {REPAIRS[fault.kind]}", True
    except (Invalid, StorageFailed) as failure:
        return f"failed: {failure}", False
    return "gone by itself", True


class Report(ABC):
    """Writes each fault as it is found, so that their number does not matter."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._found: Counter[FaultKind] = Counter()
        self._repaired = 0

    @property
    def left(self) -> int:
        """How many faults are not repaired."""
        return self._found.total() - self._repaired

    def add(self, fault: Fault, remedy: str, *, done: bool) -> None:
        """Tell of a fault."""
        self._found[fault.kind] += 1
        self._repaired += done
        self._write(fault, remedy, done=done)

    @abstractmethod
    def end(self, awaited: int) -> None:
        """Tell the verdict."""

    @abstractmethod
    def break_off(self, awaited: int, failure: str) -> None:
        """End without a verdict; whoever runs the command is told the failure besides."""

    @abstractmethod
    def _write(self, fault: Fault, remedy: str, *, done: bool) -> None: ...


class TextReport(Report):
    """A line for each fault, and one for what is done about it."""

    def _write(self, fault: Fault, remedy: str, *, done: bool) -> None:
        del done
        where = f", {fault.storage_id} {fault.place}" if fault.place else ""
        self._out.write(f"{fault.kind.value}: {fault.subject}{where}\n")
        if remedy:
            self._out.write(f"    {remedy}\n")

    def end(self, awaited: int) -> None:
        """Tell the verdict."""
        if awaited:
            self._out.write(
                f"{awaited} instances were registered a short time ago and have no bytes yet\n"
            )
        number = self._found.total()
        if not number:
            self._out.write("nothing is wrong\n")
            return
        kinds = ", ".join(f"{count} {kind.value}" for kind, count in self._found.most_common())
        repaired = f", {self._repaired} repaired" if self._repaired else ""
        self._out.write(f"{number} faults{repaired}: {kinds}\n")

    def break_off(self, awaited: int, failure: str) -> None:
        """See `Report`."""
        del awaited, failure
        self._out.write("not all was looked at\n")


class JSONReport(Report):
    """One object: `faults` in the order in which they are found, then what they come to."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._separator = '{"faults": [\n'

    def _write(self, fault: Fault, remedy: str, *, done: bool) -> None:
        told = {
            "kind": fault.kind.value,
            "subject": fault.subject,
            "storage_id": fault.storage_id,
            "key": fault.place,
            "remedy": remedy or None,
            "repaired": done,
        }
        known = {name: value for name, value in told.items() if value is not None}
        self._out.write(self._separator + json.dumps(known, ensure_ascii=False))
        self._separator = ",\n"

    def end(self, awaited: int) -> None:
        """Tell the verdict."""
        self._close(awaited)

    def break_off(self, awaited: int, failure: str) -> None:
        """See `Report`."""
        self._close(awaited, error=failure)

    def _close(self, awaited: int, **more: str) -> None:
        counts = {kind.value: count for kind, count in self._found.items()}
        told = {
            "found": self._found.total(),
            "repaired": self._repaired,
            "left": self.left,
            "awaited": awaited,
            "kinds": counts,
            **more,
        }
        opened = "" if self._found else self._separator
        self._out.write(f"{opened}\n], {json.dumps(told)[1:]}\n")
