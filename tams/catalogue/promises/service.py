"""The service and its description, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from tams.domain.service import ServiceDescription


class Service(ABC):
    """The service's own description."""

    @abstractmethod
    async def get(self) -> ServiceDescription:
        """Return it; unset properties are None."""

    @abstractmethod
    async def lock(self) -> ServiceDescription:
        """Return it and keep others from changing it until the work ends."""

    @abstractmethod
    async def replace(self, description: ServiceDescription) -> None:
        """Store it."""
