"""Sources that stay without Flows, collections by name, and reserved ids of Objects.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column, which is null for what is there, and the tables."""
    op.add_column("source", sa.Column("lasting", sa.SmallInteger()))
    _create_named_collection()
    for kind in ("flow", "source"):
        _create_members(kind)
    op.create_table(
        "reserved_object",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("created_by", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )


def _create_named_collection() -> None:
    op.create_table(
        "named_collection",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("description", TEXT),
        sa.Column("created_by", TEXT),
        sa.Column("updated_by", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "named_collection_created",
        "named_collection",
        ["kind", sa.text("created DESC"), "id"],
    )


def _create_members(kind: str) -> None:
    name, member = f"named_collection_{kind}", f"{kind}_pk"
    op.create_table(
        name,
        sa.Column("collection_pk", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(member, sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection_pk", "position"),
        sa.ForeignKeyConstraint(["collection_pk"], ["named_collection.pk"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint([member], [f"{kind}.pk"], ondelete="CASCADE"),
    )
    op.create_index(f"{name}_member", name, [member, "collection_pk"], unique=True)
