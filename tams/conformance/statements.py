"""The register of checks: each an async function of a `Server`, keyed by its statement's number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tams.conformance.server import Server

Level = Literal["M", "S", "Y", "I", "D"]
"""MUST, SHOULD, MAY, implied by the schema or a table, decided by us where the text is silent."""

LEVELS: dict[Level, str] = {
    "M": "must",
    "S": "should",
    "Y": "may",
    "I": "implied",
    "D": "decided",
}
"""The levels in words, the strictest first."""

Run = Callable[[Server], Awaitable[None]]


class Skipped(Exception):
    """The statement cannot be seen on this server; the message says why."""


@dataclass(frozen=True)
class Check:
    """One statement of the standard that can be seen over HTTP; `rule` states it in our words.

    One that is `alone` changes what other checks look at, so nothing may run beside it.
    """

    number: int
    level: Level
    rule: str
    run: Run
    alone: bool = False

    @property
    def name(self) -> str:
        """The name of the function, which begins with the number."""
        return self.run.__name__

    @property
    def title(self) -> str:
        """The name in words, without its number."""
        return self.name.split("_", 2)[2].replace("_", " ")


_CHECKS: dict[int, Check] = {}


def statement(number: int, level: Level, *, alone: bool = False) -> Callable[[Run], Run]:
    """Register the decorated function as the check of statement `number`."""

    def register(run: Run) -> Run:
        rule = (run.__doc__ or "").strip()
        if not rule or number in _CHECKS:
            raise ValueError(f"statement {number} needs one check with a docstring")
        _CHECKS[number] = Check(number, level, rule, run, alone)
        return run

    return register


def checks() -> Iterator[Check]:
    """Every check, in the order of the numbers."""
    return (_CHECKS[number] for number in sorted(_CHECKS))
