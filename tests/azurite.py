"""Azurite, Microsoft's own emulator of Azure Blob Storage, where it is installed."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.ceph import await_answer, free_ports

ACCOUNT = "throwaway"
KEY = base64.b64encode(b"of no use elsewhere".ljust(64, b".")).decode()
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tams-azurite"


@dataclass(frozen=True)
class Azurite:
    """Where it listens; the account's containers lie below its name."""

    endpoint: str

    def create(self) -> str:
        """Create a container and return its name."""
        name = f"media-{secrets.token_hex(4)}"
        ends, version = "2999-01-01T00:00:00Z", "2020-12-06"
        signed = f"{ACCOUNT}\nc\nb\nc\n\n{ends}\n\n\n{version}\n\n"
        signature = hmac.digest(base64.b64decode(KEY), signed.encode(), "sha256")
        query = {"sv": version, "ss": "b", "srt": "c", "sp": "c", "se": ends}
        query["sig"] = base64.b64encode(signature).decode()
        url = f"{self.endpoint}/{name}?restype=container&{urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(url, method="PUT")):
            return name

    def setting(self, container: str, patch: pytest.MonkeyPatch) -> str:
        """The URL of a folder of its own in a container; puts the account's key around it."""
        patch.setenv("AZURE_STORAGE_KEY", KEY)
        folder = secrets.token_hex(4)
        return f"az://{container}/{folder}?account={ACCOUNT}&endpoint={self.endpoint}"


def find_azurite() -> str | None:
    """The program: on the path, or where `.ci/run` puts it."""
    return shutil.which("azurite-blob") or shutil.which(
        "azurite-blob", path=CACHE / "node_modules" / ".bin"
    )


@contextmanager
def throw_away_azurite(program: str) -> Iterator[Azurite]:
    """One that keeps all in memory, and goes with the context."""
    (port,) = free_ports(1)
    arguments = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with tempfile.TemporaryDirectory(prefix="tams-azurite-") as home:
        server = subprocess.Popen(
            [program, *arguments, "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            await_answer(f"http://127.0.0.1:{port}/")
            yield Azurite(f"http://127.0.0.1:{port}/{ACCOUNT}")
        finally:
            server.kill()
            server.wait()
