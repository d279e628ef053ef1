"""How often a test does what it does: a few times in `make test`, many in `make proof`."""

from __future__ import annotations

import os


def count(test: int, *, proof: int) -> int:
    """The number for this run."""
    return proof if os.environ.get("TAMS_PROOF") == "1" else test


def fuzzing(budget: int) -> int:
    """The number of generated examples: that of `make fuzz`, where it runs, else this one."""
    return int(os.environ.get("TAMS_FUZZ", budget))
