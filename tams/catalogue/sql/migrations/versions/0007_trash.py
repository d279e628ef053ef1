"""Deletions are recorded, and what they took along may be kept and taken back.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns, which are null for what is there, and the tables."""
    op.add_column("flow", sa.Column("kept_by", sa.BigInteger()))
    op.add_column("flow", sa.Column("grave_of", sa.BigInteger()))
    op.add_column("flow", sa.Column("kept_items", sa.Text()))
    op.add_column("object", sa.Column("kept_by", sa.BigInteger()))
    _index_where("flow_kept", "flow", ["kept_by"], "kept_by IS NOT NULL")
    _index_where("flow_kept_id", "flow", ["id"], "kept_by IS NOT NULL")
    _index_where("flow_grave", "flow", ["grave_of"], "grave_of IS NOT NULL")
    _create_deletion_record()
    _create_trashed_source()


def _index_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _create_deletion_record() -> None:
    op.create_table(
        "deletion_record",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("entity_id", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("deleted_by", TEXT, nullable=False),
        sa.Column("principal", TEXT),
        sa.Column("soft", sa.SmallInteger(), nullable=False),
        sa.Column("cascade", sa.SmallInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("settled", sa.BigInteger()),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    newest_first = [sa.text("created DESC"), sa.text("id")]
    op.create_index("deletion_record_created", "deletion_record", newest_first)
    restorable = "state = 'restorable'"
    columns = ["entity_id", "kind"]
    _index_where("deletion_record_restorable", "deletion_record", columns, restorable)
    _index_where("deletion_record_kept", "deletion_record", ["created"], restorable)


def _create_trashed_source() -> None:
    op.create_table(
        "trashed_source",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("deletion_pk", sa.BigInteger(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("label", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("trashed_source_deletion", "trashed_source", ["deletion_pk"])
    op.create_index("trashed_source_id", "trashed_source", ["id"])
