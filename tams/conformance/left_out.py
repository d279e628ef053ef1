"""Statements without a check, and the issue that brings each."""

from __future__ import annotations

LEFT_OUT: dict[int, str] = {
    **dict.fromkeys((190, 194), "B"),
    **dict.fromkeys(range(196, 204), "B"),
    **dict.fromkeys(range(232, 244), "B"),
    **dict.fromkeys(range(262, 298), "B"),
}
"""Webhooks, delete requests, instances and access come with issue B."""
