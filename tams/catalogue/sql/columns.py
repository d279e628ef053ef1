"""What the columns of the tables are made of, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Function,
    Identity,
    Integer,
    Text,
    func,
    literal_column,
)

# Text is ordered by code points on both engines, whatever the locale of the database.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite's rowid, and with it AUTOINCREMENT, belongs to the type INTEGER alone.
KEY = BigInteger().with_variant(Integer, "sqlite")


PREFIX = 128
"""How many characters of a text an index holds, since PostgreSQL's take no more than 2704 bytes."""


def prefix(text: ColumnElement[str] | ColumnElement[str | None]) -> Function[str]:
    """The first PREFIX characters of a text, as they stand in its index."""
    return func.substr(text, literal_column("1"), literal_column(str(PREFIX)), type_=TEXT)


def label_order(label: ColumnElement[str | None]) -> Function[str]:
    """What labels are listed by, missing ones last; `label_key` says the same of a value."""
    return func.coalesce(literal_column("'0'", TEXT).concat(prefix(label)), literal_column("'1'"))


def label_key(label: str | None) -> str:
    """What `label_order` is of this label."""
    return "1" if label is None else f"0{label[:PREFIX]}"


def pk() -> Column[int]:
    """The key of a row, which is never used twice."""
    return Column("pk", KEY, Identity(), primary_key=True)


def owner(name: str, table: str) -> Column[int]:
    """The key of a row of another table, with which this one goes."""
    return Column(name, BigInteger, ForeignKey(f"{table}.pk", ondelete="CASCADE"), primary_key=True)
