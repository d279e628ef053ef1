"""The log of changes, an event to a row; its facts are JSON, Segments as arrays.

The order of `pk` is that of the changes of one Flow or Source: its writers append, and so take the
next pk, while they hold the lock on its row, and commit before another has it. Between Flows it is
not that of the commits, so an event is numbered only once it is there to be seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, func, select, update

from tams.catalogue.promises.events import Events
from tams.catalogue.sql.collections import Collections
from tams.catalogue.sql.connection import Connection, Kind, Row
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import event as event_table
from tams.catalogue.sql.schema import log
from tams.catalogue.sql.statements import Among, Rows
from tams.domain.clock import Clock
from tams.domain.events import Event, PublishedEvent
from tams.domain.flows import DataParameters, MultiParameters
from tams.domain.sources import ContentFormat

_APPEND = Rows.inserted(event_table, "kind", "entity_id", "ordinal", "occurred", "document")
_OF = (
    select(event_table.c.document)
    .where(event_table.c.entity_id == bindparam("entity"))
    .order_by(event_table.c.ordinal)
)
_MOST_UNPUBLISHED = 10_000

_LOCK_LOG = select(log.c.published).with_for_update()
_UNPUBLISHED = (
    select(event_table.c.pk, event_table.c.kind, event_table.c.entity_id)
    .where(event_table.c.number.is_(None))
    .order_by(event_table.c.pk)
    .limit(bindparam("limit"))
)
_NUMBER = Rows.written(
    "WITH v(pk, number) AS (VALUES {rows})"
    " UPDATE event SET number = v.number FROM v WHERE event.pk = v.pk",
    "UPDATE event SET number = v.number FROM {rows} AS v(pk, number) WHERE event.pk = v.pk",
    "bigint",
    "bigint",
)
_PUBLISHED = update(log).values(published=bindparam("number"))
_END = select(log.c.published)
_AFTER = (
    select(event_table.c.number, event_table.c.occurred, event_table.c.document)
    .where(event_table.c.number > bindparam("number"))
    .order_by(event_table.c.number)
    .limit(bindparam("limit"))
)
_DELETED = '{"type":"flows/deleted"'
# Spares reading what may be many Segments. What the document says itself comes later, and wins.
_COMPLETE = (
    update(event_table)
    .values(document=bindparam("collectors").concat(func.substr(event_table.c.document, 2)))
    .where(
        Among(event_table.c.pk, "pks"),
        func.substr(event_table.c.document, 1, len(_DELETED)) != _DELETED,
    )
)
_EXPIRED = (
    select(event_table.c.pk)
    .where(event_table.c.occurred < bindparam("before"), event_table.c.number.is_not(None))
    .order_by(event_table.c.occurred)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_DELETE = delete(event_table).where(Among(event_table.c.pk, "pks"))


class SQLEvents(Events):
    """Events of Flows and Sources that the same work has locked or added."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._collections = Collections(connection)
        self._clock = clock

    async def append(self, *events: Event) -> None:
        occurred = microseconds(self._clock())
        rows = []
        for event in events:
            kind: Kind = "flow" if event.type.startswith("flows/") else "source"
            ordinal = self._connection.next_ordinal(kind, event.entity_id)
            rows.append((kind, event.entity_id, ordinal, occurred, _written(event)))
        await self._connection.hold_rows(_APPEND, rows)

    async def publish(self, limit: int = 1000) -> int:
        # A statement of its own, so that what follows sees all that the last holder numbered.
        [(published,)] = await self._connection.fetch(_LOCK_LOG, {})
        found = await self._connection.fetch(_UNPUBLISHED, {"limit": limit})
        if not found:
            return 0
        flow_ids = {entity_id for _, kind, entity_id in found if kind == "flow"}
        for flow_id, around in (await self._collections.collectors(flow_ids)).items():
            await self._complete(found, flow_id, *around)
        numbers = [(row[0], number) for number, row in enumerate(found, published + 1)]
        await self._connection.hold_rows(_NUMBER, numbers)
        await self._connection.execute(_PUBLISHED, {"number": published + len(found)})
        return len(found)

    async def note_collectors(
        self, flow_id: str, flow_collected_by: Sequence[str], source_collected_by: Sequence[str]
    ) -> None:
        found = await self._connection.fetch(_UNPUBLISHED, {"limit": _MOST_UNPUBLISHED})
        await self._complete(found, flow_id, flow_collected_by, source_collected_by)

    async def _complete(
        self,
        found: Sequence[Row],
        flow_id: str,
        flow_collected_by: Sequence[str],
        source_collected_by: Sequence[str],
    ) -> None:
        collectors = {
            "flow_collected_by": list(flow_collected_by),
            "source_collected_by": list(source_collected_by),
        }
        text = json.dumps(collectors, separators=(",", ":")).removesuffix("}") + ","
        pks = [pk for pk, kind, entity_id in found if (kind, entity_id) == ("flow", flow_id)]
        if pks:
            await self._connection.execute(_COMPLETE, {"pks": pks, "collectors": text})

    async def end(self) -> int:
        [(published,)] = await self._connection.fetch(_END, {})
        return int(published)

    async def after(self, number: int, limit: int) -> Sequence[PublishedEvent]:
        rows = await self._connection.fetch(_AFTER, {"number": number, "limit": limit})
        return [
            PublishedEvent(number=number, occurred=moment(occurred), event=_read(document))
            for number, occurred, document in rows
        ]

    async def of(self, entity_id: str) -> Sequence[Event]:
        rows = await self._connection.fetch(_OF, {"entity": entity_id})
        return [_read(document) for (document,) in rows]

    async def expire(self, before: datetime, limit: int = 10_000) -> int:
        found = await self._connection.fetch(
            _EXPIRED, {"before": microseconds(before), "limit": limit}
        )
        await self._connection.execute(_DELETE, {"pks": [row[0] for row in found]})
        return len(found)


@cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


def _written(event: Event) -> str:
    # No warnings: a Segment that was read from a row has 0 or 1 for its marker.
    return _adapter().dump_json(event, exclude_defaults=True, warnings=False).decode()


def _read(document: str) -> Event:
    event = _adapter().validate_json(document)
    flow = event.flow
    if flow is None or flow.format is not ContentFormat.MULTI:
        return event
    essence = flow.essence_parameters
    if not isinstance(essence, DataParameters):
        return event
    # In JSON the parameters of data and of multi look alike.
    multi = MultiParameters(init_segments=essence.init_segments)
    return replace(event, flow=replace(flow, essence_parameters=multi))
