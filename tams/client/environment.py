"""A client by what an environment holds, as the commands have it."""

from __future__ import annotations

from collections.abc import Mapping

from tams.client.client import TAMSClient
from tams.client.credentials import ClientCredentials


def connect(url: str, environment: Mapping[str, str]) -> TAMSClient:
    """A client of that server, which shows the credentials that the environment holds.

    They are TAMS_API_TOKEN; or TAMS_API_CLIENT_ID and TAMS_API_CLIENT_SECRET, for which
    TAMS_API_TOKEN_URL gives tokens, the server's own `/token` if it is not set. For Basic, name and
    password stand in the address.
    """
    given = environment.get
    credentials = None
    if client_id := given("TAMS_API_CLIENT_ID"):
        token_url = given("TAMS_API_TOKEN_URL") or f"{url.rstrip('/')}/token"
        secret = given("TAMS_API_CLIENT_SECRET", "")
        credentials = ClientCredentials(token_url, client_id, secret)
    return TAMSClient(url, token=given("TAMS_API_TOKEN") or None, credentials=credentials)
