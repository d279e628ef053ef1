"""HTTP to one server: addresses, credentials, errors, and the bytes of Objects."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, TypeAlias
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from tams.client.credentials import ClientCredentials
from tams.client.resources import MediaObject
from tams.client.retry import Retry
from tams.client.transfers import in_thread
from tams.errors import Invalid, RequestFailed

Filter: TypeAlias = str | int | bool | Sequence[str] | None
"""The value of a query parameter; a sequence is the standard's comma list, None leaves it out."""

Progress: TypeAlias = Callable[[int], None]
"""Told how many bytes of this Object have moved; 0 each time an attempt begins."""

CHUNK = 1 << 18
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=120)
_CODE = re.compile(r"<Error>.*<Code>(\w+)</Code>", re.DOTALL)
"""What object stores say of an error: `SignatureDoesNotMatch`, `EntityTooLarge`."""
_NEXT = re.compile(r'<([^>]*)>[^<]*;\s*rel="?next"?', re.IGNORECASE)


class Reply(NamedTuple):
    """A successful answer to `request`; `body` is None where there is none."""

    request: str
    body: Any
    next_url: str | None

    def array(self) -> list[Any]:
        """The body, where the standard has an array; raises `RequestFailed` if it is none."""
        if not isinstance(self.body, list):
            raise self._other("an array")
        return self.body

    def object(self) -> dict[str, Any]:
        """The body, where the standard has an object; raises `RequestFailed` if it is none."""
        if not isinstance(self.body, dict):
            raise self._other("an object")
        return self.body

    def object_if_any(self) -> dict[str, Any] | None:
        """The same, where the standard may leave it out."""
        return None if self.body is None else self.object()

    def array_of(self, name: str) -> list[Any]:
        """A member of that object, which is an array; raises `RequestFailed` if it is none."""
        member = self.object().get(name)
        if not isinstance(member, list):
            raise self._other(f"an object with {name}, an array")
        return member

    def _other(self, wanted: str) -> RequestFailed:
        said = (
            f"{self.request}: the answer is not {wanted}, as the standard has it; the root of a "
            "TAMS server speaks the standard's shape, or /v8.2 below it does"
        )
        return RequestFailed(200, said)


class Connection:
    """Requests to the server at `base_url`, credentials only to its own origin."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        credentials: ClientCredentials | None,
        retry: Retry,
        session: aiohttp.ClientSession | None,
    ) -> None:
        url = _address(base_url)
        self._session = session or aiohttp.ClientSession(timeout=_PATIENCE)
        self._owned = session is None
        self._base = str(url.with_user(None).with_query(None).with_fragment(None)).rstrip("/")
        self._origin = url.origin()
        self._headers = {**_basic(url), **headers}
        self._credentials = credentials
        self._retry = retry

    async def close(self) -> None:
        """Close the session, unless it was given."""
        if self._owned:
            await self._session.close()

    def url(self, *path: str, **query: Filter) -> str:
        """Return the address of a resource; each part of `path` is percent-encoded."""
        address = "/".join([self._base, *(quote(part, safe="") for part in path)])
        pairs = [f"{quote(k)}={_encoded(v)}" for k, v in query.items() if v is not None]
        return f"{address}?{'&'.join(pairs)}" if pairs else address

    async def call(
        self, method: str, url: str, body: object = None, *, repeatable: bool = True
    ) -> Reply:
        """Make one API request, again where that is safe; raise `RequestFailed` on an error."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        request = f"{method} {URL(url, encoded=True).path}"
        made = 0

        async def attempt() -> Reply:
            nonlocal made
            made += 1
            try:
                async with self._request(method, url, headers, data=data) as answer:
                    body = await _json(answer)
                    links = ",".join(answer.headers.getall("Link", []))
            except RequestFailed as error:
                # Where the answer to an earlier attempt was lost, what was to go is gone.
                if error.status == 404 and method == "DELETE" and made > 1:
                    return Reply(request, None, None)
                raise
            return Reply(request, body, self._next(links))

        return await self._retry.run(attempt, repeatable=repeatable)

    async def send_file(
        self, to: MediaObject, file: Path, progress: Progress, *, plain: bool = False
    ) -> None:
        """PUT the bytes of an Object with their MD5, so that the store refuses damaged ones.

        A `plain` request has no headers but those that the server named.
        """
        size, proof = await in_thread(partial(_sized if plain else _measured, file))
        request = to["put_url"]
        headers = {**proof, **request.get("headers", {})}
        if "content-type" in request:
            headers["Content-Type"] = request["content-type"]

        async def attempt() -> None:
            body = _FileBody(file, size, progress)
            signed = to.get("presigned", False)
            async with self._request("PUT", request["url"], headers, data=body, signed=signed):
                pass

        await self._retry.run(attempt, repeatable=True)

    async def fetch_file(self, url: str, file: Path, *, signed: bool, progress: Progress) -> None:
        """GET the bytes of an Object into `file`, which appears only when it is whole."""
        part = file.with_name(f"{file.name}.part")

        async def attempt() -> None:
            progress(0)
            async with self._request("GET", url, {}, signed=signed) as answer:
                await _write(part, answer.content, progress)

        try:
            await self._retry.run(attempt, repeatable=True)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        data: bytes | aiohttp.Payload | None = None,
        signed: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        address = URL(url, encoded=True)
        own = not signed and address.origin() == self._origin
        proof = self._credentials if own else None
        for last in (proof is None, True):
            token = {} if proof is None else await proof.headers(self._session)
            async with self._session.request(
                method,
                address,
                data=data,
                headers={**headers, **(self._headers if own else {}), **token},
                skip_auto_headers=("Content-Type",),
            ) as answer:
                if proof is not None and not last and answer.status == 401:
                    proof.renew(token)
                    continue
                await _refuse(answer)
                yield answer
                return

    def _next(self, links: str) -> str | None:
        match = _NEXT.search(links)
        return None if match is None else str(URL(self._base).join(URL(match[1], encoded=True)))


