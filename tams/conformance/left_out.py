"""Statements without a check, and the issue that brings each."""

from __future__ import annotations

LEFT_OUT: dict[int, str] = {
    190: "B",
    **dict.fromkeys(range(196, 204), "B"),
    288: "D",
    **dict.fromkeys(range(291, 298), "B"),
}
"""Delete requests and access come with issue B; permissions on resources with D."""
