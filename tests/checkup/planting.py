"""One fault of each kind, as SQL between a Flow with two Segments and nothing else."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tams.domain.faults import FaultKind
from tests.checkup.store import CheckedStore
from tests.services.conftest import HOT, once
from tests.services.copying import COLD

NOWHERE = "99999999-9999-4999-8999-999999999999"
REQUEST = """INSERT INTO deletion_request (id, flow_id, flow_pk, timerange, ordinal, delete_flow,
    status, created, updated) SELECT 'request', id, pk, '_', 1, 0, 'created', 1, 1 FROM flow {}"""
WEBHOOK = """INSERT INTO webhook (id, url, status, document, created, position, failures, due,
    claims) VALUES ('webhook', 'https://a.example', 'started', '{}', 1, 2000000, 0, 0, 0)"""
EVENT = """INSERT INTO event (kind, entity_id, ordinal, occurred, document{column})
VALUES ('{kind}', '{of}', 1000, 1, '{{}}'{value})"""


class Garden(NamedTuple):
    """A Flow with Segments of the Objects `{name}-0` and `{name}-1`, whole and alone."""

    store: CheckedStore
    name: str
    flow_id: str

    @property
    def first(self) -> str:
        return f"{self.name}-0"

    @property
    def flow(self) -> str:
        return f"(SELECT pk FROM flow WHERE id = '{self.flow_id}')"

    @property
    def object(self) -> str:
        return f"(SELECT pk FROM object WHERE id = '{self.first}')"

    async def run(self, *statements: str) -> None:
        await self.store.run(*statements)

    async def change_flow(self, change: str) -> None:
        await self.run(f"UPDATE flow SET {change} WHERE id = '{self.flow_id}'")

    async def change_object(self, change: str) -> None:
        await self.run(f"UPDATE object SET {change} WHERE id = '{self.first}'")

    async def change_segment(self, change: str) -> None:
        """That of the first Object."""
        where = f"flow_pk = {self.flow} AND object_pk = {self.object}"
        await self.run(f"UPDATE segment SET {change} WHERE {where}")

    async def add_segment(self, flow: str, used: str) -> None:
        """A Segment of the third second."""
        columns = "flow_pk, start_ns, end_ns, object_pk, ts_offset, registered, end_inclusive"
        row = f"{flow}, 3000000000, 4000000000, {used}, 0, 1, 0"
        await self.run(f"INSERT INTO segment ({columns}) VALUES ({row})")

    async def add_event(self, kind: str, of: str, number: int | None = None) -> None:
        column, value = ("", "") if number is None else (", number", f", {number}")
        await self.run(EVENT.format(column=column, kind=kind, of=of, value=value))


Plant = Callable[[Garden], Awaitable[None]]


async def without_object(at: Garden) -> None:
    await at.add_segment(at.flow, "999999")


async def unregistered(at: Garden) -> None:
    await at.store.allocate(at.flow_id, "waiting")
    await at.add_segment(at.flow, "(SELECT pk FROM object WHERE id = 'waiting')")


async def without_source(at: Garden) -> None:
    source = f"(SELECT source_id FROM flow WHERE id = '{at.flow_id}')"
    await at.run(f"DELETE FROM source WHERE id = {source}")


async def ahead_source(at: Garden) -> None:
    source = (await at.store.catalogue.read(lambda tx: tx.flows.get(at.flow_id))).source_id
    await at.add_event("source", source)


async def item(at: Garden) -> None:
    await at.run(
        "INSERT INTO flow_collection (collector_pk, position, member_pk)"
        f" VALUES ({at.flow}, 0, 999999)"
    )


async def without_init(at: Garden) -> None:
    await at.change_object("init_pk = 999999")
    await at.change_segment("init_pk = 999999")


async def without_instance(at: Garden) -> None:
    at.store.file(await at.store.instance(at.first)).unlink()
    await at.change_object("storage_id = NULL, key = NULL")


async def instances(at: Garden) -> None:
    await at.run(
        "INSERT INTO instance (object_pk, position, url, label)"
        f" VALUES ({at.object}, 0, 'https://a.example', 'a')"
    )


async def unused(at: Garden) -> None:
    await at.run(f"DELETE FROM segment WHERE object_pk = {at.object}")


async def forgotten(at: Garden) -> None:
    await at.store.allocate(at.flow_id, "forgotten")
    await at.run("UPDATE object SET expires = NULL WHERE id = 'forgotten'")


async def left_object(at: Garden) -> None:
    await at.store.allocate(at.flow_id, "left")
    await at.run("UPDATE object SET expires = NULL, removable_at = 1 WHERE id = 'left'")


async def left_place(at: Garden) -> None:
    await at.run(
        "INSERT INTO place (object_pk, storage_id, key)"
        f" VALUES ({at.object}, '{HOT.id}', 'tams/left')"
    )


async def left_request(at: Garden) -> None:
    await at.run(REQUEST.format(f"WHERE id = '{at.flow_id}'"))
    await at.change_flow("deletions = 1")


async def unknown_backend(at: Garden) -> None:
    await at.change_object("others = 1")
    await at.run(
        "INSERT INTO instance (object_pk, position, storage_id, key)"
        f" VALUES ({at.object}, 0, '{NOWHERE}', 'tams/a')"
    )


async def missing(at: Garden) -> None:
    at.store.file(await at.store.instance(at.first)).unlink()


async def damaged(at: Garden) -> None:
    file = at.store.file(await at.store.instance(at.first))
    modified = file.stat().st_mtime_ns
    os.truncate(file, 3)
    os.utime(file, ns=(modified, modified))


async def differ(at: Garden) -> None:
    await at.store.copy(at.first)
    instance = await at.store.instance(at.first, COLD.id)
    await at.store.storages[COLD.id].write(instance.key, "video/mp2t", {}, once(b"others"))


async def orphaned(at: Garden) -> None:
    key = "tams/2026/03/01/nobody/orphan.12345678.ts"
    await at.store.storages[HOT.id].write(key, "video/mp2t", {}, once(b"orphan"))


PLANTS: dict[FaultKind, Plant] = {
    FaultKind.SEGMENT_WITHOUT_FLOW: lambda at: at.add_segment("999999", at.object),
    FaultKind.SEGMENT_WITHOUT_OBJECT: without_object,
    FaultKind.SEGMENT_OF_UNREGISTERED_OBJECT: unregistered,
    FaultKind.SEGMENT_OVERLAP: lambda at: at.change_segment("end_ns = end_ns + 1"),
    FaultKind.SEGMENT_REVERSED: lambda at: at.change_segment("end_ns = start_ns"),
    FaultKind.SEGMENT_INIT: lambda at: at.change_segment("init_pk = 999999"),
    FaultKind.SEGMENT_ORDINAL: lambda at: at.change_segment("registered = 1000"),
    FaultKind.FLOW_WITHOUT_SOURCE: without_source,
    FaultKind.FLOW_WITHOUT_PROFILE: lambda at: at.change_flow(f"profile_id = '{NOWHERE}'"),
    FaultKind.FLOW_DELETIONS: lambda at: at.change_flow("deletions = 2"),
    FaultKind.FLOW_ORDINAL: lambda at: at.add_event("flow", at.flow_id),
    FaultKind.FLOW_UPDATED: lambda at: at.change_flow("segments_updated = NULL"),
    FaultKind.FLOW_LEFT: lambda at: at.change_flow("gone_at = 1"),
    FaultKind.COLLECTION_ITEM: item,
    FaultKind.SOURCE_ORDINAL: ahead_source,
    FaultKind.OBJECT_WITHOUT_INIT: without_init,
    FaultKind.OBJECT_WITHOUT_INSTANCE: without_instance,
    FaultKind.OBJECT_INSTANCES: instances,
    FaultKind.OBJECT_UNUSED: unused,
    FaultKind.OBJECT_FORGOTTEN: forgotten,
    FaultKind.OBJECT_EXPIRING: lambda at: at.change_object("expires = 9000000000000000"),
    FaultKind.OBJECT_LEFT: left_object,
    FaultKind.PLACE_LEFT: left_place,
    FaultKind.REQUEST_LEFT: left_request,
    FaultKind.JOB_UNKNOWN: lambda at: at.run(
        "INSERT INTO job (kind, subject, due, attempt) VALUES ('other', 1, 1, 0)"
    ),
    FaultKind.LOG_BEHIND: lambda at: at.add_event("flow", NOWHERE, number=1_000_000),
    FaultKind.WEBHOOK_AHEAD: lambda at: at.run(WEBHOOK),
    FaultKind.BACKEND_UNKNOWN: unknown_backend,
    FaultKind.BYTES_MISSING: missing,
    FaultKind.BYTES_DAMAGED: damaged,
    FaultKind.BYTES_DIFFER: differ,
    FaultKind.BYTES_ORPHANED: orphaned,
}
