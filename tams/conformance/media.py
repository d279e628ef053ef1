"""Segments with bytes behind them, as checks make them and see them."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from tams.conformance.server import Answer, Json, Server, ensure, flow_body, new_id, query
from tams.conformance.statements import Skipped

ELSEWHERE = "https://media.example/clip.ts"
"""Where an external Object lies; nobody fetches it."""

INIT_TYPE = "video/mp4"
"""The content type of an init Object whose media are of the type `video/iso.segment`."""

STORED = (200, 201, 204)
"""What an object store may answer to a PUT that it accepts."""


def new_media() -> bytes:
    """Bytes the size of one MPEG-TS packet, never the same twice."""
    return b"\x47" + uuid.uuid4().bytes.ljust(187, b"\xff")


def object_path(object_id: str) -> str:
    """Return the path of an Object, whose id may hold any character."""
    return f"/objects/{quote(object_id, safe='')}"


async def store(
    server: Server,
    flow_id: str,
    timerange: str,
    content: bytes | None = None,
    storage_id: str | None = None,
) -> str:
    """Allocate, upload and register one Segment; return its `object_id`."""
    backend: Json = {} if storage_id is None else {"storage_id": storage_id}
    allocated = (await server.allocate(flow_id, **backend))[0]
    (await server.upload(allocated, content or new_media())).is_status(*STORED)
    await server.segment(flow_id, timerange, object_id=allocated["object_id"])
    return str(allocated["object_id"])


async def fragmented_flow(server: Server, **fields: Json) -> str:
    """The id of a new Flow whose Media Objects need init Objects."""
    parameters = {**flow_body()["essence_parameters"], "init_segments": True}
    fields = {"container": "video/iso.segment", "essence_parameters": parameters, **fields}
    return str((await server.flow(**fields))["id"])


async def store_init(server: Server, flow_id: str, content: bytes | None = None) -> str:
    """Allocate and upload an init Object; return its id, with which no Segment is registered."""
    allocated = (await server.allocate(flow_id, content_type=INIT_TYPE))[0]
    (await server.upload(allocated, content or new_media())).is_status(*STORED)
    return str(allocated["object_id"])


async def link(server: Server, flow_id: str, timerange: str, url: str, label: str) -> str:
    """Register a Segment of an external Object; skip where the server takes none."""
    body = external(timerange, {"url": url, "label": label})
    answer = await server.post(f"/flows/{flow_id}/segments", body)
    if answer.is_status(201, 400).status == 400:
        raise Skipped("this server accepts no Objects held elsewhere")
    return str(body["object_id"])


def external(timerange: str, *get_urls: Json) -> dict[str, Any]:
    """The body of a Segment whose Object lies elsewhere, under a new id."""
    return {"object_id": new_id(), "timerange": timerange, "get_urls": list(get_urls)}


async def listed(server: Server, flow_id: str, **filters: str) -> list[dict[str, Any]]:
    """The Segments of a Flow, or of the part of it that `filters` choose."""
    segments: list[dict[str, Any]] = await server.read(
        f"/flows/{flow_id}/segments" + query(filters)
    )
    return segments


async def timeranges(server: Server, flow_id: str, **filters: str) -> list[str]:
    """The timeranges of these Segments, in the order of the list."""
    return [segment["timerange"] for segment in await listed(server, flow_id, **filters)]


async def own_url(server: Server, object_id: str) -> str:
    """The first URL at which the server itself offers an Object's bytes."""
    path = object_path(object_id) + query(verbose_storage="true")
    found = [at["url"] for at in (await server.read(path))["get_urls"] if at.get("storage_id")]
    ensure(found, f"Object {object_id} has no URL at a Storage Backend")
    return str(found[0])


async def fetch(server: Server, url: str, **headers: str) -> Answer:
    """GET a media URL without the credentials of the API."""
    return await replace(server, headers={}).get(url, headers=headers)


def forged(url: str) -> str:
    """Return the URL with one character of its longest run, a key or a signature, changed."""
    run = max(re.finditer(r"[0-9A-Za-z]+", url), key=lambda match: len(match[0]))
    middle = (run.start() + run.end()) // 2
    return url[:middle] + ("1" if url[middle] == "0" else "0") + url[middle + 1 :]
