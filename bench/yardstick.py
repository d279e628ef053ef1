"""How fast this machine is: fetch 1000 rows from SQLite, sign 1000 URLs, build the JSON; no HTTP.

Figures in milliseconds that have a bar are told as of a machine on which this takes 3.7 ms of CPU.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

import apsw

T = TypeVar("T")

REFERENCE_MS = 3.7
"""What it takes on the machine for which bars in milliseconds are stated."""
ROWS = 1000
_LOOK = 20
SECRET = b"yardstick-yardstick-yardstick-00"


def prepare() -> apsw.Connection:
    """A table of a thousand Segments, which takes as long to read as one of a million."""
    database = apsw.Connection(":memory:")
    database.execute(
        "CREATE TABLE segment (flow INTEGER, start INTEGER, stop INTEGER, object TEXT,"
        " PRIMARY KEY (flow, start)) WITHOUT ROWID"
    )
    rows = [(1, i * 10**9, (i + 1) * 10**9, str(uuid.UUID(int=i))) for i in range(ROWS)]
    database.executemany("INSERT INTO segment VALUES (?, ?, ?, ?)", rows)
    return database


def page(database: apsw.Connection) -> bytes:
    """One page, as tightly as it can be written."""
    rows = database.execute("SELECT start, stop, object FROM segment WHERE flow = 1").fetchall()
    items = []
    for start, stop, key in rows:
        signature = hmac.digest(SECRET, f"GET\n{key}\n1700000000".encode(), "sha256").hex()
        items.append(
            f'{{"object_id":"{key}","timerange":"[{start // 10**9}:{start % 10**9}_'
            f'{stop // 10**9}:{stop % 10**9})","get_urls":[{{"url":"http://127.0.0.1:8000/media/'
            f'{key}?expires=1700000000&signature={signature}","presigned":true}}]}}'
        )
    return f"[{','.join(items)}]".encode()


def milliseconds(rounds: int = 200) -> float:
    """CPU milliseconds of one page."""
    database = prepare()
    page(database)
    begin = time.process_time()
    for _ in range(rounds):
        page(database)
    return (time.process_time() - begin) / rounds * 1000


class Paced(NamedTuple, Generic[T]):
    """What was found, and the CPU milliseconds of the yardstick, the less of before and after."""

    found: T
    yardstick: float


def paced(measure: Callable[[], T]) -> Paced[T]:
    """Measure between two looks at the yardstick, since a shared machine changes its pace."""
    before = milliseconds(_LOOK)
    found = measure()
    return Paced(found, min(before, milliseconds(_LOOK)))


def on_reference(rounds: Iterable[Paced[float]]) -> float:
    """The least of the rounds, as it were where the yardstick's least is REFERENCE_MS."""
    found, yardsticks = zip(*rounds, strict=True)
    return min(found) / min(yardsticks) * REFERENCE_MS


if __name__ == "__main__":
    print(f"{milliseconds():.2f} ms")
