"""Collections by name: a row each, and a row for each member, numbered in the order of coming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from tams.catalogue.promises.named_collections import NamedCollections
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.creation_schema import (
    named_collection,
    named_collection_flow,
    named_collection_source,
)
from tams.catalogue.sql.listing import Filters, Listing, has_label
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import flow, source
from tams.catalogue.sql.statements import Among, Statement
from tams.domain.named_collections import Member, NamedCollection
from tams.domain.pages import Page, PageRequest


class CollectionRow(NamedTuple):
    """The columns of a collection, in the order in which they are read."""

    pk: int
    id: str
    kind: Member
    label: str
    description: str | None
    created_by: str | None
    updated_by: str | None
    created: int
    updated: int

    def collection(self, member_ids: Sequence[str]) -> NamedCollection:
        """Return the collection whole."""
        return NamedCollection(
            id=self.id,
            holds=self.kind,
            label=self.label,
            description=self.description,
            created_by=self.created_by,
            updated_by=self.updated_by,
            created=moment(self.created),
            updated=moment(self.updated),
            member_ids=tuple(member_ids),
        )


class _Members(NamedTuple):
    """The statements about the members of one kind of collection."""

    table: Table
    named: Table
    member: Any
    living: Any

    def of(self) -> Select[Any]:
        """By collection, the ids of what lives of its members, in their order."""
        table = self.table.c
        return (
            select(table.collection_pk, self.named.c.id)
            .join(self.named, self.named.c.pk == self.member)
            .where(Among(table.collection_pk, "pks"), self.living)
            .order_by(table.collection_pk, table.position)
        )

    def found(self) -> Select[Any]:
        """Those of the ids that name what lives, which nobody removes until the work ends."""
        return (
            select(self.named.c.id)
            .where(Among(self.named.c.id, "ids"), self.living)
            .with_for_update(read=True, key_share=True)
        )

    def holding(self) -> Select[Any]:
        """The ids of the collections that one Flow or Source is in."""
        return (
            select(named_collection.c.id)
            .join(self.table, self.table.c.collection_pk == named_collection.c.pk)
            .join(self.named, self.named.c.pk == self.member)
            .where(self.named.c.id == bindparam("member_id"), self.living)
            .order_by(named_collection.c.id)
        )

    def add(self) -> Any:  # noqa: ANN401 - SQLAlchemy's
        """Put a member behind the others."""
        member = select(self.named.c.pk).where(
            self.named.c.id == bindparam("member_id"), self.living
        )
        place = select(func.coalesce(func.max(self.table.c.position), -1) + 1).where(
            self.table.c.collection_pk == bindparam("owner")
        )
        return insert(self.table).values(
            {
                "collection_pk": bindparam("owner"),
                "position": place.scalar_subquery(),
                self.member.name: member.scalar_subquery(),
            }
        )

    def drop(self) -> Any:  # noqa: ANN401 - SQLAlchemy's
        """Take members out."""
        dropped = select(self.named.c.pk).where(Among(self.named.c.id, "ids"), self.living)
        return delete(self.table).where(
            self.table.c.collection_pk == bindparam("owner"), self.member.in_(dropped)
        )


_MEMBERS: dict[Member, _Members] = {
    "flow": _Members(
        named_collection_flow, flow, named_collection_flow.c.flow_pk, flow.c.gone_at.is_(None)
    ),
    "source": _Members(
        named_collection_source, source, named_collection_source.c.source_pk, true()
    ),
}
_OF = {holds: members.of() for holds, members in _MEMBERS.items()}
_FOUND = {holds: members.found() for holds, members in _MEMBERS.items()}
_HOLDING = {holds: members.holding() for holds, members in _MEMBERS.items()}
_ADD_MEMBERS = {holds: members.add() for holds, members in _MEMBERS.items()}
_DROP_MEMBERS = {holds: members.drop() for holds, members in _MEMBERS.items()}

_columns = named_collection.c
_CHANGING = ("label", "description", "updated", "updated_by")
_GET = select(*(_columns[name] for name in CollectionRow._fields)).where(
    _columns.id == bindparam("collection_id"), _columns.kind == bindparam("holds")
)
_LOCK = _GET.with_for_update()
_IS_TAKEN = select(_columns.pk).where(_columns.id == bindparam("collection_id"))
_ADD = (
    insert(named_collection)
    .values({name: bindparam(name) for name in CollectionRow._fields[1:]})
    .returning(_columns.pk)
)
_REPLACE = (
    update(named_collection)
    .values({name: bindparam(name) for name in _CHANGING})
    .where(_columns.id == bindparam("collection_id"))
    .returning(_columns.pk)
)
_REMOVE = delete(named_collection).where(_columns.id == bindparam("collection_id"))


def _listing(holds: Member) -> Listing[CollectionRow]:
    return Listing(
        table=named_collection,
        columns=CollectionRow._fields,
        make=CollectionRow._make,
        dates=("created", "updated"),
        living=_columns.kind == literal_column(f"'{holds}'"),
        clauses={"label": lambda _: has_label(named_collection)},
    )


_LISTINGS: dict[Member, Listing[CollectionRow]] = {
    "flow": _listing("flow"),
    "source": _listing("source"),
}


class SQLNamedCollections(NamedCollections):
    """Members are rows of Flows and Sources, so they leave with these."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, holds: Member, collection_id: str) -> NamedCollection | None:
        return await self._one(_GET, holds, collection_id)

    async def lock(self, holds: Member, collection_id: str) -> NamedCollection | None:
        return await self._one(_LOCK, holds, collection_id)

    async def is_taken(self, collection_id: str) -> bool:
        return bool(await self._connection.fetch(_IS_TAKEN, {"collection_id": collection_id}))

    async def add(self, collection: NamedCollection) -> None:
        [(pk,)] = await self._connection.fetch(_ADD, _values(collection))
        await self._add_members(pk, collection.holds, collection.member_ids)

    async def replace(self, collection: NamedCollection) -> None:
        values = _values(collection)
        changed = {name: values[name] for name in _CHANGING}
        asked = {**changed, "collection_id": collection.id}
        [(pk,)] = await self._connection.fetch(_REPLACE, asked)
        holds, wanted = collection.holds, collection.member_ids
        before = (await self._members_of(holds, [pk]))[pk]
        gone = [each for each in before if each not in wanted]
        if gone:
            await self._connection.execute(_DROP_MEMBERS[holds], {"owner": pk, "ids": gone})
        await self._add_members(pk, holds, [each for each in wanted if each not in before])

    async def remove(self, collection: NamedCollection) -> None:
        await self._connection.execute(_REMOVE, {"collection_id": collection.id})

    async def list(
        self, holds: Member, label: str | None, page: PageRequest
    ) -> Page[NamedCollection]:
        filters = Filters()
        filters.label(label)
        found = await _LISTINGS[holds].page(self._connection, filters, page)
        return Page(await self._whole(holds, found.items), found.next_key)

    async def missing(self, holds: Member, member_ids: Sequence[str]) -> Sequence[str]:
        rows = await self._connection.fetch(_FOUND[holds], {"ids": list(member_ids)})
        found = {row[0] for row in rows}
        return [each for each in member_ids if each not in found]

    async def holding(self, holds: Member, member_id: str) -> Sequence[str]:
        rows = await self._connection.fetch(_HOLDING[holds], {"member_id": member_id})
        return [row[0] for row in rows]

    async def _one(
        self, statement: Statement, holds: Member, collection_id: str
    ) -> NamedCollection | None:
        asked = {"holds": holds, "collection_id": collection_id}
        rows = await self._connection.fetch(statement, asked)
        found = await self._whole(holds, [CollectionRow._make(row) for row in rows])
        return found[0] if found else None

    async def _whole(
        self, holds: Member, rows: Sequence[CollectionRow]
    ) -> Sequence[NamedCollection]:
        members = await self._members_of(holds, [row.pk for row in rows]) if rows else {}
        return [row.collection(members[row.pk]) for row in rows]

    async def _members_of(self, holds: Member, pks: Sequence[int]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {pk: [] for pk in pks}
        for pk, member_id in await self._connection.fetch(_OF[holds], {"pks": list(pks)}):
            found[pk].append(member_id)
        return {pk: tuple(ids) for pk, ids in found.items()}

    async def _add_members(self, pk: int, holds: Member, member_ids: Sequence[str]) -> None:
        rows = [{"owner": pk, "member_id": each} for each in member_ids]
        if rows:
            await self._connection.execute_many(_ADD_MEMBERS[holds], rows)


def _values(collection: NamedCollection) -> dict[str, Any]:
    return {
        "id": collection.id,
        "kind": collection.holds,
        "label": collection.label,
        "description": collection.description,
        "created_by": collection.created_by,
        "updated_by": collection.updated_by,
        "created": microseconds(collection.created),
        "updated": microseconds(collection.updated),
    }
