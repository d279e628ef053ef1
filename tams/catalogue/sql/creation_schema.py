"""The tables of what clients make beside the standard: collections by name, and reserved ids.

A collection holds the rows of Flows or Sources, so that a member leaves with its row and a
re-created id is no member; it shows those that live.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table

from tams.catalogue.sql.columns import TEXT, owner, pk
from tams.catalogue.sql.schema import metadata

named_collection = Table(
    "named_collection",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("kind", TEXT, nullable=False),  # "flow" or "source": what it holds
    Column("label", TEXT, nullable=False),
    Column("description", TEXT),
    Column("created_by", TEXT),
    Column("updated_by", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index(
    "named_collection_created",
    named_collection.c.kind,
    named_collection.c.created.desc(),
    named_collection.c.id,
)


def _members(kind: str) -> Table:
    member = Column(
        f"{kind}_pk", BigInteger, ForeignKey(f"{kind}.pk", ondelete="CASCADE"), nullable=False
    )
    name = f"named_collection_{kind}"
    return Table(
        name,
        metadata,
        owner("collection_pk", "named_collection"),
        Column("position", BigInteger, primary_key=True),  # grows; what leaves leaves a gap
        member,
        Index(f"{name}_member", member, "collection_pk", unique=True),
    )


named_collection_flow = _members("flow")
named_collection_source = _members("source")

reserved_object = Table(
    "reserved_object",  # goes with the Object that used the id
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("size", BigInteger),  # as the client said
    Column("created_by", TEXT),
    Column("created", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
