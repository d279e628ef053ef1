"""What Flows collect, as rows between living Flows, and what follows from it for Sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    Select,
    bindparam,
    delete,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.schema import flow, flow_collection
from tams.catalogue.sql.statements import Among
from tams.domain.flows import CollectionItem, ContainerMapping
from tams.domain.sources import SourceMember

_link = flow_collection.c
_collector = flow.alias("collector")
_member = flow.alias("member")
LINKS = flow_collection.join(_collector, _collector.c.pk == _link.collector_pk).join(
    _member, _member.c.pk == _link.member_pk
)
"""Who collects whom: `COLLECTOR` and `MEMBER` are the Flows on both sides."""
COLLECTOR, MEMBER = _collector.c, _member.c

_MEMBERS, _COLLECTORS = 0, 1

_BOTH_SIDES = union_all(
    select(
        _link.collector_pk.label("owner"),
        literal_column(str(_MEMBERS)).label("side"),
        _link.position.label("position"),
        MEMBER.id.label("id"),
        _link.role.label("role"),
        _link.container_mapping.label("container_mapping"),
    )
    .select_from(LINKS)
    .where(Among(_link.collector_pk, "pks")),
    select(
        _link.member_pk,
        literal_column(str(_COLLECTORS)),
        literal_column("0"),
        COLLECTOR.id,
        null(),
        null(),
    )
    .select_from(LINKS)
    .where(Among(_link.member_pk, "pks"))
    .distinct(),
).order_by("owner", "side", "position", "id")

_INSERT = insert(flow_collection).values(
    collector_pk=bindparam("collector_pk"),
    position=bindparam("position"),
    member_pk=select(flow.c.pk)
    .where(flow.c.id == bindparam("member_id"), flow.c.gone_at.is_(None))
    .scalar_subquery(),
    role=bindparam("role"),
    container_mapping=bindparam("container_mapping"),
)
_EMPTY = delete(flow_collection).where(_link.collector_pk == bindparam("collector"))
_REMOVE = delete(flow_collection).where(
    or_(_link.collector_pk == bindparam("flow"), _link.member_pk == bindparam("flow"))
)

_BY_SOURCE = (
    select(COLLECTOR.source_id, COLLECTOR.id, MEMBER.source_id, _link.role)
    .select_from(LINKS)
    .where(Among(COLLECTOR.source_id, "source_ids"))
    .order_by(COLLECTOR.source_id, COLLECTOR.created, COLLECTOR.id, _link.position)
)


def _collectors_by(name: str, wanted: str) -> Select[Any]:
    """Members by a column of which some values are wanted, each beside what collects it."""
    member, collector = MEMBER[name], COLLECTOR[name]
    return (
        select(member, collector)
        .select_from(LINKS)
        .where(Among(member, wanted))
        .distinct()
        .order_by(member, collector)
    )


_SOURCE_COLLECTORS = _collectors_by("source_id", "source_ids")
_FLOW_COLLECTORS = _collectors_by("id", "flow_ids")
SOURCES_OF = select(flow.c.id, flow.c.source_id).where(
    Among(flow.c.id, "flow_ids"), flow.c.gone_at.is_(None)
)

_given = (
    select(flow.c.pk)
    .where(Among(flow.c.id, "flow_ids"), flow.c.gone_at.is_(None))
    .cte("reached", recursive=True)
)
# UNION keeps each Flow once, so the walk ends after all Flows at the latest, whatever the links.
_reached = _given.union(select(_link.member_pk).join(_given, _link.collector_pk == _given.c.pk))
_REACHED = select(flow.c.id).join(_reached, flow.c.pk == _reached.c.pk)


class Collections:
    """The links between Flows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def around(
        self, pks: Sequence[int]
    ) -> Mapping[int, tuple[tuple[CollectionItem, ...], tuple[str, ...]]]:
        """What each of these Flows collects, and the ids of its collectors in their order."""
        items: dict[int, list[CollectionItem]] = {pk: [] for pk in pks}
        collectors: dict[int, list[str]] = {pk: [] for pk in pks}
        for pk, side, _, flow_id, role, mapping in await self._connection.fetch(
            _BOTH_SIDES, {"pks": list(pks)}
        ):
            if side == _COLLECTORS:
                collectors[pk].append(flow_id)
            else:
                items[pk].append(_item(flow_id, role, mapping))
        return {pk: (tuple(items[pk]), tuple(collectors[pk])) for pk in pks}

    async def add(self, pk: int, items: Sequence[CollectionItem]) -> None:
        """Store what a Flow collects that collects nothing yet; all members are Flows here."""
        rows = [
            {
                "collector_pk": pk,
                "position": position,
                "member_id": item.id,
                "role": item.role,
                "container_mapping": _mapping_text(item.container_mapping),
            }
            for position, item in enumerate(items)
        ]
        if rows:
            await self._connection.execute_many(_INSERT, rows)

    async def empty(self, pk: int) -> None:
        """Let a Flow collect nothing."""
        await self._connection.execute(_EMPTY, {"collector": pk})

    async def remove(self, pk: int) -> None:
        """Drop every link of a Flow, to what it collects and from what collects it."""
        await self._connection.execute(_REMOVE, {"flow": pk})

    async def reached(self, flow_ids: Iterable[str]) -> frozenset[str]:
        """Those of these ids that are Flows, and all that they collect, however far away."""
        rows = await self._connection.fetch(_REACHED, {"flow_ids": list(flow_ids)})
        return frozenset(row[0] for row in rows)

    async def of_sources(
        self, source_ids: Sequence[str]
    ) -> Mapping[str, Sequence[tuple[str, tuple[SourceMember, ...]]]]:
        """By Source, each of its Flows that collects, oldest first, with the members' Sources."""
        rows = await self._connection.fetch(_BY_SOURCE, {"source_ids": list(source_ids)})
        found: dict[str, list[tuple[str, tuple[SourceMember, ...]]]] = defaultdict(list)
        for (source_id, flow_id), links in groupby(rows, itemgetter(0, 1)):
            members = tuple(SourceMember(id=member, role=role) for _, _, member, role in links)
            found[source_id].append((flow_id, members))
        return found

    async def source_collectors(self, source_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """By Source, the ids of the Sources that collect it, in their order."""
        rows = await self._connection.fetch(_SOURCE_COLLECTORS, {"source_ids": list(source_ids)})
        return {
            source_id: tuple(collector for _, collector in links)
            for source_id, links in groupby(rows, itemgetter(0))
        }

    async def collectors(
        self, flow_ids: Iterable[str]
    ) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """By Flow, the ids of the Flows that collect it, and of the Sources that collect its own.

        Only those of the ids that are Flows here and of which there is something to tell.
        """
        given = {"flow_ids": list(flow_ids)}
        sources = {row[0]: row[1] for row in await self._connection.fetch(SOURCES_OF, given)}
        above = await self.source_collectors(list(set(sources.values())))
        if not above:
            return {}
        links = await self._connection.fetch(_FLOW_COLLECTORS, given)
        flows = {
            flow_id: tuple(collector for _, collector in group)
            for flow_id, group in groupby(links, itemgetter(0))
        }
        return {
            flow_id: (flows.get(flow_id, ()), above[source_id])
            for flow_id, source_id in sources.items()
            if source_id in above
        }


@cache
def _mappings() -> TypeAdapter[ContainerMapping]:
    return TypeAdapter(ContainerMapping)


def _mapping_text(mapping: ContainerMapping | None) -> str | None:
    return None if mapping is None else _mappings().dump_json(mapping, exclude_none=True).decode()


def _item(flow_id: str, role: str | None, mapping: str | None) -> CollectionItem:
    container = None if mapping is None else _mappings().validate_json(mapping)
    return CollectionItem(id=flow_id, role=role, container_mapping=container)
