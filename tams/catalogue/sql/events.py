"""The log of changes, an event to a row; its facts are JSON, Segments as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, select

from tams.catalogue.promises.events import Events
from tams.catalogue.sql.connection import Connection, Kind
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.schema import event as event_table
from tams.catalogue.sql.statements import Among, Rows
from tams.domain.clock import Clock
from tams.domain.events import Event
from tams.domain.flows import DataParameters, MultiParameters
from tams.domain.sources import ContentFormat

_APPEND = Rows.inserted(event_table, "kind", "entity_id", "ordinal", "occurred", "document")
_OF = (
    select(event_table.c.document)
    .where(event_table.c.entity_id == bindparam("entity"))
    .order_by(event_table.c.ordinal)
)
_EXPIRED = (
    select(event_table.c.pk)
    .where(event_table.c.occurred < bindparam("before"))
    .order_by(event_table.c.occurred)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_DELETE = delete(event_table).where(Among(event_table.c.pk, "pks"))


class SQLEvents(Events):
    """Events of Flows and Sources that the same work has locked or added."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def append(self, *events: Event) -> None:
        occurred = microseconds(self._clock())
        rows = []
        for event in events:
            kind: Kind = "flow" if event.type.startswith("flows/") else "source"
            ordinal = self._connection.next_ordinal(kind, event.entity_id)
            rows.append((kind, event.entity_id, ordinal, occurred, _written(event)))
        await self._connection.hold_rows(_APPEND, rows)

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
