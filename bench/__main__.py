"""Prints the table of `docs/performance.md`: `make bench`, or `python -m bench reads media …`.

Where nothing else is said, a figure is CPU of the server process, all threads, user and system, in
one run on this machine; the client is another process, and so is PostgreSQL. What is compared is
measured in turn, several times. A busy neighbour only ever adds to a cost, so the least of the
rounds counts. A bar that is missed says so, and is no failure of the run.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from bench import (
    analytics,
    bulk,
    fan_out,
    idle,
    media,
    pages,
    reads,
    requests,
    scale,
    tags,
    webhooks,
    writers,
    yardstick,
)
from bench.figures import SQLITE, Engine, Rows, Run
from bench.postgres import databases

GROUPS: dict[str, Rows] = {
    "requests": requests.rows,
    "writers": writers.rows,
    "bulk": bulk.rows,
    "reads": reads.rows,
    "pages": pages.rows,
    "tags": tags.rows,
    "analytics": analytics.rows,
    "webhooks": webhooks.rows,
    "fan-out": fan_out.rows,
    "media": media.rows,
    "idle": idle.rows,
    "scale": scale.rows,
}
ON_REQUEST = {"scale"}


def arguments() -> argparse.Namespace:
    """What is to be measured, and how much of it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; none: all but scale")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--requests", type=int, default=1000, help="small requests of a round")
    parser.add_argument("--batches", type=int, default=10, help="POSTs of a thousand of a round")
    parser.add_argument("--pages", type=int, default=10, help="GETs of each page of a round")
    parser.add_argument(
        "--short", type=int, default=10_000, help="Segments of the short Flow, 2000 or more"
    )
    parser.add_argument("--long", type=int, default=1_000_000, help="Segments of the long Flow")
    parser.add_argument(
        "--many", type=int, default=10_000_000, help="Segments of the Flow of the group scale"
    )
    parser.add_argument("--events", type=int, default=10_000, help="events sent to each webhook")
    parser.add_argument("--flows", type=int, default=100_000, help="Flows to look for tags among")
    parser.add_argument("--mebibytes", type=int, default=256, help="media fetched in a round")
    parser.add_argument("--no-postgres", action="store_true", help="SQLite only")
    args = parser.parse_args()
    if args.short < 2000 or args.long <= args.short or args.flows < 10_000:
        parser.error("--short must be 2000 or more, --long more than that, --flows 10000 or more")
    if unknown := set(args.groups) - set(GROUPS):
        parser.error(f"no such groups: {', '.join(sorted(unknown))}")
    return args


def main() -> None:
    """Measure, and print a table."""
    args = arguments()
    tight = min(yardstick.milliseconds() for _ in range(args.rounds))
    print(
        f"{platform.machine()}, Python {platform.python_version()}; the yardstick takes "
        f"{tight:.2f} ms\n\n"
        "| work | measured | bar | |\n|---|---|---|---|",
        flush=True,
    )
    with measuring(args) as run:
        for name in args.groups or [name for name in GROUPS if name not in ON_REQUEST]:
            for figure in GROUPS[name](run):
                print(figure, flush=True)


@contextmanager
def measuring(args: argparse.Namespace) -> Iterator[Run]:
    """What the groups are given; PostgreSQL runs as long as they do."""
    amounts = {
        name: getattr(args, name)
        for name in (
            "rounds", "requests", "batches", "pages", "short", "long", "many", "events", "flows",
            "mebibytes",
        )
    }  # fmt: skip
    if args.no_postgres:
        yield Run(**amounts, engines=(SQLITE,), databases=None)
        return
    with databases() as found:
        engines = (SQLITE, Engine("PostgreSQL", found.fresh, 40_000))
        yield Run(**amounts, engines=engines, databases=found)


if __name__ == "__main__":
    main()
