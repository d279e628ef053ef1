"""What is known of bytes in a folder besides the bytes: a file beside them, bound to their time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Facts = Mapping[str, Any]
"""`content_type`, `checksums` by lower-case header name, and `size`."""


def facts_path(path: Path, modified: int) -> Path:
    """Where the facts lie of the bytes that were modified then, in ns."""
    return path.with_name(f".{path.name}.{modified}")


def write_facts(path: Path, facts: Facts) -> None:
    """Write a whole new file durably, or leave none."""
    with path.open("xb") as file:
        try:
            file.write(json.dumps(facts).encode())
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def read_facts(path: Path) -> Facts | None:
    """What the file says; None if there is none, or none that can be read as facts."""
    try:
        facts: Facts = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return facts


def moment(modified: int) -> datetime:
    """A time of modification, given in ns."""
    return _EPOCH + timedelta(microseconds=modified // 1000)
