"""Listings of Sources and of Flows: filters and order by the engine, pages by key set.

Dates are listed newest first, labels by code points, what lacks them after all others, ties by id;
reversed, all of that turns round (statements 244 to 250). A page key holds the first PREFIX
characters of a label, so it stays short; the rest of a longer one is read from the row it names.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import StringConstraints, TypeAdapter
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)

from tams.catalogue.sql.columns import PREFIX, label_key, label_order
from tams.catalogue.sql.connection import Connection, Row
from tams.domain.numbers import Integer
from tams.domain.pages import Page, PageRequest, Sort
from tams.errors import Invalid

Clause = Callable[[int], ColumnElement[bool]]
"""Builds a condition; the number tells its parameters from those of others of its kind."""

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_Text = Annotated[str, StringConstraints(max_length=PREFIX + 1, pattern=r"^[^\x00]*$")]


MISSING = 0
"""Stands for a date that is not set, which comes after all others."""


class Mark(NamedTuple):
    """Where a page ended: what the order saw of its last item."""

    value: int | str
    id: str


class Listed(Protocol):
    """A row of a listing; it also has an attribute for each key to sort by."""

    @property
    def id(self) -> str:
        """What breaks ties."""


R = TypeVar("R", bound=Listed)


@dataclass(slots=True)
class Filters:
    """The conditions of one listing, by the names of their clauses, and their parameters."""

    wanted: list[tuple[str, int]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    def add(self, clause: str, number: int = 0, **parameters: Any) -> None:  # noqa: ANN401 - as the drivers take them
        """Want a condition."""
        self.wanted.append((clause, number))
        self.parameters.update(parameters)

    def equal(self, query: object, names: Iterable[str]) -> None:
        """Want the conditions of these names of which the query has a value."""
        for name in names:
            value = getattr(query, name)
            if value is not None:
                self.add(name, **{name: value})

    def label(self, label: str | None) -> None:
        """Want the condition `has_label`, as the clause `label`, if there is one."""
        if label is not None:
            self.add("label", label=label, label_key=label_key(label))

    def collectors(self, ids: Collection[str] | None) -> None:
        """Want what one of these collects, or what none does if there is none; None wants all."""
        if ids:
            self.add("collected_by", collectors=list(ids))
        elif ids is not None:
            self.add("uncollected")


def has_label(table: Table | Subquery) -> ColumnElement[bool]:
    """Whether a row has just this label; the index holds its key."""
    label = table.c.label
    return and_(label_order(label) == bindparam("label_key"), label == bindparam("label"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Listing(Generic[R]):
    """How the rows of one table are listed."""

    table: Table | Subquery
    columns: tuple[str, ...]
    make: Callable[[Row], R]
    dates: tuple[Sort, ...] = ()
    label: str = "label"
    """The column that the sort by label goes by."""
    tie: str = "id"
    """The column that breaks ties: `pk` where rows may share an id."""
    living: ColumnElement[bool] = field(default_factory=true)
    clauses: Mapping[str, Clause]

    async def page(self, connection: Connection, filters: Filters, request: PageRequest) -> Page[R]:
        """Fetch one page; raises `Invalid` for a key or a sort that is not of this listing."""
        if request.sort not in (*self.dates, "label"):
            raise Invalid("sort_by", request.sort, f"it must be {', '.join(self.dates)} or label")
        mark = None if request.key is None else self._mark(request.key, request)
        parameters = {**filters.parameters, "limit": request.limit + 1}
        if mark is not None:
            parameters |= {"mark": mark.value, "mark_id": self._tie_of(mark)}
            if request.sort == "label":
                parameters["mark_label"] = await self._label(connection, mark)
        statement = _statement(
            self, request.sort, request.reverse, mark is None, tuple(filters.wanted)
        )
        rows = [self.make(row) for row in await connection.fetch(statement, parameters)]
        if len(rows) <= request.limit:
            return Page(rows)
        kept = rows[: request.limit]
        return Page(kept, self._key(kept[-1], request))

    async def count(self, connection: Connection, filters: Filters) -> int:
        """How many rows there are that pass."""
        rows = await connection.fetch(_count(self, tuple(filters.wanted)), filters.parameters)
        return int(rows[0][0])

    async def _label(self, connection: Connection, mark: Mark) -> str:
        """The whole label at which a page ended; as much as the key knows if its row has gone."""
        known = str(mark.value)[1:]
        if len(known) < PREFIX:
            return known
        asked = {"mark": mark.value, "mark_id": self._tie_of(mark)}
        rows = await connection.fetch(_label_of(self), asked)
        return str(rows[0][0]) if rows else known

    def _key(self, row: R, request: PageRequest) -> str:
        value = getattr(row, request.sort)
        if request.sort == "label":
            value = label_key(value)
        elif value is None:
            value = MISSING
        tie = str(getattr(row, self.tie))
        key = _keys().dump_json((self.table.name, request.sort, request.reverse, value, tie))
        return urlsafe_b64encode(key).decode().rstrip("=")

    def _mark(self, key: str, request: PageRequest) -> Mark:
        try:
            text = b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
            *asked, value, last_id = _keys().validate_json(text, strict=True)
        except ValueError:
            raise Invalid("page", key, "it must be the key of a next page") from None
        is_date = isinstance(value, int)
        if asked != [self.table.name, request.sort, request.reverse] or is_date != (
            request.sort in self.dates
        ):
            raise Invalid("page", key, "it must be the key of a next page of the same listing")
        return Mark(value, last_id)

    def _tie_of(self, mark: Mark) -> int | str:
        if self.tie == "id":
            return mark.id
        if _NUMBER.fullmatch(mark.id) is None:
            raise Invalid("page", mark.id, "it must be the key of a next page of the same listing")
        return int(mark.id)


@cache
def _keys() -> TypeAdapter[tuple[str, str, bool, int | str, str]]:
    return TypeAdapter(tuple[str, str, bool, Integer | _Text, _Text])


@lru_cache(maxsize=256)
def _statement(
    listing: Listing[Any],
    sort: Sort,
    reverse: bool,
    is_first: bool,
    wanted: tuple[tuple[str, int], ...],
) -> Select[Any]:
    columns = listing.table.c
    conditions = [listing.clauses[name](number) for name, number in wanted]
    query = select(*(columns[name] for name in listing.columns)).where(listing.living, *conditions)
    order = _order(listing, sort, reverse=reverse)
    if not is_first:
        query = query.where(_from_mark(order[0]), _beyond(order))
    return query.order_by(*(term.ordered for term in order)).limit(bindparam("limit"))


@lru_cache(maxsize=256)
def _count(listing: Listing[Any], wanted: tuple[tuple[str, int], ...]) -> Select[Any]:
    conditions = [listing.clauses[name](number) for name, number in wanted]
    return select(func.count()).select_from(listing.table).where(listing.living, *conditions)


class Term(NamedTuple):
    """One term of an order, its direction, and the parameter that says where a page ended."""

    column: ColumnElement[Any]
    up: bool
    mark: str

    @property
    def ordered(self) -> ColumnElement[Any]:
        """The term as it stands in ORDER BY."""
        return self.column.asc() if self.up else self.column.desc()

    @property
    def further(self) -> ColumnElement[bool]:
        """Whether a row lies beyond the mark."""
        mark: BindParameter[Any] = bindparam(self.mark)
        return self.column > mark if self.up else self.column < mark


def _order(listing: Listing[Any], sort: Sort, *, reverse: bool) -> list[Term]:
    columns = listing.table.c
    last = Term(columns[listing.tie], not reverse, "mark_id")
    if sort != "label":
        date = columns[sort]
        is_nullable = getattr(date, "nullable", False)
        known = func.coalesce(date, literal_column(str(MISSING))) if is_nullable else date
        return [Term(known, reverse, "mark"), last]
    label = columns[listing.label]
    whole = func.coalesce(label, literal_column("''"))
    return [
        Term(label_order(label), not reverse, "mark"),
        Term(whole, not reverse, "mark_label"),
        last,
    ]


def _from_mark(term: Term) -> ColumnElement[bool]:
    """What `_beyond` implies, in the form that bounds the scan of an index."""
    mark: BindParameter[Any] = bindparam(term.mark)
    return term.column >= mark if term.up else term.column <= mark


def _beyond(order: Sequence[Term]) -> ColumnElement[bool]:
    first, *others = order
    if not others:
        return first.further
    return or_(first.further, and_(first.column == bindparam(first.mark), _beyond(others)))


@lru_cache(maxsize=2)
def _label_of(listing: Listing[Any]) -> Select[Any]:
    columns = listing.table.c
    label = columns[listing.label]
    return select(label).where(
        columns[listing.tie] == bindparam("mark_id"),
        label_order(label) == bindparam("mark"),
        listing.living,
    )
