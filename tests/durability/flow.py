"""A Flow and its Segments, as a server shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tams.conformance.server import flow_body
from tams.domain.timerange import TimeRange
from tests.durability.client import Client

PAGE = 1000
MOST_OBJECTS = 1000


def make_flow(client: Client) -> str:
    """Create a Flow and return its id."""
    flow = flow_body("data")
    assert client.ask("PUT", f"/flows/{flow['id']}", flow).status == 201
    return str(flow["id"])


def allocate(client: Client, flow_id: str, number: int) -> list[dict[str, Any]]:
    """Allocate Objects; each has `object_id` and `put_url`."""
    objects: list[dict[str, Any]] = []
    while len(objects) < number:
        limit = min(number - len(objects), MOST_OBJECTS)
        answer = client.ask("POST", f"/flows/{flow_id}/storage", {"limit": limit})
        assert answer.status == 201
        objects += answer.json["media_objects"]
    return objects


class Listed(NamedTuple):
    """A Segment as the server shows it, in nanoseconds, with its first URL."""

    start: int
    end: int
    object_id: str
    url: str | None


def list_segments(client: Client, flow_id: str) -> Sequence[Listed]:
    """All Segments of a Flow, page by page."""
    return list(_pages(client, f"/flows/{flow_id}/segments?limit={PAGE}"))


def _pages(client: Client, path: str) -> Iterator[Listed]:
    key = ""
    while True:
        answer = client.ask("GET", path + key)
        assert answer.status == 200
        for segment in answer.json:
            timerange = TimeRange.parse(segment["timerange"])
            assert timerange.start is not None
            assert timerange.end is not None
            urls = segment.get("get_urls")
            url = urls[0]["url"] if urls else None
            yield Listed(timerange.start, timerange.end, segment["object_id"], url)
        if "x-paging-nextkey" not in answer.headers:
            return
        key = f"&page={answer.headers['x-paging-nextkey']}"


def overlaps(segments: Iterable[Listed]) -> list[tuple[Listed, Listed]]:
    """Each Segment that begins before one that began earlier has ended, with that one."""
    found = []
    longest: Listed | None = None
    for segment in sorted(segments):
        if longest is not None and segment.start < longest.end:
            found.append((longest, segment))
        if longest is None or segment.end > longest.end:
            longest = segment
    return found
