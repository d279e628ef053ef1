"""Sets of many keys that lie close together, at a bit each."""

from __future__ import annotations

_BITS = 16


class Marks:
    """Natural numbers; those that share all but their last 16 bits take 8 KiB together."""

    def __init__(self) -> None:
        self._pieces: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        """Put a number in."""
        piece = self._pieces.setdefault(number >> _BITS, bytearray(1 << _BITS - 3))
        piece[(number >> 3) & (1 << _BITS - 3) - 1] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        piece = self._pieces.get(number >> _BITS)
        at = (number >> 3) & (1 << _BITS - 3) - 1
        return piece is not None and bool(piece[at] >> (number & 7) & 1)
