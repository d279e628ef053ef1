"""Tags of Segments, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from tams.domain.flows import LockedFlow
from tams.domain.tags import Tags


class SegmentTags(ABC):
    """The tags of Segments, which go with them however they go."""

    @abstractmethod
    async def get(self, flow_id: str, starts: Iterable[int]) -> Mapping[int, Tags]:
        """By start, the tags of those Segments of a Flow that begin there and have any."""

    @abstractmethod
    async def replace(self, flow: LockedFlow, tags: Mapping[int, Tags]) -> None:
        """Let Segments of a locked Flow that are there, by start, have these tags and no others."""
