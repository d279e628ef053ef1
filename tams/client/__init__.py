"""An async client of any TAMS server."""

from __future__ import annotations

from tams.client.client import TAMSClient

__all__ = ["TAMSClient"]
