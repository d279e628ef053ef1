"""Tags as rows: a string is one row at -1, a list one row for each element, from 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
)

from tams.catalogue.sql.columns import PREFIX, prefix
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.listing import Clause, Filters
from tams.catalogue.sql.schema import flow_tag, source_tag, webhook_tag
from tams.catalogue.sql.statements import Among
from tams.domain.tags import TagFilter, Tags, TagValue

_STRING = -1
RARE = 3000
"""How many rows are fetched and sorted as fast as a common tag is asked for, of 100,000 rows."""


class TagRows:
    """The tags of all Flows, of all Sources, or of all webhooks."""

    def __init__(self, table: Table, owner: Column[int]) -> None:
        self._table = table
        self._owner = owner
        columns = (owner, table.c.name, table.c.position, table.c.value)
        self._select = select(*columns).where(Among(owner, "pks")).order_by(owner, table.c.place)
        self._delete = delete(table).where(owner == bindparam("owner"))
        self._insert = insert(table).values(
            {owner.name: bindparam("owner")}
            | {name: bindparam(name) for name in ("place", "name", "position", "value")}
        )

    async def load(self, connection: Connection, pks: Sequence[int]) -> dict[int, Tags]:
        """Return the tags of each of these rows, in the order in which they were given."""
        found: dict[int, dict[str, TagValue]] = {pk: {} for pk in pks}
        for pk, name, position, value in await connection.fetch(self._select, {"pks": list(pks)}):
            if position == _STRING:
                found[pk][name] = value
            else:
                before = found[pk].get(name, ())
                found[pk][name] = before if value is None else (*before, value)
        return dict(found)

    async def add(self, connection: Connection, pk: int, tags: Tags) -> None:
        """Store the tags of a row that has none."""
        rows = [{"owner": pk, "place": place, **row} for place, row in enumerate(_rows(tags))]
        if rows:
            await connection.execute_many(self._insert, rows)

    async def remove(self, connection: Connection, pk: int) -> None:
        """Drop all tags of a row."""
        await connection.execute(self._delete, {"owner": pk})

    def clauses(self, key: ColumnElement[int]) -> dict[str, Clause]:
        """Build the conditions that `filter_tags` wants; `key` is the pk of the tagged."""
        return {
            "tag": lambda number: key.in_(self._named(number, self._equals(number))),
            "tag_exists": lambda number: key.in_(self._named(number)),
            "tag_common": lambda number: exists(
                self._named(number, self._owner == key, self._equals(number))
            ),
            "tag_exists_common": lambda number: exists(self._named(number, self._owner == key)),
            "tag_missing": lambda number: ~exists(self._named(number, self._owner == key)),
        }

    async def weigh(self, connection: Connection, filters: Filters) -> None:
        """Settle how tags are asked for: who has a rare one, or of each row if it has a common one.

        PostgreSQL judges by its statistics; SQLite, which has none, would fetch and sort all that
        have the tag, whatever their number.
        """
        if connection.engine != "sqlite":
            return
        for place, (clause, number) in enumerate(filters.wanted):
            if clause not in ("tag", "tag_exists"):
                continue
            parameters = filters.parameters | {"rare": RARE}
            if await connection.fetch(_many(self, clause, number), parameters):
                filters.wanted[place] = (f"{clause}_common", number)

    def many(self, clause: str, number: int) -> Select[Any]:
        """Select a row if more than `rare` have this tag."""
        values = [self._equals(number)] if clause == "tag" else []
        found: Select[Any] = self._named(number, *values)
        return found.limit(1).offset(bindparam("rare"))

    def _named(self, number: int, *conditions: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a subquery
        name = self._table.c.name
        return select(self._owner).where(
            prefix(name) == bindparam(f"tag_start_{number}"),
            name == bindparam(f"tag_{number}"),
            *conditions,
        )

    def _equals(self, number: int) -> ColumnElement[bool]:
        value = self._table.c.value
        starts = Among(prefix(value), f"value_starts_{number}")
        return starts & Among(value, f"values_{number}")


@lru_cache(maxsize=64)
def _many(rows: TagRows, clause: str, number: int) -> Select[Any]:
    return rows.many(clause, number)


FLOW_TAGS = TagRows(flow_tag, flow_tag.c.flow_pk)
SOURCE_TAGS = TagRows(source_tag, source_tag.c.source_pk)
WEBHOOK_TAGS = TagRows(webhook_tag, webhook_tag.c.webhook_pk)


def filter_tags(filters: Filters, tags: TagFilter) -> None:
    """Add the conditions on tags to those of a listing."""
    for name, values in tags.equals.items():
        number = _name_tag(filters, "tag", name)
        filters.parameters[f"values_{number}"] = list(values)
        filters.parameters[f"value_starts_{number}"] = [value[:PREFIX] for value in values]
    for name, wanted in tags.exists.items():
        _name_tag(filters, "tag_exists" if wanted else "tag_missing", name)


def _name_tag(filters: Filters, clause: str, name: str) -> int:
    number = len(filters.wanted)
    filters.add(clause, number, **{f"tag_{number}": name, f"tag_start_{number}": name[:PREFIX]})
    return number


def _rows(tags: Tags) -> Iterable[dict[str, Any]]:
    for name, value in tags.items():
        if isinstance(value, str):
            yield {"name": name, "position": _STRING, "value": value}
        else:
            for position, element in enumerate(value or (None,)):
                yield {"name": name, "position": position, "value": element}
