"""A process that posts Segments that others compete for: `python -m tests.durability.writer`.

It says that it is ready, begins when a line comes with the ids of its Objects, and then prints each
attempt.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from tams.domain.timerange import TimeRange
from tests.durability.client import Client, PatientClient

TENTH_S = 100_000_000
ZONE = 24
"""Tenths of a second in which the writers meet at each step."""
LONGEST = 4
BATCH = 10
BATCH_EVERY = 5
CLIENTS = {"hasty": Client, "patient": PatientClient}


class Attempt(NamedTuple):
    """A Segment that was posted, in nanoseconds, and what was answered."""

    object_id: str
    start: int
    end: int
    status: int
    accepted: bool


def objects_for(steps: int) -> int:
    """How many Objects a writer needs, one for each attempt."""
    batches = steps // BATCH_EVERY
    return steps - batches + batches * BATCH


class Writer:
    """Posts Segments one by one, and at times a batch, which meets the Segments to come."""

    def __init__(self, client: Client, flow_id: str, seed: int, objects: list[str]) -> None:
        self._client = client
        self._path = f"/flows/{flow_id}/segments"
        self._random = Random(seed)
        self._objects = objects

    def step(self, step: int) -> Iterator[Attempt]:
        """Post one Segment or a batch in the zone of this step."""
        is_batch = step % BATCH_EVERY == BATCH_EVERY - 1
        size, zones = (BATCH, BATCH_EVERY) if is_batch else (1, 1)
        posts = [self._segment(step, zones) for _ in range(size)]
        bodies = [
            {"object_id": object_id, "timerange": str(TimeRange(start, end))}
            for object_id, start, end in posts
        ]
        answer = self._client.ask("POST", self._path, bodies if is_batch else bodies[0])
        failed: list[dict[str, Any]] = []
        if answer.status == 200:
            failed = answer.json["failed_segments"]
        refused = {each["object_id"] for each in failed}
        for object_id, start, end in posts:
            accepted = answer.status in (200, 201) and object_id not in refused
            yield Attempt(object_id, start, end, answer.status, accepted)

    def _segment(self, step: int, zones: int) -> tuple[str, int, int]:
        start = step * ZONE + self._random.randrange(ZONE * zones)
        length = self._random.randint(1, LONGEST)
        return self._objects.pop(), start * TENTH_S, (start + length) * TENTH_S


def main(url: str, flow_id: str, seed: str, steps: str, kind: str) -> None:
    """Compete, as a client of this kind."""
    print("ready", flush=True)
    objects = json.loads(sys.stdin.readline())
    with CLIENTS[kind](url) as client:
        writer = Writer(client, flow_id, int(seed), objects)
        attempts = [attempt for step in range(int(steps)) for attempt in writer.step(step)]
    json.dump(attempts, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
