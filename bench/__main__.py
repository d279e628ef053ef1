"""Prints the table of `docs/performance.md`: `make bench`.

Every figure is CPU of the server process, all threads, user and system, in one run on this
machine; the client is another process, and so is PostgreSQL. What is compared is measured in
turn, several times. A busy neighbour only ever adds to a cost, so the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from bench import yardstick
from bench.deletion import delete_long
from bench.postgres import fresh_database
from bench.process import Process, bare_route, store
from bench.reads import PAGE, SHARES, bare_page_cost, fill_tagged, newest_cost, tagged_cost
from bench.segments import bulk_rate, fill, new_flow, page_costs, single_cost
from bench.syncs import SYNC_S, WRITERS, shared_syncs
from bench.webhooks import ALLOWED, WEBHOOKS, delivery_cost, receiver

REFERENCE_MS = 3.7
"""What the yardstick takes on the machine for which the bars are stated."""


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, the result, and the bar, scaled to this machine."""

    work: str
    result: str
    bar: str
    held: bool


@dataclass(frozen=True)
class Bench:
    """One run: how much is done, and how slow the machine is against the reference."""

    rounds: int
    requests: int
    batches: int
    pages: int
    short: int
    long: int
    events: int
    flows: int
    scale: float
    bare: Process

    def figures(self, server: Process, name: str, bulk_bar: int) -> Iterator[Figure]:
        """The rows of one catalogue."""
        yield from self.small_requests(server, name)
        rates = [bulk_rate(server, self.batches) for _ in range(self.rounds)]
        bar = bulk_bar / self.scale
        yield Figure(
            f"{name}: POST of 1000 Segments",
            f"{max(rates):,.0f} Segments per CPU second",
            f"at least {bar:,.0f} ({bulk_bar:,} scaled)",
            max(rates) >= bar,
        )
        yield from self.long_flows(server, name)
        yield from self.webhooks(server, name)
        yield from self.tags(server, name)

    def tags(self, server: Process, name: str) -> Iterator[Figure]:
        """A page of Flows that have a tag, among many."""
        fill_tagged(server, self.flows)
        for share in SHARES:
            found = min(tagged_cost(server, share, self.pages) for _ in range(self.rounds))
            yield Figure(
                f"{name}: GET of {PAGE} of {self.flows:,} Flows by a tag on one of {share}",
                f"{found:.2f} ms",
                f"{10 * self.scale:.1f} ms (10 scaled)",
                found <= 10 * self.scale,
            )

    def webhooks(self, server: Process, name: str) -> Iterator[Figure]:
        """Events of one new Segment each, delivered to several webhooks."""
        with receiver() as taking:
            found = delivery_cost(server, taking, self.events, WEBHOOKS)
        yield Figure(
            f"{name}: {self.events:,} events to {WEBHOOKS} webhooks",
            f"{found.cost:.0f} µs an event and webhook, {found.rate:,.0f} a second",
            "none",
            held=True,
        )

    def small_requests(self, server: Process, name: str) -> Iterator[Figure]:
        """GET /service beside a bare route, and the POST of one Segment beside GET /service."""
        bare, service, single, newest = [], [], [], []
        for _ in range(self.rounds):
            bare.append(service_cost(self.bare, self.requests))
            service.append(service_cost(server, self.requests))
            single.append(single_cost(server, self.requests))
            newest.append(newest_cost(server, self.requests))
        ratio = min(service) / min(bare)
        yield Figure(
            f"{name}: GET /service",
            f"{min(service):.3f} ms, {ratio:.2f} times a bare route ({min(bare):.3f} ms)",
            "1.5 times",
            ratio <= 1.5,
        )
        ratio = min(single) / min(service)
        yield Figure(
            f"{name}: POST of one Segment",
            f"{min(single):.3f} ms, {ratio:.1f} times GET /service",
            "5 times",
            ratio <= 5,
        )
        ratio = min(newest) / min(service)
        yield Figure(
            f"{name}: GET of the newest Segment",
            f"{min(newest):.3f} ms, {ratio:.1f} times GET /service",
            "4 times",
            ratio <= 4,
        )

    def long_flows(self, server: Process, name: str) -> Iterator[Figure]:
        """A page of a thousand with signed URLs, in a short Flow and in a long one."""
        flows = {length: new_flow(server) for length in (self.short, self.long)}
        for length, flow_id in flows.items():
            fill(server, flow_id, length)
        runs: dict[int, list[list[float]]] = {length: [] for length in flows}
        for _ in range(4 * self.rounds):
            for length, flow_id in flows.items():
                runs[length].append(page_costs(server, flow_id, length, self.pages))
        costs = {
            length: [min(column) for column in zip(*rows, strict=True)]
            for length, rows in runs.items()
        }
        for length, row in costs.items():
            shown = " / ".join(f"{cost:.2f}" for cost in row)
            yield Figure(
                f"{name}: GET of 1000 of {length:,} Segments, first / middle / last page",
                f"{shown} ms",
                f"{8 * self.scale:.1f} ms (8 scaled)",
                max(row) <= 8 * self.scale,
            )
        ratios = beside(runs[self.long], runs[self.short])
        yield Figure(
            f"{name}: the same of the long Flow to any of the short",
            f"{' / '.join(f'{ratio:.2f}' for ratio in ratios)} times",
            "1.2 times",
            max(ratios) <= 1.2,
        )
        urls_apart = min(
            bare_page_cost(server, flows[self.short], self.pages) for _ in range(self.rounds)
        )
        yield Figure(
            f"{name}: GET of 1000 Segments without URLs",
            f"{urls_apart:.2f} ms",
            f"{2.5 * self.scale:.1f} ms (2.5 scaled)",
            urls_apart <= 2.5 * self.scale,
        )
        yield from self.deletion(server, name, flows[self.long], flows[self.short])

    def deletion(self, server: Process, name: str, long: str, short: str) -> Iterator[Figure]:
        """The long Flow is deleted while the short one is read; by the client's clock."""
        found = delete_long(server, long, short, self.requests)
        yield Figure(
            f"{name}: DELETE of a Flow of {self.long:,} Segments, answered",
            f"{found.answer:.1f} ms",
            f"{50 * self.scale:.0f} ms (50 scaled)",
            found.answer <= 50 * self.scale,
        )
        ratio = found.busy / found.quiet
        yield Figure(
            f"{name}: median of GET /flows/{{id}} in the {found.seconds:.0f} s of its clean-up",
            f"{found.busy:.2f} ms, {ratio:.2f} times as before; the slowest {found.slowest:.0f} ms",
            "1.5 times",
            ratio <= 1.5,
        )


