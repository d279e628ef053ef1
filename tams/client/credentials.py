"""A token that a client gets for its id and secret, and renews."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import aiohttp

from tams.errors import RequestFailed

Headers = Mapping[str, str]


class ClientCredentials:
    """A client's id and secret, for which `token_url` gives tokens (RFC 6749, section 4.4).

    A token is used until it is refused. `scope` is asked for if given, else all that there is.
    """

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, scope: str | None = None
    ) -> None:
        self._token_url = token_url
        self._auth = aiohttp.encode_basic_auth(client_id, client_secret)
        self._scope = {} if scope is None else {"scope": scope}
        self._asking = asyncio.Lock()
        self._headers: Headers | None = None

    async def headers(self, session: aiohttp.ClientSession) -> Headers:
        """The token's header; asks for a token if there is none."""
        async with self._asking:
            if self._headers is None:
                self._headers = {"Authorization": f"Bearer {await self._token(session)}"}
            return self._headers

    def renew(self, refused: Headers) -> None:
        """Ask for another token next time, unless another request has already."""
        if self._headers is refused:
            self._headers = None

    async def _token(self, session: aiohttp.ClientSession) -> str:
        form = {"grant_type": "client_credentials", **self._scope}
        headers = {"Authorization": self._auth}
        async with session.post(self._token_url, data=form, headers=headers) as answer:
            text = await answer.text(errors="replace")
        try:
            said = json.loads(text)
            if answer.status < 400:
                return str(said["access_token"])
            reason = said.get("error_description") or said.get("error")
        except (ValueError, KeyError, TypeError, AttributeError):
            reason = "it gives no token"
        raise RequestFailed(answer.status, f"{self._token_url}: {answer.status}, {reason}")
