"""Settings: what there is to set, where values come from, and the names of others for them."""

from __future__ import annotations

from tams.settings.fields import IN_MEMORY, Settings, listed
from tams.settings.sources import PREFIX, Reading, load_one, load_settings, read_settings

__all__ = [
    "IN_MEMORY",
    "PREFIX",
    "Reading",
    "Settings",
    "listed",
    "load_one",
    "load_settings",
    "read_settings",
]
