"""The tables of deletions that are recorded, and of what can be taken back."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, literal_column

from tams.catalogue.sql.columns import TEXT, pk
from tams.catalogue.sql.schema import metadata

__all__ = ["deletion_record", "metadata", "trashed_source"]

deletion_record = Table(
    "deletion_record",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("kind", TEXT, nullable=False),  # "source", "flow", "segments", "object"
    Column("entity_id", TEXT, nullable=False),  # of Segments, that of their Flow
    Column("created", BigInteger, nullable=False),  # when it was deleted
    Column("deleted_by", TEXT, nullable=False),
    Column("principal", TEXT),  # who asked for it, where callers have to say who they are
    Column("soft", SmallInteger, nullable=False),
    Column("cascade", SmallInteger, nullable=False),
    Column("state", TEXT, nullable=False),  # "deleted", "restorable", "restored", "purged"
    Column("settled", BigInteger),  # when it was restored or purged
    Column("document", Text, nullable=False),  # JSON: what went along
    sqlite_autoincrement=True,
)
Index("deletion_record_created", deletion_record.c.created.desc(), deletion_record.c.id)
_is_restorable = deletion_record.c.state == literal_column("'restorable'")
Index(
    "deletion_record_restorable",
    deletion_record.c.entity_id,
    deletion_record.c.kind,
    sqlite_where=_is_restorable,
    postgresql_where=_is_restorable,
)
Index(
    "deletion_record_kept",
    deletion_record.c.created,
    sqlite_where=_is_restorable,
    postgresql_where=_is_restorable,
)

trashed_source = Table(
    "trashed_source",  # a Source that can be taken back; its row is gone, since ids are used again
    metadata,
    pk(),
    Column("deletion_pk", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("format", TEXT, nullable=False),
    Column("label", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("document", Text, nullable=False),  # JSON: the Source, whole
    sqlite_autoincrement=True,
)
Index("trashed_source_deletion", trashed_source.c.deletion_pk)
Index("trashed_source_id", trashed_source.c.id)
