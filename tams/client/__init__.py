"""An async client of any TAMS server."""

from __future__ import annotations

from tams.client.client import TAMSClient
from tams.client.credentials import ClientCredentials

__all__ = ["ClientCredentials", "TAMSClient"]
