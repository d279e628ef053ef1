"""Which statements, all of them of 8.2, can be checked on a server of an older version."""

from __future__ import annotations

from tams.conformance.official import VERSIONS

SINCE: dict[int, str] = {}
"""The version from which on a statement holds, and its check has what it looks with."""


def later(number: int, version: str) -> str | None:
    """Why a statement is not checked in a version; None if it is."""
    since = SINCE.get(number, VERSIONS[0])
    if VERSIONS.index(since) <= VERSIONS.index(version):
        return None
    return f"of {since}: it, or what it is seen with, is not in {version}"
