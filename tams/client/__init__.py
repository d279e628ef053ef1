"""An async client of any TAMS server; and an uploader for scripts that are not."""

from __future__ import annotations

from tams.client.client import TAMSClient
from tams.client.credentials import ClientCredentials
from tams.client.uploader import TAMSVideoUploader

__all__ = ["ClientCredentials", "TAMSClient", "TAMSVideoUploader"]
