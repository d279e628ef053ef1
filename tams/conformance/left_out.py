"""Statements without a check, and the issue that brings each."""

from __future__ import annotations

LEFT_OUT: dict[int, str] = {
    **dict.fromkeys(range(19, 41), "B"),
    **dict.fromkeys((140, 141), "B"),
}
"""Profiles, init Objects, webhooks, delete requests, instances and access come with issue B."""
