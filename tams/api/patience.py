"""How long a request waits for its own body."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tams.errors import TooSlow

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Patience:
    """Ends a request of whose body nothing has come for `seconds`; one that flows may take long."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; whoever reads its body may meet `TooSlow`."""
        if scope["type"] == "http" and scope["method"] in _WITH_BODY:
            receive = self._bounded(receive)
        await self._app(scope, receive, send)

    def _bounded(self, receive: Receive) -> Receive:
        more = True

        async def receive_in_time() -> Message:
            nonlocal more
            if not more:  # then it waits for the client to go, which may well take long
                return await receive()
            try:
                async with asyncio.timeout(self._seconds):
                    message = await receive()
            except TimeoutError:
                raise TooSlow(
                    f"the body: nothing of it came for {self._seconds:g} s; send it again"
                ) from None
            more = message.get("more_body", False)
            return message

        return receive_in_time
