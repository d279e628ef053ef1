"""Whether what the store depends on answers, and how this process fares."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Ping = Callable[[], Awaitable[None]]

_MEMORY = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that requests need, and how many seconds it took to answer.

    `trouble` says in a sentence why it is down, if it is.
    """

    name: str
    trouble: str | None
    latency: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What this process takes: seconds since its start, those of its CPUs, and bytes of memory.

    What the system does not tell is None.
    """

    uptime: float
    cpu_time: float
    memory: int | None
    memory_total: int | None


class Health:
    """Asks each dependency whether it answers, within a few seconds."""

    def __init__(self, pings: Mapping[str, Ping], patience: float = 5.0) -> None:
        self._pings = pings
        self._patience = patience
        self._began = time.monotonic()

    async def check(self) -> list[Dependency]:
        """The state of each dependency, asked at the same time."""
        return await asyncio.gather(*(self._ask(name, ping) for name, ping in self._pings.items()))

    def vitals(self) -> Vitals:
        """How this process fares."""
        return Vitals(
            uptime=time.monotonic() - self._began,
            cpu_time=time.process_time(),
            memory=_resident(),
            memory_total=_pages("SC_PHYS_PAGES"),
        )

    async def _ask(self, name: str, ping: Ping) -> Dependency:
        began = time.perf_counter()
        trouble = await self._trouble_of(ping)
        return Dependency(name, trouble, time.perf_counter() - began)

    async def _trouble_of(self, ping: Ping) -> str | None:
        try:
            await asyncio.wait_for(ping(), self._patience)
        except TimeoutError:
            return f"no answer within {self._patience:g} s"
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the dependency is down
            return str(trouble) or type(trouble).__name__
        return None


def _resident() -> int | None:
    """Bytes of this process in memory, where the system keeps a file that says so."""
    try:
        pages = int(_MEMORY.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _pages(name: str) -> int | None:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
