"""Flows with Segments and bytes, and what is left of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tams.conformance.media import fetch, own_url, store
from tams.conformance.server import Server, new_id, query

GONE = 7300
"""Seconds after which no URL that was given out works any more."""


class Clip(NamedTuple):
    """A Flow with its Source, and the Object of each of its Segments, a second each."""

    flow_id: str
    source_id: str
    objects: list[str]

    @property
    def flow(self) -> str:
        return f"/flows/{self.flow_id}"

    @property
    def segments(self) -> str:
        return f"/flows/{self.flow_id}/segments"

    @property
    def source(self) -> str:
        return f"/sources/{self.source_id}"


async def clip(server: Server, number: int = 2, **fields: Any) -> Clip:
    """A new Flow with so many Segments, and bytes for each."""
    flow = await server.flow(**fields)
    objects = [
        await store(server, flow["id"], f"[{start}:0_{start + 1}:0)") for start in range(number)
    ]
    return Clip(flow["id"], flow["source_id"], objects)


async def pass_away(server: Server) -> None:
    """Let all go that is to go: first rows, and bytes when no URL to them works any more."""
    assert server.wait is not None
    await server.wait(1)
    await server.wait(GONE)


async def picture(server: Server, *paths: str) -> list[Any]:
    """What is at these paths, whatever it is; URLs of media differ each time."""
    answers = [await server.get(path + query(accept_get_urls="")) for path in paths]
    return [(answer.status, answer.json) for answer in answers if answer.status == 200]


async def url_of(server: Server, object_id: str) -> str:
    """A URL of an Object's bytes."""
    return await own_url(server, object_id)


async def reads(server: Server, url: str) -> int:
    """The status with which a media URL answers."""
    return (await fetch(server, url)).status


async def deletion_of(server: Server, entity_id: str) -> dict[str, Any]:
    """The latest record of a deletion of this."""
    records = await server.read("/deletions?limit=1000")
    return next(each for each in records if each["entity_id"] == entity_id)


async def shown(server: Server, kind: str, which: str, entity_id: str) -> list[dict[str, Any]]:
    """What a list with deleted ones tells of this id."""
    listed = await server.read(f"/{kind}?deleted={which}&limit=1000")
    return [each for each in listed if each["id"] == entity_id]


def unknown() -> str:
    """An id that nothing has."""
    return new_id()
