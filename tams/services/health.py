"""Whether what the store depends on answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Ping = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that requests need; `trouble` says in a sentence why it is down, if it is."""

    name: str
    trouble: str | None


class Health:
    """Asks each dependency whether it answers, within a few seconds."""

    def __init__(self, pings: Mapping[str, Ping], patience: float = 5.0) -> None:
        self._pings = pings
        self._patience = patience

    async def check(self) -> list[Dependency]:
        """The state of each dependency, asked at the same time."""
        return await asyncio.gather(*(self._ask(name, ping) for name, ping in self._pings.items()))

    async def _ask(self, name: str, ping: Ping) -> Dependency:
        try:
            await asyncio.wait_for(ping(), self._patience)
        except TimeoutError:
            return Dependency(name, f"no answer within {self._patience:g} s")
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the dependency is down
            return Dependency(name, str(trouble) or type(trouble).__name__)
        return Dependency(name, None)
