"""The first schema.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LABEL_ORDER: sa.ColumnClause[str] = sa.literal_column("coalesce('0' || substr(label, 1, 128), '1')")


def upgrade() -> None:
    """Create all tables, and the rows that are there from the first day."""
    _create_event()
    _create_flow()
    _create_job()
    _create_mutex()
    _create_object()
    _create_segment()
    _create_service()
    _create_source()
    _create_flow_collection()
    _create_flow_tag()
    _create_instance()
    _create_source_tag()
    op.execute("INSERT INTO service (pk) VALUES (1)")
    op.execute("INSERT INTO mutex (name) VALUES ('collections')")


def _create_event() -> None:
    op.create_table(
        "event",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("entity_id", TEXT, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger()),
        sa.Column("occurred", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("event_entity", "event", ["entity_id", "kind", "ordinal"], unique=True)
    op.create_index("event_number", "event", ["number"], unique=False)
    op.create_index("event_occurred", "event", ["occurred"], unique=False)


def _create_flow() -> None:
    op.create_table(
        "flow",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("codec", TEXT),
        sa.Column("container", TEXT),
        sa.Column("label", TEXT),
        sa.Column("description", TEXT),
        sa.Column("status", TEXT),
        sa.Column("read_only", sa.SmallInteger()),
        sa.Column("avg_bit_rate", sa.BigInteger()),
        sa.Column("max_bit_rate", sa.BigInteger()),
        sa.Column("frame_width", sa.BigInteger()),
        sa.Column("frame_height", sa.BigInteger()),
        sa.Column("init_segments", sa.SmallInteger()),
        sa.Column("profile_id", TEXT),
        sa.Column("generation", sa.BigInteger()),
        sa.Column("metadata_version", TEXT),
        sa.Column("created_by", TEXT),
        sa.Column("updated_by", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("metadata_updated", sa.BigInteger(), nullable=False),
        sa.Column("segments_updated", sa.BigInteger()),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("flow_created", "flow", [sa.literal_column("created DESC"), "id"], unique=False)
    op.create_index(
        "flow_id",
        "flow",
        ["id"],
        unique=True,
        sqlite_where=sa.text("gone_at IS NULL"),
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_index("flow_label", "flow", [LABEL_ORDER, "id"], unique=False)
    op.create_index(
        "flow_metadata_updated",
        "flow",
        [sa.literal_column("metadata_updated DESC"), "id"],
        unique=False,
    )
    op.create_index("flow_source", "flow", ["source_id"], unique=False)


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("job_due", "job", ["due"], unique=False)


def _create_mutex() -> None:
    op.create_table(
        "mutex", sa.Column("name", TEXT, nullable=False), sa.PrimaryKeyConstraint("name")
    )


def _create_object() -> None:
    op.create_table(
        "object",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("storage_id", TEXT),
        sa.Column("key", TEXT),
        sa.Column("content_type", TEXT),
        sa.Column("others", sa.SmallInteger()),
        sa.Column("start_ns", sa.BigInteger()),
        sa.Column("end_ns", sa.BigInteger()),
        sa.Column("end_inclusive", sa.SmallInteger()),
        sa.Column("key_frame_count", sa.BigInteger()),
        sa.Column("allocated_for", sa.BigInteger()),
        sa.Column("first_flow_pk", sa.BigInteger()),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("removable_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "object_expires",
        "object",
        ["expires"],
        unique=False,
        sqlite_where=sa.text("expires IS NOT NULL"),
        postgresql_where=sa.text("expires IS NOT NULL"),
    )


def _create_segment() -> None:
    op.create_table(
        "segment",
        sa.Column("flow_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=False),
        sa.Column("object_pk", sa.BigInteger(), nullable=False),
        sa.Column("ts_offset", sa.BigInteger(), nullable=False),
        sa.Column("registered", sa.BigInteger(), nullable=False),
        sa.Column("last_duration", sa.BigInteger()),
        sa.Column("sample_offset", sa.BigInteger()),
        sa.Column("sample_count", sa.BigInteger()),
        sa.Column("end_inclusive", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow_pk", "start_ns"),
        sqlite_with_rowid=False,
    )
    op.create_index("segment_object", "segment", ["object_pk", "flow_pk", "start_ns"], unique=False)


def _create_service() -> None:
    op.create_table(
        "service",
        sa.Column("pk", KEY, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("description", TEXT),
        sa.PrimaryKeyConstraint("pk"),
    )


def _create_source() -> None:
    op.create_table(
        "source",
        sa.Column("pk", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("label", TEXT),
        sa.Column("description", TEXT),
        sa.Column("created_by", TEXT),
        sa.Column("updated_by", TEXT),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "source_created", "source", [sa.literal_column("created DESC"), "id"], unique=False
    )
    op.create_index("source_label", "source", [LABEL_ORDER, "id"], unique=False)


def _create_flow_collection() -> None:
    op.create_table(
        "flow_collection",
        sa.Column("collector_pk", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("member_pk", sa.BigInteger(), nullable=False),
        sa.Column("role", TEXT),
        sa.Column("container_mapping", sa.Text()),
        sa.ForeignKeyConstraint(["collector_pk"], ["flow.pk"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["member_pk"],
            ["flow.pk"],
        ),
        sa.PrimaryKeyConstraint("collector_pk", "position"),
    )
    op.create_index(
        "flow_collection_member", "flow_collection", ["member_pk", "collector_pk"], unique=False
    )


def _create_flow_tag() -> None:
    op.create_table(
        "flow_tag",
        sa.Column("flow_pk", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT),
        sa.ForeignKeyConstraint(["flow_pk"], ["flow.pk"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("flow_pk", "place"),
    )
    op.create_index(
        "flow_tag_value",
        "flow_tag",
        [
            sa.literal_column("substr(name, 1, 128)"),
            sa.literal_column("substr(value, 1, 128)"),
            "flow_pk",
        ],
        unique=False,
    )


def _create_instance() -> None:
    op.create_table(
        "instance",
        sa.Column("object_pk", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("storage_id", TEXT),
        sa.Column("key", TEXT),
        sa.Column("url", TEXT),
        sa.Column("label", TEXT),
        sa.ForeignKeyConstraint(["object_pk"], ["object.pk"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("object_pk", "position"),
    )


def _create_source_tag() -> None:
    op.create_table(
        "source_tag",
        sa.Column("source_pk", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", TEXT),
        sa.ForeignKeyConstraint(["source_pk"], ["source.pk"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_pk", "place"),
    )
    op.create_index(
        "source_tag_value",
        "source_tag",
        [
            sa.literal_column("substr(name, 1, 128)"),
            sa.literal_column("substr(value, 1, 128)"),
            "source_pk",
        ],
        unique=False,
    )