def writers(posts: int) -> Iterator[Figure]:
    """Many writers to SQLite, where each sync takes its time."""
    found = shared_syncs(posts)
    yield Figure(
        f"SQLite: POST by {WRITERS} writers to as many Flows, {SYNC_S * 1000:.0f} ms a sync",
        f"{found.commits:.1f} to a sync, {found.speed:.1f} times as fast as one writer",
        "8 to a sync, 6 times",
        found.commits >= 8 and found.speed >= 6,
    )


def beside(long: list[list[float]], short: list[list[float]]) -> list[float]:
    """For each page of the long Flow, the median of its ratio to the short one's mean, by round."""
    rounds = [
        [cost / statistics.mean(few) for cost in many]
        for many, few in zip(long, short, strict=True)
    ]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def service_cost(server: Process, requests: int) -> float:
    """CPU milliseconds of GET /service."""
    server.call("GET", "/service")
    return server.cost(lambda _: server.call("GET", "/service"), requests)


def arguments() -> argparse.Namespace:
    """How much is to be measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--requests", type=int, default=1000, help="small requests of a round")
    parser.add_argument("--batches", type=int, default=10, help="POSTs of a thousand of a round")
    parser.add_argument("--pages", type=int, default=10, help="GETs of each page of a round")
    parser.add_argument("--short", type=int, default=10_000, help="Segments of the short Flow")
    parser.add_argument("--long", type=int, default=1_000_000, help="Segments of the long Flow")
    parser.add_argument("--events", type=int, default=10_000, help="events sent to each webhook")
    parser.add_argument("--flows", type=int, default=100_000, help="Flows to look for tags among")
    parser.add_argument("--no-postgres", action="store_true", help="SQLite only")
    return parser.parse_args()


def main() -> None:
    """Measure, and print a table."""
    args = arguments()
    tight = min(yardstick.milliseconds() for _ in range(args.rounds))
    scale = max(tight / REFERENCE_MS, 1.0)
    print(
        f"{platform.machine()}, Python {platform.python_version()}; the yardstick takes "
        f"{tight:.2f} ms, so bars in milliseconds are multiplied by {scale:.2f}\n\n"
        "| work | measured | bar | |\n|---|---|---|---|"
    )
    with bare_route() as bare:
        bench = Bench(
            rounds=args.rounds,
            requests=args.requests,
            batches=args.batches,
            pages=args.pages,
            short=args.short,
            long=args.long,
            events=args.events,
            flows=args.flows,
            scale=scale,
            bare=bare,
        )
        with store(**ALLOWED) as server:
            show(bench.figures(server, "SQLite", 100_000))
        show(writers(args.requests // WRITERS))
        if args.no_postgres:
            return
        with fresh_database() as url, store(url, **ALLOWED) as server:
            show(bench.figures(server, "PostgreSQL", 40_000))


def show(figures: Iterator[Figure]) -> None:
    """Print rows as they come."""
    for figure in figures:
        verdict = "held" if figure.held else "missed"
        print(f"| {figure.work} | {figure.result} | {figure.bar} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
