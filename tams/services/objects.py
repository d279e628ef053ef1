"""What clients may know of Objects."""

from __future__ import annotations

from typing import NamedTuple

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.objects import Object
from tams.domain.pages import Page, PageRequest
from tams.domain.storage import Signer, Signers, UrlFilter
from tams.domain.tags import TagFilter
from tams.errors import NotFound
from tams.services.accesses import Accesses


class ObjectView(NamedTuple):
    """An Object, a page of the ids of the Flows that refer to it, and what makes its URLs."""

    object: Object
    flow_ids: Page[str]
    signer: Signer


class Objects:
    """Reads Objects (TAMS 8.2 `/objects/{objectId}`)."""

    def __init__(
        self, catalogue: Catalogue, signers: Signers, accesses: Accesses | None = None
    ) -> None:
        """`accesses` are told of each Object whose URLs are given out."""
        self._catalogue = catalogue
        self._signers = signers
        self._accesses = accesses

    async def get(
        self,
        base_url: str,
        object_id: str,
        flow_tags: TagFilter,
        page: PageRequest,
        urls: UrlFilter,
    ) -> ObjectView:
        """Return an Object that a Segment refers to; raises `NotFound` for any other.

        `flow_tags` narrow the Flows, never the Object (statement 230); `base_url` is where the
        caller reached this server.
        """

        async def work(tx: Transaction) -> tuple[Object, Page[str]]:
            found = await tx.objects.get(object_id)
            if found is None:
                raise NotFound("Object", object_id)
            return found, await tx.objects.referenced_by(object_id, flow_tags, page)

        found, flow_ids = await self._catalogue.read(work)
        if self._accesses is not None and not urls.is_none:
            self._accesses.note(object_id)
        return ObjectView(found, flow_ids, self._signers(urls, base_url))
