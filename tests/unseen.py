"""Answers that the official document declares and no test can receive: each with its reason."""

from __future__ import annotations

UNSEEN: dict[tuple[str, str, int], str] = {}
