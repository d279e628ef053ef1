"""Statements without a check, and the issue that brings each."""

from __future__ import annotations

LEFT_OUT: dict[int, str] = {
    288: "D",
    **dict.fromkeys(range(295, 298), "D"),
}
"""Permissions on resources, of which these speak, come with issue D."""
