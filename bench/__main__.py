"""Prints the table of `docs/performance.md`: `make bench`.

Every figure is CPU of the server process, all threads, user and system, in one run on this
machine; the client is another process, and so is PostgreSQL.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from dataclasses import dataclass

from bench import yardstick
from bench.postgres import fresh_database
from bench.process import Process, bare_route, store
from bench.segments import bulk_rate, fill, new_flow, page_costs, single_cost

REFERENCE_MS = 3.7
"""What the yardstick takes on the machine for which the bars are stated."""


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, the result, and the bar, scaled to this machine."""

    work: str
    result: str
    bar: str
    held: bool


def service_cost(server: Process, rounds: int) -> float:
    """CPU milliseconds of GET /service."""
    for _ in range(200):
        server.call("GET", "/service")
    return server.cost(lambda _: server.call("GET", "/service"), rounds)


def measure(
    server: Process, name: str, bulk_bar: int, bare: float, args: argparse.Namespace, scale: float
) -> Iterator[Figure]:
    """The figures of one catalogue."""
    service = service_cost(server, args.requests)
    ratio = service / bare
    yield Figure(
        f"{name}: GET /service",
        f"{service:.3f} ms, {ratio:.2f}x a bare route",
        "1.5x",
        ratio <= 1.5,
    )
    single = single_cost(server, args.requests)
    yield Figure(
        f"{name}: POST of one Segment",
        f"{single:.3f} ms, {single / service:.1f}x GET /service",
        "5x",
        single <= 5 * service,
    )
    rate = bulk_rate(server, args.batches)
    yield Figure(
        f"{name}: POST of 1000 Segments",
        f"{rate:,.0f} Segments per CPU second",
        f"{bulk_bar / scale:,.0f} ({bulk_bar:,} scaled)",
        rate >= bulk_bar / scale,
    )
    yield from pages(server, name, args, scale)


def pages(server: Process, name: str, args: argparse.Namespace, scale: float) -> Iterator[Figure]:
    """A page of a thousand with signed URLs, in a short Flow and in a long one."""
    flows = []
    for length in (args.short, args.long):
        flow_id = new_flow(server)
        fill(server, flow_id, length)
        flows.append((flow_id, length))
    costs: dict[int, list[list[float]]] = {length: [] for _, length in flows}
    for _ in range(5):
        for flow_id, length in flows:
            costs[length].append(page_costs(server, flow_id, length, args.pages))
    least = {
        length: [min(column) for column in zip(*runs, strict=True)]
        for length, runs in costs.items()
    }
    worst = max(max(row) for row in least.values())
    for length, row in least.items():
        shown = " / ".join(f"{cost:.2f}" for cost in row)
        yield Figure(
            f"{name}: GET of 1000 Segments of {length:,}, first / middle / last page",
            f"{shown} ms",
            f"{8 * scale:.1f} ms (8 scaled)",
            max(row) <= 8 * scale,
        )
    ratio = worst / min(min(row) for row in least.values())
    yield Figure(
        f"{name}: dearest to cheapest of these pages", f"{ratio:.2f}x", "1.2x", ratio <= 1.2
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--short", type=int, default=10_000)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--no-postgres", action="store_true", help="SQLite only")
    args = parser.parse_args()
    tight = yardstick.milliseconds()
    scale = tight / REFERENCE_MS
    print(
        f"{platform.machine()}, Python {platform.python_version()}; yardstick {tight:.2f} ms, "
        f"so bars in milliseconds are multiplied by {scale:.2f}\n"
    )
    print("| work | result | bar | |\n|---|---|---|---|")
    with bare_route() as bare_server:
        bare = service_cost(bare_server, args.requests)
    print(f"| a bare route of the framework | {bare:.3f} ms | | |", flush=True)
    with store() as server:
        show(measure(server, "SQLite", 40_000, bare, args, scale))
    if not args.no_postgres:
        with fresh_database() as url, store(url) as server:
            show(measure(server, "PostgreSQL", 15_000, bare, args, scale))


def show(figures: Iterator[Figure]) -> None:
    """Print rows as they come."""
    for figure in figures:
        verdict = "held" if figure.held else "MISSED"
        print(f"| {figure.work} | {figure.result} | {figure.bar} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
