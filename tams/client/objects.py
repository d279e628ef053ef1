"""Objects that a Flow is to hold: room for them, and init Objects, each stored once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tams.client.client import TAMSClient
from tams.client.resources import MediaObject
from tams.client.transfers import in_thread
from tams.errors import RequestFailed


async def allocate_all(
    client: TAMSClient, flow_id: str, count: int, *, content_type: str | None = None
) -> list[MediaObject]:
    """Return room for `count` new Objects, in as many requests as the server needs."""
    # Server-made ids are new each time, so an earlier, interrupted allocation cannot be met.
    rooms: list[MediaObject] = []
    while len(rooms) < count:
        limit = count - len(rooms)
        given = await client.allocate(flow_id, limit=limit, content_type=content_type)
        if not given:
            raise RequestFailed(201, f"the server gives Flow {flow_id} no storage")
        rooms += given[:limit]
    return rooms


class InitObjects:
    """The init Objects of a Flow by their bytes; `earlier` are the ids of those it has already."""

    def __init__(
        self, client: TAMSClient, flow_id: str, content_type: str | None, earlier: Iterable[str]
    ) -> None:
        self._client = client
        self._flow_id = flow_id
        self._content_type = content_type
        self._unread = sorted(earlier)
        self._ids: dict[bytes, str] = {}

    async def id_of(self, init: bytes | None) -> str | None:
        """Return the Object that holds this init segment; store it if there is none.

        What needs no init segment has no init Object.
        """
        if init is None:
            return None
        while init not in self._ids and self._unread:
            object_id = self._unread.pop()
            self._ids[await self._bytes(object_id)] = object_id
        if init not in self._ids:
            self._ids[init] = await self._store(init)
        return self._ids[init]

    async def _bytes(self, object_id: str) -> bytes:
        found = await self._client.object(object_id)
        with TemporaryDirectory(prefix="tams-init-") as folder:
            file = Path(folder) / "init"
            await self._client.download(found.get("get_urls", []), file)
            return await in_thread(file.read_bytes)

    async def _store(self, init: bytes) -> str:
        (room,) = await allocate_all(
            self._client, self._flow_id, 1, content_type=self._content_type
        )
        with TemporaryDirectory(prefix="tams-init-") as folder:
            file = Path(folder) / "init"
            await in_thread(partial(file.write_bytes, init))
            await self._client.upload(room, file)
        return room["object_id"]
