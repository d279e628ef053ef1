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
        """What is wrong with the bytes of these Objects, by id; nothing where all is well."""

        async def work(tx: Transaction) -> Mapping[str, Instance]:
            return await tx.objects.allocated(object_ids)

        places = list((await self._catalogue.read(work)).items())
        found = zip(places, await ask_each(self._fault, places), strict=True)
        return {object_id: fault for (object_id, _), fault in found if fault is not None}

    async def _fault(self, placed: tuple[str, Instance]) -> str | None:
        object_id, place = placed
        stored = await in_use(self._storages, place.storage_id).head(place.key or "")
        if stored is None or stored.size == 0:
            return f"object_id: the bytes of {object_id} are not there; PUT them before this"
        if stored.size > self._max_size:
            return f"object_id: {object_id} has {stored.size} bytes, and may have {self._max_size}"
        return None


def _named(post: NewSegment) -> list[str]:
    init = post.init_object_id
    return [post.object_id] if init is None else [post.object_id, init]
