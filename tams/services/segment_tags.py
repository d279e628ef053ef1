"""What clients may do with the tags of Segments."""

from __future__ import annotations

from collections.abc import Callable

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.segment_tags import check_segment_tags
from tams.domain.tags import Tags
from tams.services.locking import lock_writable
from tams.services.segment_finding import find_segment


class SegmentTags:
    """Reads and changes the tags of one Segment, named by its id or its Object's."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def get(self, flow_id: str, name: str) -> Tags:
        """Return them; raises `NotFound`."""

        async def work(tx: Transaction) -> Tags:
            found = await find_segment(tx, flow_id, name)
            return (await tx.segment_tags.get(flow_id, [found.start])).get(found.start, {})

        return await self._catalogue.read(work)

    async def change(
        self, who: Principal, flow_id: str, name: str, change: Callable[[Tags], Tags]
    ) -> None:
        """Replace them by what `change` makes of them.

        Raises `NotFound`, `FlowReadOnly`, `Invalid` for what no Segment may have, and what `change`
        raises.
        """
        del who

        async def work(tx: Transaction) -> None:
            flow = await lock_writable(tx, flow_id)
            found = await find_segment(tx, flow_id, name)
            old = (await tx.segment_tags.get(flow_id, [found.start])).get(found.start, {})
            new = change(old)
            check_segment_tags(new)
            await tx.segment_tags.replace(flow, {found.start: new})

        await self._catalogue.write(work)
