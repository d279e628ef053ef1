"""A visit to a server: it is reached, checked, and left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import aiohttp
from yarl import URL

from tams.conformance.examiner import Examiner
from tams.conformance.official import VERSION, OfficialDocument
from tams.conformance.receiver import receiving
from tams.conformance.run import LIMIT, Outcome, Result, Runner
from tams.conformance.server import Headers, Json, Server, basic, bearer
from tams.conformance.statements import Check
from tams.errors import TamsError

NAMES = ("name", "description")
"""What the checks change of the service itself."""


@dataclass(frozen=True)
class Visit:
    """Which server to visit, with what.

    `url` is the root of its API, without a slash at the end; it may hold a name and a password,
    shown by Basic if there is no `token`. `receiver` is an address of this machine at which the
    server can reach us. `document` is of the `version` of the API that is checked. See `Runner` for
    `slow`, `Server` for `credentials`.
    """

    url: str
    checks: Sequence[Check]
    token: str | None = None
    document: OfficialDocument | None = None
    receiver: str | None = None
    slow: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict)
    version: str = VERSION

    @property
    def base(self) -> str:
        """The root without name and password."""
        return str(self._address.with_user(None)).rstrip("/")

    @property
    def _address(self) -> URL:
        try:
            address = URL(self.url)
        except ValueError:
            address = URL()
        if address.scheme not in {"http", "https"} or not address.host:
            raise TamsError("--url must be an address such as http://127.0.0.1:8000")
        return address

    @property
    def _headers(self) -> Headers:
        if self.token is not None:
            return bearer(self.token)
        name, password = self._address.user, self._address.password
        return {} if name is None else basic(f"{name}:{password or ''}")

    async def make(self, tell: Callable[[Result], None]) -> Outcome:
        """Run the checks and tell each result; raises `TamsError` if the server is out of reach."""
        async with AsyncExitStack() as opened:
            timeout = aiohttp.ClientTimeout(total=LIMIT)
            session = await opened.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            server = Server(
                self.base,
                session,
                self._headers,
                credentials=self.credentials,
                version=self.version,
            )
            before = await _reach(server)
            if self.receiver is not None:
                server.receiver = await opened.enter_async_context(receiving(self.receiver))
            return await self._checked(server, before, tell)

    async def _checked(
        self, server: Server, before: Json, tell: Callable[[Result], None]
    ) -> Outcome:
        everything = server.headers.get("Authorization")
        examiner = None if self.document is None else Examiner(self.document, self.base, everything)
        watchers = () if examiner is None else (examiner,)
        runner = Runner(replace(server, watchers=watchers), tell, slow=self.slow)
        try:
            results, left = await runner.run(self.checks)
        finally:
            renamed = await _rename(server, before)
        complaints = None if examiner is None else examiner.complaints
        return Outcome(results, complaints, left + renamed, self.version)


async def _reach(server: Server) -> Json:
    """Return the service resource, or say why this address is not one to check."""
    try:
        answer = await server.get("/service")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        why = str(error) or type(error).__name__
        raise TamsError(f"no server can be reached at {server.base}: {why}") from None
    if answer.status in (401, 403):
        raise TamsError(f"{server.base} refuses us ({answer.status}): give a --token that it takes")
    try:
        service = answer.is_status(200).json
        service["api_version"]
    except (AssertionError, ValueError, LookupError, TypeError):
        raise TamsError(
            f"{server.base}/service is no TAMS service (status {answer.status}): "
            f"--url must be the root of the API"
        ) from None
    return service


async def _rename(server: Server, before: Json) -> tuple[str, ...]:
    """Give the service back its names; return what could not be given back, as far as one knows."""
    try:
        return await _renamed(server, before)
    except (aiohttp.ClientError, TimeoutError, AssertionError, ValueError):
        return ("the service's name",)


async def _renamed(server: Server, before: Json) -> tuple[str, ...]:
    now = await server.read("/service")
    changed = [name for name in NAMES if now.get(name) != before.get(name)]
    known = {name: before[name] for name in changed if name in before}
    if known and (await server.post("/service", known)).status != 200:
        known = {}
    return tuple(f"the service's {name}" for name in changed if name not in known)