def _address(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise Invalid("url", text, "it must be an address such as http://127.0.0.1:8000")
    return url


def _basic(url: URL) -> dict[str, str]:
    if url.user is None:
        return {}
    pair = f"{url.user}:{url.password or ''}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _encoded(value: str | int | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return quote(str(value), safe="")
    return ",".join(quote(item, safe="") for item in value)


async def _refuse(answer: aiohttp.ClientResponse) -> None:
    if answer.status < 400:
        return
    text = await answer.text(errors="replace")
    after = _seconds(answer.headers.get("Retry-After", ""))
    said = _detail(text) or f"{answer.method} {answer.url.path}: {answer.status} {answer.reason}"
    if code := _CODE.search(text):
        said = f"{said}, {code[1]}"
    raise RequestFailed(answer.status, said, after)


async def _json(answer: aiohttp.ClientResponse) -> object:
    text = await answer.text(errors="replace")
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        said = f"{answer.method} {answer.url.path}: the answer is not JSON; is this a TAMS server?"
        raise RequestFailed(answer.status, said) from error


def _seconds(retry_after: str) -> int | None:
    """Read `Retry-After`, seconds or a date (RFC 9110, 10.2.3)."""
    if retry_after.isdecimal():
        return int(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    # A zone of -0000 is UTC too, though it is read as none.
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return max(0, math.ceil(wait.total_seconds()))


def _detail(text: str) -> str | None:
    """Return what the server said of an error, if it answered in the standard's shape."""
    try:
        body = json.loads(text)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    said = body.get("detail") or body.get("message") or body.get("summary")
    return said if said is None or isinstance(said, str) else json.dumps(said)


def _measured(file: Path) -> tuple[int, dict[str, str]]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
        proof = base64.b64encode(digest.digest()).decode()
        return stream.tell(), {"Content-MD5": proof}


def _sized(file: Path) -> tuple[int, dict[str, str]]:
    return file.stat().st_size, {}


class _FileBody(aiohttp.Payload):
    """The bytes of a file, read from its start however often aiohttp sends them."""

    def __init__(self, file: Path, size: int, progress: Progress) -> None:
        super().__init__(file)
        self._file = file
        self._size = size
        self._progress = progress

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._file.read_text(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        with _opened(self._file, "rb") as stream:
            self._progress(0)
            while chunk := await in_thread(partial(stream.read, CHUNK)):
                await writer.write(chunk)
                self._progress(stream.tell())


async def _write(file: Path, content: aiohttp.StreamReader, progress: Progress) -> None:
    with _opened(file, "wb") as stream:
        async for chunk in content.iter_chunked(CHUNK):
            await in_thread(partial(stream.write, chunk))
            progress(stream.tell())


def _opened(file: Path, mode: Literal["rb", "wb"]) -> BinaryIO:
    # Not in a thread: a cancelled caller would leave it open.
    return file.open(mode)
