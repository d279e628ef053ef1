"""An Object says how many bytes it has, where somebody measured them, and when it was made.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, which are null for what is there."""
    op.add_column("object", sa.Column("size", sa.BigInteger()))
    op.add_column("object", sa.Column("created", sa.BigInteger()))
