"""Forms as clients send them, and uploads by them."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any, NamedTuple

from tams.conformance.server import Answer, Server, new_id
from tests.ledger import Ledger, ledger
from tests.serving import CheckedServer

BOUNDARY = "of-a-form-7d9f"


class Part(NamedTuple):
    """A part of a form; `headers` stand beside its name."""

    name: str
    content: bytes
    filename: str | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 (nobody writes into it)

    def head(self) -> bytes:
        named = f'form-data; name="{self.name}"'
        if self.filename is not None:
            named += f'; filename="{self.filename}"'
        told = {"Content-Disposition": named, **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"--{BOUNDARY}\r\n{lines}\r\n".encode()


def declared(body: Any, name: str = "segment", content_type: str | None = "application/json"):
    """The part that declares Segments; what is no text is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if content_type is None else {"Content-Type": content_type}
    return Part(name, content, None, headers)


def file(content: bytes, content_type: str | None = "video/mp4", name: str = "take.mp4", **more):
    """The part that brings bytes."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    return Part("file", content, name, headers | more)


def written(*parts: Part) -> bytes:
    """The body of a form."""
    middle = b"".join(part.head() + part.content + b"\r\n" for part in parts)
    return middle + f"--{BOUNDARY}--\r\n".encode()


HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


async def send(server: Server, flow_id: str, *parts: Part, query: str = "") -> Answer:
    """POST a form to the Segments of a Flow."""
    path = f"/flows/{flow_id}/segments{query}"
    body: Any = BytesIO(written(*parts))  # aiohttp warns of many bytes
    return await server.post(path, content=body, headers=HEADERS)


async def uploaded(server: Server, flow_id: str, content: bytes, **fields: Any) -> dict[str, Any]:
    """Upload one Segment, which must be a 201; returns what came back."""
    fields = {"timerange": "[0:0_10:0)", **fields}
    answer = await send(server, flow_id, declared(fields), file(content))
    segment: dict[str, Any] = answer.is_status(201).json
    return segment


def declaration(**fields: Any) -> dict[str, Any]:
    """A Segment with an id of its own."""
    return {"object_id": f"take-{new_id()}", "timerange": "[0:0_10:0)", **fields}


async def listed(server: Server, flow_id: str) -> list[dict[str, Any]]:
    """The Segments of a Flow."""
    return await server.read(f"/flows/{flow_id}/segments")


async def seen(server: CheckedServer) -> Ledger:
    """All that the server keeps, but for the locks of its folders."""
    found = await ledger(server.catalogue, server.folder)
    return found | {"media": [one for one in found["media"] if "/.lock " not in one]}


async def kept(server: CheckedServer) -> Ledger:
    """The same once the server has done what it had to do."""
    await server.wait(0)
    return await seen(server)


async def fetched(server: Server, segment: dict[str, Any]) -> bytes:
    """The bytes behind the first of its URLs."""
    return (await server.get(segment["get_urls"][0]["url"])).is_status(200).body
