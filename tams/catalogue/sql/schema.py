"""The tables, for SQLite and PostgreSQL alike.

Times on the timeline are nanoseconds (`_ns`), times of day microseconds since 1970 in UTC. `pk` is
never used twice. Only small tables have foreign keys: a check per Segment would cost more than the
Segment, and the row of a removed Flow outlives its Source.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from tams.catalogue.sql.columns import KEY, TEXT, label_order, owner, pk, prefix
from tams.domain.rollups import Weight

metadata = MetaData()

service = Table(
    "service",
    metadata,
    Column("pk", KEY, primary_key=True),  # the one row is 1; it is there from the first day
    Column("name", TEXT),
    Column("description", TEXT),
)

mutex = Table(
    "mutex",
    metadata,
    Column("name", TEXT, primary_key=True),  # "collections"; rows only to be locked
)

source = Table(
    "source",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("format", TEXT, nullable=False),
    Column("label", TEXT),
    Column("description", TEXT),
    Column("created_by", TEXT),
    Column("updated_by", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("lasting", SmallInteger),  # 1 if it stays without Flows, else null
    sqlite_autoincrement=True,
)
Index("source_created", source.c.created.desc(), source.c.id)
Index("source_label", label_order(source.c.label), source.c.id)

source_tag = Table(
    "source_tag",
    metadata,
    owner("source_pk", "source"),
    Column("place", Integer, primary_key=True),  # counts the rows of one owner
    Column("name", TEXT, nullable=False),
    # -1: the tag is one string; from 0: an element of a list (an empty list is one null at 0).
    Column("position", Integer, nullable=False),
    Column("value", TEXT),
)
Index(
    "source_tag_value",
    prefix(source_tag.c.name),
    prefix(source_tag.c.value),
    source_tag.c.source_pk,
)

flow = Table(
    "flow",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False),
    # Not its pk: then a Flow is locked and read without a join, which `FOR UPDATE` would recheck.
    Column("source_id", TEXT, nullable=False),
    Column("format", TEXT, nullable=False),
    Column("codec", TEXT),
    Column("container", TEXT),
    Column("label", TEXT),
    Column("description", TEXT),
    Column("status", TEXT),
    Column("read_only", SmallInteger),
    Column("avg_bit_rate", BigInteger),
    Column("max_bit_rate", BigInteger),
    Column("frame_width", BigInteger),  # of video Flows alone, as the filters want it
    Column("frame_height", BigInteger),
    Column("init_segments", SmallInteger),
    Column("profile_id", TEXT),
    Column("generation", BigInteger),
    Column("metadata_version", TEXT),
    Column("created_by", TEXT),
    Column("updated_by", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("metadata_updated", BigInteger, nullable=False),
    Column("segments_updated", BigInteger),
    # JSON: essence_parameters, segment_duration, container_mapping
    Column("document", Text, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("gone_at", BigInteger),
    Column("deletions", SmallInteger),  # how many of its deletion requests are open; null: none
    Column("segment_tags", SmallInteger),  # 1 once a Segment of it had a tag, else null
    Column("kept_by", BigInteger),  # deletion_record.pk, while that keeps a Flow that is gone
    Column("grave_of", BigInteger),  # flow.pk of the Flow whose Segments lie here, if it is no Flow
    Column("kept_items", Text),  # JSON: what it collected, while it is kept
    # Null in all of these: nobody has counted. Else `rollups.py` says what they hold.
    Column("segments", BigInteger),
    Column("rollup", Text),  # JSON
    *(Column(name, BigInteger) for name in Weight._fields),  # of the Objects it refers to
    sqlite_autoincrement=True,
)
Index(
    "flow_id",
    flow.c.id,
    unique=True,
    sqlite_where=flow.c.gone_at.is_(None),
    postgresql_where=flow.c.gone_at.is_(None),
)
Index("flow_source", flow.c.source_id)
Index(
    "flow_profile",
    flow.c.profile_id,
    sqlite_where=flow.c.profile_id.is_not(None),
    postgresql_where=flow.c.profile_id.is_not(None),
)
Index(
    "flow_kept",
    flow.c.kept_by,
    sqlite_where=flow.c.kept_by.is_not(None),
    postgresql_where=flow.c.kept_by.is_not(None),
)
Index(
    "flow_kept_id",
    flow.c.id,
    sqlite_where=flow.c.kept_by.is_not(None),
    postgresql_where=flow.c.kept_by.is_not(None),
)
Index(
    "flow_grave",
    flow.c.grave_of,
    sqlite_where=flow.c.grave_of.is_not(None),
    postgresql_where=flow.c.grave_of.is_not(None),
)
Index("flow_created", flow.c.created.desc(), flow.c.id)
Index("flow_metadata_updated", flow.c.metadata_updated.desc(), flow.c.id)
Index("flow_label", label_order(flow.c.label), flow.c.id)

flow_tag = Table(
    "flow_tag",
    metadata,
    owner("flow_pk", "flow"),
    Column("place", Integer, primary_key=True),  # these four as in source_tag
    Column("name", TEXT, nullable=False),
    Column("position", Integer, nullable=False),
    Column("value", TEXT),
)
Index("flow_tag_value", prefix(flow_tag.c.name), prefix(flow_tag.c.value), flow_tag.c.flow_pk)

flow_collection = Table(
    "flow_collection",
    metadata,
    owner("collector_pk", "flow"),
    Column("position", Integer, primary_key=True),
    Column("member_pk", BigInteger, ForeignKey("flow.pk"), nullable=False),
    Column("role", TEXT),
    Column("container_mapping", Text),  # JSON
)
Index("flow_collection_member", flow_collection.c.member_pk, flow_collection.c.collector_pk)

segment = Table(
    "segment",
    metadata,
    Column("flow_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("start_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("object_pk", BigInteger, nullable=False),
    Column("ts_offset", BigInteger, nullable=False),
    Column("registered", BigInteger, nullable=False),  # an ordinal of the Flow
    Column("last_duration", BigInteger),
    Column("sample_offset", BigInteger),
    Column("sample_count", BigInteger),
    Column("end_inclusive", SmallInteger, nullable=False),
    Column("init_pk", BigInteger),  # that of the row's Object, which never changes while this is so
    sqlite_with_rowid=False,
)
Index("segment_object", segment.c.object_pk, segment.c.flow_pk, segment.c.start_ns)
Index(
    "segment_init",
    segment.c.init_pk,
    segment.c.flow_pk,
    sqlite_where=segment.c.init_pk.is_not(None),
    postgresql_where=segment.c.init_pk.is_not(None),
)

object_ = Table(
    "object",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("storage_id", TEXT),  # with `key`: where the controlled instance lies, if there is one
    Column("key", TEXT),
    Column("content_type", TEXT),
    Column("others", SmallInteger),  # 1 if there are rows in `instance`, else null
    Column("start_ns", BigInteger),  # the timerange is null until the Object is registered
    Column("end_ns", BigInteger),
    Column("end_inclusive", SmallInteger),
    Column("key_frame_count", BigInteger),
    Column("allocated_for", BigInteger),  # flow.pk
    Column("first_flow_pk", BigInteger),  # null until the Object is registered
    Column("expires", BigInteger),  # null once registered or condemned
    Column("removable_at", BigInteger),  # null until its condemnation is recorded
    Column("is_init", SmallInteger),  # 1 from its first use as an initialisation Object
    Column("init_pk", BigInteger),  # of a Media Object: object.pk of its initialisation Object
    Column("size", BigInteger),  # bytes of the controlled instance, once they were measured
    Column("created", BigInteger),  # null where a program that did not keep it made the Object
    Column("kept_by", BigInteger),  # deletion_record.pk, while that keeps an unregistered Object
    Column("access_count", BigInteger),  # null: never read
    Column("last_accessed", BigInteger),
    Column("apart", SmallInteger),  # 1 where no Flow's row alone counts it: shared, or for init
    sqlite_autoincrement=True,
)
Index(
    "object_apart",
    object_.c.pk,
    sqlite_where=object_.c.apart.is_not(None),
    postgresql_where=object_.c.apart.is_not(None),
)
Index(
    "object_accessed",
    object_.c.access_count,
    object_.c.pk,
    sqlite_where=object_.c.access_count.is_not(None),
    postgresql_where=object_.c.access_count.is_not(None),
)
Index(
    "object_init",
    object_.c.init_pk,
    sqlite_where=object_.c.init_pk.is_not(None),
    postgresql_where=object_.c.init_pk.is_not(None),
)
Index(
    "object_expires",
    object_.c.expires,
    sqlite_where=object_.c.expires.is_not(None),
    postgresql_where=object_.c.expires.is_not(None),
)

instance = Table(
    "instance",
    metadata,
    owner("object_pk", "object"),
    Column("position", Integer, primary_key=True),
    Column("storage_id", TEXT),
    Column("key", TEXT),
    Column("url", TEXT),
    Column("label", TEXT),
)

place = Table(
    "place",  # an instance in a Storage Backend that is not listed: on its way in, or out
    metadata,
    pk(),
    Column("object_pk", BigInteger, nullable=False),
    Column("storage_id", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("incoming", SmallInteger),  # 1 on its way in, null on its way out
    sqlite_autoincrement=True,
)
Index("place_object", place.c.object_pk)

deletion_request = Table(
    "deletion_request",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("flow_id", TEXT, nullable=False),
    Column("flow_pk", BigInteger, nullable=False),
    Column("timerange", TEXT, nullable=False),
    Column("remaining", TEXT),
    Column("object_id", TEXT),  # where only this Object's Segments are to go
    Column("ordinal", BigInteger, nullable=False),  # Segments registered later stay
    Column("delete_flow", SmallInteger, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("error", Text),  # JSON
    Column("created_by", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("expiry", BigInteger),
    sqlite_autoincrement=True,
)
Index("deletion_request_flow", deletion_request.c.flow_pk)
Index("deletion_request_created", deletion_request.c.created.desc(), deletion_request.c.id)
Index("deletion_request_expiry", deletion_request.c.expiry)

profile = Table(
    "profile",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("format", TEXT, nullable=False),
    Column("codec", TEXT),
    Column("label", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("document", Text, nullable=False),  # JSON: all the rest
    sqlite_autoincrement=True,
)
Index("profile_created", profile.c.created.desc(), profile.c.id)

webhook = Table(
    "webhook",
    metadata,
    pk(),
    Column("id", TEXT, nullable=False, unique=True),
    Column("url", TEXT, nullable=False),
    Column("api_key_name", TEXT),
    Column("api_key_value", TEXT),
    Column("status", TEXT, nullable=False),
    Column("error", Text),  # JSON
    Column("document", Text, nullable=False),  # JSON: events, filters and what of get_urls is sent
    Column("created_by", TEXT),
    Column("created", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),  # event.number up to which it is served
    Column("failures", Integer, nullable=False),  # attempts at the next event that failed
    Column("failing_since", BigInteger),
    Column("due", BigInteger, nullable=False),  # a claim moves it to the end of the lease
    Column("claims", BigInteger, nullable=False),  # tells the holder from one whose lease ran out
    sqlite_autoincrement=True,
)
Index("webhook_url", prefix(webhook.c.url), webhook.c.id)

webhook_tag = Table(
    "webhook_tag",
    metadata,
    owner("webhook_pk", "webhook"),
    Column("place", Integer, primary_key=True),  # these four as in source_tag
    Column("name", TEXT, nullable=False),
    Column("position", Integer, nullable=False),
    Column("value", TEXT),
)

log = Table(
    "log",
    metadata,
    Column("pk", KEY, primary_key=True),  # the one row is 1; it is there from the first day
    Column("published", BigInteger, nullable=False),  # the last number that an event got
    Column("measured", BigInteger),  # up to which the Objects of events were asked for their sizes
    Column("measuring_until", BigInteger),  # the end of the lease of who asks
)

event = Table(
    "event",
    metadata,
    pk(),
    Column("kind", TEXT, nullable=False),  # "flow" or "source", which may have the same id, …
    Column("entity_id", TEXT, nullable=False),  # of what changed; of Objects, that of their Flow
    Column("ordinal", BigInteger, nullable=False),  # of Objects, the key of the first
    Column("number", BigInteger),  # its place in the published log
    Column("occurred", BigInteger, nullable=False),
    Column("document", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)
Index("event_entity", event.c.entity_id, event.c.kind, event.c.ordinal, unique=True)
Index("event_occurred", event.c.occurred)
Index("event_number", event.c.number)
Index(
    "event_unpublished",
    event.c.pk,
    sqlite_where=event.c.number.is_(None),
    postgresql_where=event.c.number.is_(None),
)

job = Table(
    "job",
    metadata,
    pk(),
    Column("kind", TEXT, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),  # a claim moves it to the end of the lease
    Column("attempt", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("job_due", job.c.kind, job.c.due)
