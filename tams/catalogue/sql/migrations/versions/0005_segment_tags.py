"""Tags of Segments, and which Flows have any.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table, and a column that is null for what is there."""
    op.add_column("flow", sa.Column("segment_tags", sa.SmallInteger()))
    op.create_table(
        "segment_tag",
        sa.Column("flow_pk", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow_pk", "name", "value", "start_ns"),
        sqlite_with_rowid=False,
    )
    op.create_index("segment_tag_segment", "segment_tag", ["flow_pk", "start_ns"])
