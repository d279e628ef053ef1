"""What a check made on a server, so that it can be removed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import aiohttp

from tams.conformance.server import Answer, Server

_FLOW = re.compile(r"/flows/[^/]+")
_PROFILE = re.compile(r"/service/profiles/[^/]+")
WEBHOOKS = "/service/webhooks"


class Belongings:
    """A watcher that remembers each new Flow, webhook and Profile."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._removable: list[str] = []
        self._lasting: list[str] = []

    def __call__(self, method: str, path: str, answer: Answer) -> None:
        """Remember what this answer says has been made."""
        if answer.status != 201:
            return
        asked = urlsplit(path.removeprefix(self._base)).path
        if method == "PUT" and _FLOW.fullmatch(asked):
            self._removable.append(asked)
        elif method == "POST" and asked == WEBHOOKS and answer.body:
            self._removable.append(f"{WEBHOOKS}/{answer.json['id']}")
        elif method == "POST" and _PROFILE.fullmatch(asked):
            self._lasting.append(asked)

    async def remove(self, server: Server) -> list[str]:
        """Delete what can be deleted; return the paths of what is left.

        Profiles stay: the standard knows no way to delete them.
        """
        refused = [path for path in self._removable if not await _remove(server, path)]
        return self._lasting + refused


async def _remove(server: Server, path: str) -> bool:
    try:
        answer = await server.delete(path)
        if answer.status == 403:
            await server.put(f"{path}/read_only", body=False)
            answer = await server.delete(path)
    except (aiohttp.ClientError, TimeoutError):
        return False
    return answer.status in (202, 204, 404)
