"""Named tuples by the thousand."""

from __future__ import annotations

made = tuple.__new__
"""`made(Kind, fields)` is `Kind(*fields)`, all of them given, in half the time."""
