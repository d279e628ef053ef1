"""Statements that no check can see over HTTP, each with the reason."""

from __future__ import annotations

LEFT_OUT: dict[int, str] = {
    288: (
        "rights are checked for each event, which only shows where callers have rights on single "
        "resources"
    ),
    **dict.fromkeys(
        range(295, 298),
        "rights on single Flows, Sources, Webhooks and Storage Backends are not part of this "
        "version, which knows the coarse scopes alone",
    ),
}
