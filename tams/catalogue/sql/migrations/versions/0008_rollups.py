"""A Flow's row counts its Segments and Objects; an Object knows how often it was read.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_COUNTS = (
    "segments", "objects", "bytes", "small", "medium", "large", "xlarge", "accesses",
    "moderately", "frequently",
)  # fmt: skip


def upgrade() -> None:
    """Add the columns, and mark what no Flow alone counts; a chore counts what is there."""
    op.add_column("flow", sa.Column("rollup", sa.Text()))
    for name in _COUNTS:
        op.add_column("flow", sa.Column(name, sa.BigInteger()))
    for name in ("access_count", "last_accessed"):
        op.add_column("object", sa.Column(name, sa.BigInteger()))
    op.add_column("object", sa.Column("apart", sa.SmallInteger()))
    for name in ("measured", "measuring_until"):
        op.add_column("log", sa.Column(name, sa.BigInteger()))
    op.execute(
        """UPDATE object SET apart = 1 WHERE is_init = 1
OR 1 < (SELECT count(DISTINCT s.flow_pk) FROM segment s WHERE s.object_pk = object.pk)"""
    )
    _index("object_apart", ["pk"], "apart IS NOT NULL")
    _index("object_accessed", ["access_count", "pk"], "access_count IS NOT NULL")


def _index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "object", columns, sqlite_where=where, postgresql_where=where)
