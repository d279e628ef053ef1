"""The table of the tags of Segments."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table

from tams.catalogue.sql.columns import TEXT
from tams.catalogue.sql.schema import metadata

segment_tag = Table(
    "segment_tag",
    metadata,
    Column("flow_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("name", TEXT, primary_key=True),
    Column("value", TEXT, primary_key=True),
    Column("start_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, nullable=False),  # -1: one string; from 0: of a list
    sqlite_with_rowid=False,
)
Index("segment_tag_segment", segment_tag.c.flow_pk, segment_tag.c.start_ns)
