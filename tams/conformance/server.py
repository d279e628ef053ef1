"""A TAMS server seen from outside: requests, answers, and the few resources that checks need."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from tams.conformance.receiver import Receiver

T = TypeVar("T")
PARTING = 5.0
"""Seconds for which an answer is still awaited after its check was given up."""

MOMENT = 1.1
"""Seconds after which a server that counts in whole seconds tells another time."""

Wait = Callable[[float], Awaitable[None]]
Headers = Mapping[str, str]
Json = Any
"""A JSON value as it came; a check looks into it and fails where it is not what it should be."""


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, the bytes; and the request for messages.

    `shown` is the Authorization header of the request, if it had one.
    """

    request: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    shown: str | None = None

    @property
    def json(self) -> Json:
        """The body read as JSON."""
        return json.loads(self.body)

    def is_status(self, *expected: int) -> Answer:
        """Return self, or fail if the status is none of `expected`."""
        if self.status not in expected:
            wanted = " or ".join(map(str, expected))
            raise AssertionError(
                f"{self.request}: {wanted} expected, {self.status} came: {self.body[:300]!r}"
            )
        return self


Watcher = Callable[[str, str, Answer], None]
"""Told of every answer: the method, the path as it was asked for, the answer."""


@dataclass
class Server:
    """A server under test.

    `wait`, if given, lets that many seconds pass (an injected clock, or a patient caller);
    `watchers` see every answer; `receiver`, if given, is where the server can send webhooks;
    `credentials` are those that others than `headers` show: a token of one scope under `read`,
    `write` and `delete`, one that is over under `expired`, a name:password under `basic`. `version`
    is that of the API under `base`.
    """

    base: str
    session: aiohttp.ClientSession
    headers: Headers = field(default_factory=dict)
    wait: Wait | None = None
    watchers: tuple[Watcher, ...] = ()
    receiver: Receiver | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    version: str = "8.2"

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        """Send one request; `path` may be absolute and is sent exactly as written."""
        exchange = asyncio.create_task(self._exchange(method, path, body, content, headers))
        try:
            return await asyncio.shield(exchange)
        finally:
            if not exchange.done():
                # The watchers must learn what was made, or nobody could remove it.
                await asyncio.wait((exchange,), timeout=PARTING)
                exchange.cancel()

    async def _exchange(
        self, method: str, path: str, body: object, content: bytes | None, headers: Headers | None
    ) -> Answer:
        url = path if "://" in path else f"{self.base}{path}"
        sent = {**self.headers, **(headers or {})} if url.startswith(self.base) else headers or {}
        data = content
        if body is not None:
            data = json.dumps(body).encode()
            sent = {"Content-Type": "application/json", **sent}
        async with self.session.request(
            method, URL(url, encoded=True), data=data, headers=sent, allow_redirects=False
        ) as reply:
            body_read = await reply.read()
        shown = sent.get("Authorization")
        answer = Answer(f"{method} {path}", reply.status, reply.headers, body_read, shown)
        for watcher in self.watchers:
            watcher(method, path, answer)
        return answer

    async def get(self, path: str, *, headers: Headers | None = None) -> Answer:
        """GET `path`."""
        return await self.request("GET", path, headers=headers)

    async def head(self, path: str, *, headers: Headers | None = None) -> Answer:
        """HEAD `path`."""
        return await self.request("HEAD", path, headers=headers)

    async def put(
        self,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        """PUT a JSON value, or `content` as it is, to `path`."""
        return await self.request("PUT", path, body, content=content, headers=headers)

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        """POST a JSON value, or `content` as it is, to `path`."""
        return await self.request("POST", path, body, content=content, headers=headers)

    async def delete(self, path: str, *, headers: Headers | None = None) -> Answer:
        """DELETE `path`."""
        return await self.request("DELETE", path, headers=headers)

    async def read(self, path: str) -> Json:
        """GET `path`, which must be a 200, and return its JSON."""
        return (await self.get(path)).is_status(200).json

    async def offers(self, extension: str) -> bool:
        """Whether the server says that it does this beside the standard."""
        return extension in (await self.read("/service")).get("extensions", ())

    async def ids(
        self, path: str, filters: Mapping[str, str] | None = None, /, **more: str
    ) -> list[str]:
        """GET a list with these query parameters and return the `id` of each item, in order."""
        return [item["id"] for item in await self.read(path + query(filters, **more))]

    async def set(self, path: str, value: object) -> None:
        """PUT a JSON value to a property or to an existing Flow, which must be a 204."""
        (await self.put(path, value)).is_status(204)

    async def unset(self, path: str) -> None:
        """DELETE a property, which must be a 204."""
        (await self.delete(path)).is_status(204)

    async def later(self) -> None:
        """Let the server's clock move on, so that two changes do not share one time."""
        await (self.wait(1.0) if self.wait else asyncio.sleep(MOMENT))

    async def until(self, found: Callable[[], Awaitable[T]], what: str, *, within: int = 30) -> T:
        """Ask `found` until it gives something that is true, and return that.

        Fails, naming `what` was awaited, when `within` seconds have passed without it. For work
        that the server does behind the answer; with an injected clock nobody waits.
        """
        for _ in range(within):
            result = await found()
            if result:
                return result
            await self.later()
        raise AssertionError(f"{what}: awaited in vain for {within} seconds")

    async def flow(self, kind: str = "video", **fields: Json) -> dict[str, Any]:
        """PUT a new Flow of that kind and return the body of the 201; None removes a field."""
        body = flow_body(kind, **fields)
        answer = await self.put(f"/flows/{body['id']}", body)
        created: dict[str, Any] = answer.is_status(201).json
        return created

    async def allocate(self, flow_id: str, count: int = 1, **fields: Json) -> list[dict[str, Any]]:
        """Allocate `count` Objects for a Flow; returns `media_objects`."""
        answer = await self.post(f"/flows/{flow_id}/storage", {"limit": count, **fields})
        objects: list[dict[str, Any]] = answer.is_status(201).json["media_objects"]
        return objects

    async def upload(self, allocated: Mapping[str, Any], content: bytes, **headers: str) -> Answer:
        """PUT bytes to an allocated Object's `put_url`."""
        put = allocated["put_url"]
        sent = dict(put.get("headers", {})) | headers
        if "content-type" in put:
            sent["Content-Type"] = put["content-type"]
        return await self.request("PUT", put["url"], content=content, headers=sent)

    async def segment(self, flow_id: str, timerange: str, **fields: Json) -> dict[str, Any]:
        """Register one Segment, with a newly allocated Object unless `object_id` is given."""
        if "object_id" not in fields:
            fields["object_id"] = (await self.allocate(flow_id))[0]["object_id"]
        body = {"timerange": timerange, **fields}
        (await self.post(f"/flows/{flow_id}/segments", body)).is_status(201)
        return body

    async def segments(self, flow_id: str, timeranges: Sequence[str]) -> list[dict[str, Any]]:
        """Register one new Segment per timerange, in one request where the version can."""
        objects = await self.allocate(flow_id, len(timeranges))
        bodies = [
            {"object_id": allocated["object_id"], "timerange": timerange}
            for allocated, timerange in zip(objects, timeranges, strict=True)
        ]
        # Up to 6.0 a request registers one.
        for body in bodies if self.version == "6.0" else [bodies]:
            (await self.post(f"/flows/{flow_id}/segments", body)).is_status(201)
        return bodies


def query(filters: Mapping[str, str] | None = None, /, **more: str) -> str:
    """Write a query string; names and values are percent-encoded, but for commas in values."""
    parameters = {**(filters or {}), **more}
    pairs = (f"{quote(name, safe='')}={quote(v, safe=',')}" for name, v in parameters.items())
    return "?" + "&".join(pairs)


def bearer(token: str) -> Headers:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def basic(pair: str) -> Headers:
    """The header that shows a name:password."""
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def new_id() -> str:
    """A UUID of a version that the standard's pattern admits."""
    return str(uuid.uuid4())


_ESSENCE: dict[str, dict[str, Any]] = {
    "video": {
        "format": "urn:x-nmos:format:video",
        "codec": "video/h264",
        "container": "video/mp2t",
        "essence_parameters": {
            "frame_width": 1920,
            "frame_height": 1080,
            "frame_rate": {"numerator": 25},
        },
    },
    "audio": {
        "format": "urn:x-nmos:format:audio",
        "codec": "audio/aac",
        "container": "video/mp2t",
        "essence_parameters": {"sample_rate": 48000, "channels": 2},
    },
    "image": {
        "format": "urn:x-tam:format:image",
        "codec": "image/jpeg",
        "container": "image/jpeg",
        "essence_parameters": {"frame_width": 640, "frame_height": 360},
    },
    "data": {
        "format": "urn:x-nmos:format:data",
        "codec": "application/json",
        "container": "application/json",
        "essence_parameters": {"data_type": "urn:x-tams:data:bounding-box"},
    },
    "multi": {"format": "urn:x-nmos:format:multi"},
}


def flow_body(kind: str = "video", **fields: Json) -> dict[str, Any]:
    """The body of a valid PUT of a Flow of that kind, with new ids; None removes a field."""
    body = {"id": new_id(), "source_id": new_id(), **_ESSENCE[kind], **fields}
    return {name: value for name, value in body.items() if value is not None}


def ensure(condition: object, message: str) -> None:
    """Fail the check with `message` unless `condition` holds."""
    if not condition:
        raise AssertionError(message)


def same(found: object, expected: object, what: str) -> None:
    """Fail the check unless `found` equals `expected`."""
    ensure(found == expected, f"{what}: {expected!r} expected, {found!r} found")
