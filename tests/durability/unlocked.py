"""The server with the Flow lock taken out, to see what finds that out.

`python -m tests.durability.unlocked LOCK serve …`, where LOCK is taken away:

* `row`: on PostgreSQL the Flow's row is read without FOR UPDATE;
* `write`: on SQLite transactions begin DEFERRED, so they survey before they may write;
* `survey`: on SQLite they begin at the first change, so the survey comes before the transaction.
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any

import apsw
from sqlalchemy import select

from tams.catalogue.sql import flows, writer
from tams.cli import main

BEGIN = "BEGIN IMMEDIATE"
PATIENCE_S = 0.02
CHANGES = ("INSERT", "UPDATE", "DELETE")


class Deferred(apsw.Connection):
    """Begins without the lock; SQLite asks for it at the first change."""

    def execute(self, statement: str, *rest: Any, **options: Any) -> apsw.Cursor:
        return super().execute("BEGIN" if statement == BEGIN else statement, *rest, **options)


class Late(apsw.Connection):
    """Begins, with the lock, at the first change, which gives way to one of another process."""

    def execute(self, statement: str, *rest: Any, **options: Any) -> apsw.Cursor:
        if self.get_autocommit():
            if statement in (BEGIN, "COMMIT"):
                return super().execute("SELECT 1")
            if statement.startswith(CHANGES):
                self._give_way()
                super().execute(BEGIN)
        return super().execute(statement, *rest, **options)

    def _give_way(self) -> None:
        before, deadline = self.pragma("data_version"), monotonic() + PATIENCE_S
        while self.pragma("data_version") == before and monotonic() < deadline:
            continue


def take_out(lock: str) -> None:
    """Change this process, which serves nothing else."""
    writer.MAX_GROUP = 1  # works that share a transaction survey in savepoints of it
    match lock:
        case "row":
            locking = flows._LOCK
            flows._LOCK = select(*locking.selected_columns).where(locking.whereclause)
        case "write":
            apsw.Connection = Deferred
        case "survey":
            apsw.Connection = Late


if __name__ == "__main__":
    take_out(sys.argv.pop(1))
    main()
