"""A Segment names the init Object of its Media Object, so that its Flows are found from there.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, fill it, and index it."""
    op.add_column("segment", sa.Column("init_pk", sa.BigInteger()))
    op.execute(
        """UPDATE segment SET init_pk = (SELECT o.init_pk FROM object o WHERE o.pk = object_pk)
WHERE object_pk IN (SELECT o.pk FROM object o WHERE o.init_pk IS NOT NULL)"""
    )
    named = sa.text("init_pk IS NOT NULL")
    op.create_index(
        "segment_init",
        "segment",
        ["init_pk", "flow_pk"],
        sqlite_where=named,
        postgresql_where=named,
    )
