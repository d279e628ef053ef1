"""The services of media, on a clock that is moved."""

from __future__ import annotations

from tests.services.conftest import house

__all__ = ["house"]
