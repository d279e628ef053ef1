"""Time as a check sees it: what the server advertises, and letting it pass."""

from __future__ import annotations

from tams.conformance.server import Server
from tams.conformance.statements import Skipped
from tams.domain.timerange import SECOND, parse_timestamp

MARGIN = 60
"""Seconds kept clear of a timeout, for the real time that a check takes."""


async def advertised(server: Server, name: str) -> int:
    """Return a timeout that `/service` advertises, in seconds; skip if it advertises none."""
    service = await server.read("/service")
    if name not in service:
        raise Skipped(f"this server advertises no {name}")
    return parse_timestamp(service[name]) // SECOND


async def elapse(server: Server, seconds: int) -> None:
    """Let `seconds` pass on the server's clock; skip where nobody waits for that."""
    if server.wait is None:
        raise Skipped(f"{seconds} seconds must pass for it (--slow)")
    await server.wait(seconds)
