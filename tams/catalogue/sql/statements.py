"""Statements as the drivers take them: text and the order of its parameters, compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    SmallInteger,
    Table,
    Text,
    bindparam,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Boolean, TypeEngine

Engine = Literal["sqlite", "postgresql"]
Parameters = Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A hot statement, written by hand for each engine; its parameters are given in order.

    SQLite calls them `?1`, PostgreSQL `$1`; a list arrives as JSON there and as an array here.
    """

    sqlite: str
    postgresql: str

    @classmethod
    def same(cls, text: str) -> Written:
        """For both engines, from SQLite's form."""
        return cls(text, text.replace("?", "$"))


Statement = Executable | Written


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A write of many rows: `VALUES` of a `pattern` per row on SQLite, an array per column else.

    What all rows share are its first parameters, `?1` and so on in both texts.
    """

    sqlite: str
    """With `{rows}` where the `VALUES` go."""
    pattern: str
    """The parameters of one row, `(?,?)`."""
    arrays: str
    """For PostgreSQL."""
    one: str
    """For PostgreSQL and a single row, since arrays of one cost several times its values."""

    @classmethod
    def written(cls, sqlite: str, postgresql: str, *types: str, shared: int = 0) -> Rows:
        """From a text for each engine, with `{rows}` where they go, and PostgreSQL's types.

        SQLite's must name what the rows share before them.
        """
        values = [f"${at}::{type_}" for at, type_ in enumerate(types, 1 + shared)]
        return cls(
            sqlite,
            f"({','.join('?' * len(types))})",
            postgresql.format(rows=f"unnest({', '.join(f'{value}[]' for value in values)})"),
            postgresql.format(rows=f"(VALUES ({', '.join(values)}))"),
        )

    @classmethod
    def inserted(cls, table: Table, *names: str) -> Rows:
        """Insert rows of these columns."""
        insert = f"INSERT INTO {table.name} ({', '.join(names)})"
        return cls.written(
            f"{insert} VALUES {{rows}}",
            f"{insert} SELECT * FROM {{rows}} AS v",
            *(_TYPES[type(table.c[name].type)] for name in names),
        )


_TYPES: dict[type[TypeEngine[Any]], str] = {
    BigInteger: "bigint",
    Integer: "integer",
    SmallInteger: "smallint",
    Text: "text",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The text for one engine; `names` is None if the parameters are given in order."""

    text: str
    names: tuple[str, ...] | None
    constants: Mapping[str, Any]

    def arguments(self, parameters: Parameters) -> list[Any]:
        """Put the parameters in the order of the text."""
        if self.names is None:
            return list(parameters)
        if not isinstance(parameters, Mapping):
            raise TypeError("a compiled statement takes its parameters by name")
        values = {**self.constants, **parameters}
        return [values[name] for name in self.names]


@cache
def _dialect(engine: Engine) -> Dialect:
    """Loaded on first need: each takes its time, and a server needs one."""
    if engine == "sqlite":
        from sqlalchemy.dialects.sqlite.base import SQLiteDialect

        return SQLiteDialect(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql.base import PGDialect

    return PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


@lru_cache(maxsize=1024)
def prepare(engine: Engine, statement: Statement) -> Prepared:
    """Compile a statement for an engine; a statement kept in a module is compiled once."""
    if isinstance(statement, Written):
        return Prepared(getattr(statement, engine), None, {})
    if not isinstance(statement, ClauseElement):
        raise TypeError(f"{statement!r} is not a statement")
    compiled = statement.compile(dialect=_dialect(engine))
    if not isinstance(compiled, SQLCompiler):
        raise TypeError(f"{statement!r} is not a query or a change")
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return Prepared(str(compiled), tuple(compiled.positiontup or ()), constants)


class Among(ColumnElement[bool]):
    """`column` is in a list, given here or as the parameter `name`: one text for any length.

    `column.in_()` is not for us: its text depends on the length.
    """

    inherit_cache = False
    type = Boolean()

    def __init__(
        self, column: ColumnElement[Any], name: str, values: Iterable[Any] | None = None
    ) -> None:
        self.column = column
        self.values: BindParameter[Any] = (
            bindparam(name) if values is None else bindparam(name, list(values), unique=True)
        )

    def self_group(self, against: object = None) -> Among:
        """Stand as it is: SQLAlchemy would write `… = 1` for SQLite, which no index serves."""
        return self


@compiles(Among, "sqlite")
def _among_json(element: Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(Among, "postgresql")
def _among_array(element: Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    return f"{column} = ANY({values})"
