"""Many questions to a storage, some at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

AT_ONCE = 64
"""How many questions a storage is asked at the same time."""

A = TypeVar("A")
B = TypeVar("B")


async def ask_each(ask: Callable[[A], Awaitable[B]], subjects: Sequence[A]) -> Sequence[B]:
    """Ask the same of all; answers come in the order of the subjects."""
    answers: list[B] = []
    for start in range(0, len(subjects), AT_ONCE):
        answers += await asyncio.gather(*map(ask, subjects[start : start + AT_ONCE]))
    return answers
