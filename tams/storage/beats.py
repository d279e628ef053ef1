"""Beats of work that takes long: whoever does it shows that it goes on, and hears if it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tams.storage.base import Beat

EVERY_S = 5.0

T = TypeVar("T")


async def beating(work: Callable[[], Coroutine[Any, Any, T]], beat: Beat) -> T:
    """Do a work, and return what it gives; what the beat raises ends it.

    The beat is awaited before the work begins, then every few seconds.
    """
    await beat()
    begun = asyncio.create_task(work())
    try:
        while not (await asyncio.wait({begun}, timeout=EVERY_S))[0]:
            await beat()
        return begun.result()
    finally:
        if not begun.done():
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)
