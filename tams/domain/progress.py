"""Word of how far long work has come."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str, int], None]
"""Told of what is worked on, and of how much of it is done."""
