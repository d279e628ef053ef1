"""Whether the bytes of what is registered for the first time are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.objects import Instance
from tams.domain.segments import NewSegment, Refusal
from tams.services.questions import ask_each
from tams.storage.base import Storage
from tams.storage.storages import in_use


class Uploads:
    """Looks for the bytes of Objects; one has at least one byte, and `max_size` at most."""

    def __init__(
        self, catalogue: Catalogue, storages: Mapping[str, Storage], *, max_size: int
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._max_size = max_size

    async def screen(self, posts: Sequence[NewSegment]) -> tuple[list[NewSegment], list[Refusal]]:
        """Part the Segments whose Objects can be read from those with an allocated one that cannot.

        What the store knows no allocation of is left to the registration. Raises `StorageFailed`.
        """
        wrong = await self._wrong({one for post in posts for one in _named(post)})
        passed, refused = [], []
        for post in posts:
            reason = next((wrong[one] for one in _named(post) if one in wrong), None)
            if reason is None:
                passed.append(post)
            else:
                refused.append(Refusal(post.object_id, post.timerange, reason))
        return passed, refused

    async def _wrong(self, object_ids: set[str]) -> Mapping[str, str]:
        """What is wrong with the bytes of these Objects, by id; nothing where all is well.

        How many bytes those have that can be read is written down.
        """

        async def work(tx: Transaction) -> Mapping[str, Instance]:
            return await tx.objects.allocated(object_ids)

        places = await self._catalogue.read(work)
        found = zip(places, await ask_each(self._size, list(places.values())), strict=True)
        sizes = dict(found)
        wrong = {object_id: self._fault(object_id, size) for object_id, size in sizes.items()}
        right = {object_id: size for object_id, size in sizes.items() if wrong[object_id] is None}
        if right:
            await self._catalogue.write(lambda tx: tx.objects.measure(right))
        return {object_id: fault for object_id, fault in wrong.items() if fault is not None}

    async def _size(self, place: Instance) -> int:
        stored = await in_use(self._storages, place.storage_id).head(place.key or "")
        return 0 if stored is None else stored.size

    def _fault(self, object_id: str, size: int) -> str | None:
        if not size:
            return f"object_id: the bytes of {object_id} are not there; PUT them before this"
        if size > self._max_size:
            return f"object_id: {object_id} has {size} bytes, and may have {self._max_size}"
        return None


def _named(post: NewSegment) -> list[str]:
    init = post.init_object_id
    return [post.object_id] if init is None else [post.object_id, init]
