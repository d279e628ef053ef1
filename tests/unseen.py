"""Answers that the official document declares and no test can receive: each with its reason."""

from __future__ import annotations

ALWAYS_THERE = "a server without webhooks answers so, and this one has them"

UNSEEN: dict[tuple[str, str, int], str] = {
    ("GET", "/service/webhooks", 404): ALWAYS_THERE,
    ("HEAD", "/service/webhooks", 404): ALWAYS_THERE,
    ("POST", "/service/webhooks", 404): ALWAYS_THERE,
}
