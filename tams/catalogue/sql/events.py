"""The log of changes, an event to a row; its facts are JSON, Segments as arrays.

The order of `pk` is that of the changes of one Flow or Source: its writers append, and so take the
next pk, while they hold the lock on its row, and commit before another has it. Between Flows it is
not that of the commits, so an event is numbered only once it is there to be seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import and_, bindparam, delete, func, select, update

from tams.catalogue.promises.events import Events, Farewell, Span
from tams.catalogue.promises.objects import CondemnedObject
from tams.catalogue.sql.collections import Collections
from tams.catalogue.sql.connection import Connection, Kind, Row
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import event as event_table
from tams.catalogue.sql.schema import flow as flow_table
from tams.catalogue.sql.schema import log
from tams.catalogue.sql.statements import Among, Rows
from tams.domain.clock import Clock
from tams.domain.events import MAX_SEGMENTS, Event, PublishedEvent
from tams.domain.flows import DataParameters, MultiParameters
from tams.domain.sources import ContentFormat

_APPEND = Rows.inserted(event_table, "kind", "entity_id", "ordinal", "occurred", "document")
_OF = (
    select(event_table.c.document)
    .where(
        event_table.c.entity_id == bindparam("entity"),
        event_table.c.kind != "object",
        event_table.c.kind != "removed_object",
    )
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
_end = _END.scalar_subquery()
_OLDEST = select(func.coalesce(select(func.min(event_table.c.number)).scalar_subquery(), _end + 1))
_IS_WAITING = select(select(event_table.c.pk).where(event_table.c.number.is_(None)).exists())
_LOGGED = select(event_table.c.number, event_table.c.occurred, event_table.c.document)
_AFTER = (
    _LOGGED.where(event_table.c.number > bindparam("number"))
    .order_by(event_table.c.number)
    .limit(bindparam("limit"))
)
_FOUND = _LOGGED.where(
    event_table.c.number > bindparam("above"),
    event_table.c.number < bindparam("below"),
    event_table.c.occurred >= bindparam("since"),
    event_table.c.occurred < bindparam("until"),
).limit(bindparam("limit"))
_FORWARD = _FOUND.order_by(event_table.c.number)
_BACKWARD = _FOUND.order_by(event_table.c.number.desc())
# Of Segments under a grave it tells what is known of the Flow from which they were.
_origin = flow_table.alias("origin")
_FAREWELL = (
    select(
        flow_table.c.id,
        flow_table.c.source_id,
        event_table.c.document,
        and_(_origin.c.pk.is_not(None), _origin.c.gone_at.is_(None)),
    )
    .outerjoin(_origin, _origin.c.pk == flow_table.c.grave_of)
    .outerjoin(
        event_table,
        and_(
            event_table.c.entity_id == flow_table.c.id,
            event_table.c.kind == "flow",
            event_table.c.ordinal == func.coalesce(_origin.c.ordinal, flow_table.c.ordinal),
        ),
    )
    .where(flow_table.c.pk == bindparam("flow_pk"))
)
_OBJECTS_OF_LIVING, _OBJECTS_OF_REMOVED = "object", "removed_object"
_COMPLETED = ("flow", _OBJECTS_OF_LIVING)
"""What learns, when it is numbered, what collects its Flow; all the others know."""
_COUNTED: Mapping[str, Kind] = {"flows": "flow", "sources": "source"}
_FIRST, _LAST = -(2**63), 2**63 - 1
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
        rows: list[Row] = []
        for event in events:
            counted = _COUNTED.get(event.type.partition("/")[0])
            if counted is not None:
                ordinal = self._connection.next_ordinal(counted, event.entity_id)
                rows.append((counted, event.entity_id, ordinal, occurred, _written(event)))
                continue
            # The row of a collection counts nothing: what stands in the log does.
            ordinal = 1 + await self._connection.last_ordinal("collection", event.entity_id)
            row = ("collection", event.entity_id, ordinal, occurred, _written(event))
            await self._connection.hold_rows(_APPEND, [row])
        await self._connection.hold_rows(_APPEND, rows)

    async def append_gone(
        self, objects: Sequence[CondemnedObject], flow: Event, *, living: bool
    ) -> None:
        occurred = microseconds(self._clock())
        kind = _OBJECTS_OF_LIVING if living else _OBJECTS_OF_REMOVED
        rows = []
        for start in range(0, len(objects), MAX_SEGMENTS):
            some = objects[start : start + MAX_SEGMENTS]
            told = Event(
                type="objects/deleted",
                entity_id=flow.entity_id,
                source_id=flow.source_id,
                flow_collected_by=flow.flow_collected_by,
                source_collected_by=flow.source_collected_by,
                object_ids=tuple(each.id for each in some),
            )
            # Condemned once and never again, the key of an Object is no other's ordinal.
            rows.append((kind, flow.entity_id, some[0].key, occurred, _written(told)))
        await self._connection.hold_rows(_APPEND, rows)

    async def farewell(self, flow_key: int) -> Farewell | None:
        found = await self._connection.fetch(_FAREWELL, {"flow_pk": flow_key})
        for flow_id, source_id, document, living in found:
            if document is not None and document.startswith(_DELETED):
                return Farewell(_read(document), living=False)
            event = Event(type="flows/deleted", entity_id=flow_id, source_id=source_id)
            return Farewell(event, living=bool(living))
        return None

    async def publish(self, limit: int = 1000) -> int:
        # A statement of its own, so that what follows sees all that the last holder numbered.
        [(published,)] = await self._connection.fetch(_LOCK_LOG, {})
        found = await self._connection.fetch(_UNPUBLISHED, {"limit": limit})
        if not found:
            return 0
        flow_ids = {entity_id for _, kind, entity_id in found if kind in _COMPLETED}
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
        pks = [pk for pk, kind, entity_id in found if entity_id == flow_id and kind in _COMPLETED]
        if pks:
            await self._connection.execute(_COMPLETE, {"pks": pks, "collectors": text})

    async def end(self) -> int:
        [(published,)] = await self._connection.fetch(_END, {})
        return int(published)

    async def oldest(self) -> int:
        [(number,)] = await self._connection.fetch(_OLDEST, {})
        return int(number)

    async def is_waiting(self) -> bool:
        [(waiting,)] = await self._connection.fetch(_IS_WAITING, {})
        return bool(waiting)

    async def find(
        self, span: Span, limit: int, *, reverse: bool = False
    ) -> Sequence[PublishedEvent]:
        bounds = {
            "above": span.above,
            "below": _LAST if span.below is None else span.below,
            "since": _FIRST if span.since is None else microseconds(span.since),
            "until": _LAST if span.until is None else microseconds(span.until),
            "limit": limit,
        }
        statement = _BACKWARD if reverse else _FORWARD
        return _published(await self._connection.fetch(statement, bounds))

    async def after(self, number: int, limit: int) -> Sequence[PublishedEvent]:
        return _published(await self._connection.fetch(_AFTER, {"number": number, "limit": limit}))

    async def of(self, entity_id: str) -> Sequence[Event]:
        rows = await self._connection.fetch(_OF, {"entity": entity_id})
        return [_read(document) for (document,) in rows]

    async def expire(self, before: datetime, limit: int = 10_000) -> int:
        found = await self._connection.fetch(
            _EXPIRED, {"before": microseconds(before), "limit": limit}
        )
        await self._connection.execute(_DELETE, {"pks": [row[0] for row in found]})
        return len(found)


def _published(rows: Sequence[Row]) -> Sequence[PublishedEvent]:
    return [
        PublishedEvent(number=number, occurred=moment(occurred), event=_read(document))
        for number, occurred, document in rows
    ]


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
