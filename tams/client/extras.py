"""What is installed only where it is wanted."""

from __future__ import annotations

from importlib.util import find_spec

from tams.errors import MediaUnreadable


def require_media() -> None:
    """Raise `MediaUnreadable` with what to do if PyAV is not installed."""
    if find_spec("av") is None:
        raise MediaUnreadable(
            "PyAV, which reads and writes media files, is not installed: "
            "pip install 'tams-server[media]'"
        )
