"""Profiles, initialisation Objects, copies, deletion requests, and webhooks.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add columns and tables, and the row from which events are numbered."""
    op.add_column("flow", sa.Column("deletions", sa.SmallInteger()))
    op.add_column("object", sa.Column("is_init", sa.SmallInteger()))
    op.add_column("object", sa.Column("init_pk", sa.BigInteger()))
    _index_where("flow_profile", "flow", "profile_id", "profile_id IS NOT NULL")
    _index_where("object_init", "object", "init_pk", "init_pk IS NOT NULL")
    _index_where("event_unpublished", "event", "pk", "number IS NULL")
    op.drop_index("job_due", "job")
    op.create_index("job_due", "job", ["kind", "due"])
    _create_place()
    _create_deletion_request()
    _create_profile()
    _create_webhook()
    _create_webhook_tag()
    _create_log()


def _index_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def _create_place() -> None:
    op.create_table(
        "place",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("object_pk", sa.BigInteger(), nullable=False),
        sa.Column("storage_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("incoming", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("place_object", "place", ["object_pk"])


def _create_deletion_request() -> None:
    op.create_table(
        "deletion_request",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("flow_id", TEXT, nullable=False),
        sa.Column("flow_pk", sa.BigInteger(), nullable=False),
        sa.Column("timerange", TEXT, nullable=False),
        sa.Column("remaining", TEXT),
        sa.Column("object_id", TEXT),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("delete_flow", sa.SmallInteger(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_by", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("expiry", sa.BigInteger()),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("deletion_request_flow", "deletion_request", ["flow_pk"])
    newest_first = [sa.text("created DESC"), sa.text("id")]
    op.create_index("deletion_request_created", "deletion_request", newest_first)
    op.create_index("deletion_request_expiry", "deletion_request", ["expiry"])


def _create_profile() -> None:
    op.create_table(
        "profile",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("codec", TEXT),
        sa.Column("label", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("profile_created", "profile", [sa.text("created DESC"), sa.text("id")])


def _create_webhook() -> None:
    op.create_table(
        "webhook",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("api_key_name", TEXT),
        sa.Column("api_key_value", TEXT),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_by", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("webhook_url", "webhook", [sa.text("substr(url, 1, 128)"), sa.text("id")])


def _create_webhook_tag() -> None:
    op.create_table(
        "webhook_tag",
        sa.Column("webhook_pk", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT),
        sa.ForeignKeyConstraint(["webhook_pk"], ["webhook.pk"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("webhook_pk", "place"),
    )


def _create_log() -> None:
    op.create_table(
        "log",
        sa.Column("pk", KEY, nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
    )
    op.execute("INSERT INTO log (pk, published) VALUES (1, 0)")
