"""Objects; whether one is condemned is asked of its Segments, never counted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    Select,
    SmallInteger,
    bindparam,
    delete,
    exists,
    literal_column,
    or_,
    select,
    text,
    union_all,
    update,
)

from tams.catalogue.promises.objects import CondemnedObject, DoomedObject, Objects
from tams.catalogue.promises.segments import MAX_SEGMENTS
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.creation_schema import reserved_object
from tams.catalogue.sql.jobs import ADD_JOBS
from tams.catalogue.sql.listing import Filters
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.reservations import has_been_used
from tams.catalogue.sql.schema import flow, instance, object_, place, segment
from tams.catalogue.sql.statements import Among, Rows, Written
from tams.catalogue.sql.tags import FLOW_TAGS, filter_tags
from tams.catalogue.sql.weights import FLOWS_BY, Weighed, reweigh
from tams.domain.flows import LockedFlow
from tams.domain.objects import Access, InitObject, Instance, NewObject, Object, ObjectFacts
from tams.domain.pages import Page, PageRequest
from tams.domain.patterns import UUID
from tams.domain.tags import TagFilter
from tams.domain.timerange import TimeRange
from tams.errors import Invalid

# `OFFSET 0`: else PostgreSQL may read all Segments, where it should go by index and stop at the
# first.
LIVING = """EXISTS (SELECT 1 FROM segment r JOIN flow f ON f.pk = r.flow_pk
    WHERE r.object_pk = o.pk AND f.gone_at IS NULL LIMIT 1 OFFSET 0)"""
"""Whether a living Flow has a Segment of the Object `o`."""
LIVING_INIT = f"""EXISTS ({FLOWS_BY.format(column="init_pk", key="o.pk")}
    JOIN flow f ON f.pk = hop.flow_pk WHERE f.gone_at IS NULL)"""
"""Whether a living Flow has a Segment of a Media Object that names `o` as its init Object."""

HELD = LIVING.replace("f.gone_at IS NULL", "(f.gone_at IS NULL OR f.kept_by IS NOT NULL)")
HELD_INIT = LIVING_INIT.replace("f.gone_at IS NULL", "(f.gone_at IS NULL OR f.kept_by IS NOT NULL)")
"""The same, of Flows that live or can be taken back."""

_INIT_OBJECT = """CASE WHEN o.init_pk IS NOT NULL THEN
    (SELECT {}(i.id, i.storage_id, i.key, i.others){} FROM object i WHERE i.pk = o.init_pk) END"""
INIT_OBJECT = Written(
    _INIT_OBJECT.format("json_array", ""), _INIT_OBJECT.format("json_build_array", "::text")
)
"""The `InitObject` that the Object `o` names, as JSON, so that no page needs a second query."""

_ASKED = "(SELECT pk FROM object WHERE id = :object_id)"
_REFERRING = f"""flow.pk IN (
    SELECT flow_pk FROM ({FLOWS_BY.format(column="object_pk", key=_ASKED)}) AS media
    UNION SELECT flow_pk FROM ({FLOWS_BY.format(column="init_pk", key=_ASKED)}) AS init)"""

_TAKEN = select(object_.c.id).where(Among(object_.c.id, "ids"))
_ALLOCATED = select(object_.c.id, object_.c.storage_id, object_.c.key).where(
    Among(object_.c.id, "ids"), object_.c.expires.is_not(None)
)
_ANY_IN = Written.same(
    """SELECT EXISTS (SELECT 1 FROM object WHERE storage_id = ?1)
OR EXISTS (SELECT 1 FROM instance WHERE storage_id = ?1)"""
)
_ALLOCATE = Rows.inserted(
    object_, "id", "storage_id", "key", "content_type", "allocated_for", "created", "expires"
)
# By hand: the first Flow only counts while it still has a Segment of the Object.
_GET = f"""SELECT o.start_ns, o.end_ns, o.end_inclusive, o.key_frame_count, o.storage_id, o.key,
    (SELECT f.id FROM flow f WHERE f.pk = o.first_flow_pk AND f.gone_at IS NULL AND EXISTS
        (SELECT 1 FROM segment r WHERE r.object_pk = o.pk AND r.flow_pk = f.pk)),
    o.size, o.created, o.content_type, o.access_count, o.last_accessed, {{}}
FROM object o WHERE o.id = {{}} AND o.removable_at IS NULL AND ({LIVING} OR {LIVING_INIT})"""
_GET_OBJECT = Written(
    _GET.format(INIT_OBJECT.sqlite, "?1"), _GET.format(INIT_OBJECT.postgresql, "$1")
)
_OTHERS = (
    select(object_.c.id, instance.c.storage_id, instance.c.key, instance.c.url, instance.c.label)
    .join(instance, instance.c.object_pk == object_.c.pk)
    .where(Among(object_.c.id, "ids"))
    .order_by(instance.c.object_pk, instance.c.position)
)
_FACTS = select(object_.c.id, object_.c.content_type, object_.c.size, object_.c.created).where(
    Among(object_.c.id, "ids"), object_.c.removable_at.is_(None)
)
_media = object_.alias("media")
# A Flow that can be taken back holds its Objects as a living one does, though it shows none.
_HOLDING_REFERENCE = exists().where(
    segment.c.object_pk == object_.c.pk,
    segment.c.flow_pk == flow.c.pk,
    or_(flow.c.gone_at.is_(None), flow.c.kept_by.is_not(None)),
)
# With the init Objects that Media Objects name, in the one order in which all take these locks:
# else two that condemn the last two Media Objects of one would each leave it to the other.
_LOCK = Written(
    """SELECT init_pk FROM object
WHERE pk IN (SELECT value FROM json_each(?1)) AND init_pk IS NOT NULL""",
    """SELECT init_pk FROM object WHERE pk = ANY(ARRAY(SELECT unnest($1::bigint[]) UNION
    SELECT init_pk FROM object WHERE pk = ANY($1::bigint[]) AND init_pk IS NOT NULL))
ORDER BY pk FOR UPDATE""",
)
_CONDEMN = (
    update(object_)
    .where(
        Among(object_.c.pk, "keys"),
        object_.c.start_ns.is_not(None),
        object_.c.removable_at.is_(None),
        ~_HOLDING_REFERENCE,
    )
    .values(removable_at=bindparam("due"), init_pk=None)
    .returning(object_.c.pk, object_.c.id)
)
# It goes with the last row that names it, not with the last living one: so no registration has to
# lock the init Object that it inherits.
_CONDEMN_INITS = (
    update(object_)
    .where(
        Among(object_.c.pk, "keys"),
        object_.c.removable_at.is_(None),
        ~exists().where(_media.c.init_pk == object_.c.pk),
    )
    .values(removable_at=bindparam("due"))
    .returning(object_.c.pk, object_.c.id)
)
_EXPIRED = (
    select(object_.c.pk)
    .where(object_.c.expires <= bindparam("now"), object_.c.kept_by.is_(None))
    .order_by(object_.c.expires)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_EXPIRE = (
    update(object_)
    .where(Among(object_.c.pk, "keys"))
    .values(removable_at=bindparam("now"), expires=None)
)
_UNREGISTERED = (
    Among(object_.c.id, "ids"),
    object_.c.expires.is_not(None),
    object_.c.kept_by.is_(None),
)
_PROLONG = update(object_).where(*_UNREGISTERED).values(expires=bindparam("until"))
_ABANDON = (
    update(object_)
    .where(*_UNREGISTERED)
    .values(removable_at=bindparam("due"), expires=None)
    .returning(object_.c.pk)
)
_RENAME = (
    update(object_)
    .where(object_.c.id == bindparam("old"), object_.c.expires.is_not(None))
    .values(id=bindparam("new"))
)
_CONDEMNED = (Among(object_.c.pk, "keys"), object_.c.removable_at.is_not(None))
_NOT_INCOMING = literal_column("0", SmallInteger)
_DOOMED = union_all(
    select(object_.c.pk, object_.c.storage_id, object_.c.key, _NOT_INCOMING).where(*_CONDEMNED),
    select(object_.c.pk, instance.c.storage_id, instance.c.key, _NOT_INCOMING)
    .join(instance, instance.c.object_pk == object_.c.pk)
    .where(*_CONDEMNED),
    select(object_.c.pk, place.c.storage_id, place.c.key, place.c.incoming)
    .join(place, place.c.object_pk == object_.c.pk)
    .where(*_CONDEMNED),
)
# In the one order in which all take these locks.
_LOCK_CONDEMNED = select(object_.c.pk).where(*_CONDEMNED).order_by(object_.c.pk).with_for_update()
_FORGET_RESERVED = delete(reserved_object).where(
    reserved_object.c.id.in_(
        select(object_.c.id).where(Among(object_.c.pk, "keys"), has_been_used())
    )
)
_FORGET_PLACES = delete(place).where(Among(place.c.object_pk, "keys"))
_FORGET = delete(object_).where(Among(object_.c.pk, "keys"))


async def find_others(
    connection: Connection, object_ids: Iterable[str]
) -> Mapping[str, tuple[Instance, ...]]:
    """The instances of Objects besides the controlled ones of their own rows, by id."""
    rows = await connection.fetch(_OTHERS, {"ids": list(object_ids)})
    found: dict[str, list[Instance]] = defaultdict(list)
    for object_id, *where in rows:
        found[object_id].append(Instance._make(where))
    return {object_id: tuple(places) for object_id, places in found.items()}


class SQLObjects(Objects):
    """Objects in one row each; `instance` holds what most do not have."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def taken(self, object_ids: Iterable[str]) -> frozenset[str]:
        rows = await self._connection.fetch(_TAKEN, {"ids": list(object_ids)})
        return frozenset(row[0] for row in rows)

    async def allocated(self, object_ids: Iterable[str]) -> Mapping[str, Instance]:
        rows = await self._connection.fetch(_ALLOCATED, {"ids": list(object_ids)})
        return {object_id: Instance(storage_id, key) for object_id, storage_id, key in rows}

    async def any_in(self, storage_id: str) -> bool:
        return bool((await self._connection.fetch(_ANY_IN, (storage_id,)))[0][0])

    async def allocate(
        self, flow: LockedFlow, objects: Sequence[NewObject], at: datetime, expires: datetime
    ) -> None:
        now, last = microseconds(at), microseconds(expires)
        await self._connection.hold_rows(
            _ALLOCATE,
            [
                (new.id, new.storage_id, new.key, new.content_type, flow.key, now, last)
                for new in objects
            ],
        )

    async def prolong(self, object_ids: Iterable[str], expires: datetime) -> None:
        asked = {"ids": list(object_ids), "until": microseconds(expires)}
        await self._connection.execute(_PROLONG, asked)

    async def rename(self, names: Mapping[str, str]) -> None:
        for old, new in names.items():
            await self._connection.execute(_RENAME, {"old": old, "new": new})

    async def abandon(self, object_ids: Iterable[str], due: datetime) -> Sequence[int]:
        asked = {"ids": list(object_ids), "due": microseconds(due)}
        keys = [row[0] for row in await self._connection.fetch(_ABANDON, asked)]
        await self._remove_later(keys, due)
        return keys

    async def measure(self, sizes: Mapping[str, int]) -> None:
        await reweigh(self._connection, sizes, lambda one, size: one._replace(size=size))

    async def read(self, accesses: Mapping[str, Access]) -> None:
        await reweigh(self._connection, accesses, _accessed)

    async def get(self, object_id: str) -> Object | None:
        rows = await self._connection.fetch(_GET_OBJECT, (object_id,))
        if not rows:
            return None
        (
            start, end, inclusive, count, storage_id, key, first, size, created, type_, accesses,
            last, told
        ) = rows[0]  # fmt: skip
        init = InitObject(*json.loads(told)) if told else None
        ids = [object_id] if init is None else [object_id, init.object_id]
        others = await find_others(self._connection, ids)
        controlled = () if key is None else (Instance(storage_id, key),)
        return Object(
            id=object_id,
            timerange=None if start is None else TimeRange(start, end, bool(inclusive)),
            key_frame_count=count,
            first_referenced_by_flow=first,
            instances=(*controlled, *others.get(object_id, ())),
            size=size,
            created=None if created is None else moment(created),
            content_type=type_,
            access_count=accesses or 0,
            last_accessed=None if last is None else moment(last),
            init_object=init and init._replace(others=others.get(init.object_id)),
        )

    async def facts(self, object_ids: Iterable[str]) -> Mapping[str, ObjectFacts]:
        rows = await self._connection.fetch(_FACTS, {"ids": list(object_ids)})
        return {
            object_id: ObjectFacts(kind, size, None if created is None else moment(created))
            for object_id, kind, size, created in rows
        }

    async def referenced_by(
        self, object_id: str, flow_tags: TagFilter, page: PageRequest
    ) -> Page[str]:
        if page.key is not None and UUID.fullmatch(page.key) is None:
            raise Invalid("page", page.key, "it must be the key of a next page of this Object")
        filters = Filters()
        filter_tags(filters, flow_tags)
        rows = await self._connection.fetch(
            _referring(tuple(filters.wanted)),
            {
                **filters.parameters,
                "object_id": object_id,
                "after": page.key or "",
                "limit": page.limit + 1,
            },
        )
        ids = [row[0] for row in rows]
        kept = ids[: page.limit]
        return Page(kept, kept[-1] if len(ids) > page.limit else None)

    async def condemn(self, keys: Iterable[int], due: datetime) -> Sequence[CondemnedObject]:
        wanted, last = sorted(set(keys)), microseconds(due)
        inits = await self.lock(wanted)
        rows = [*await self._connection.fetch(_CONDEMN, {"keys": wanted, "due": last})]
        if inits:
            rows += await self._connection.fetch(_CONDEMN_INITS, {"keys": inits, "due": last})
        await self._remove_later([row[0] for row in rows], due)
        return [CondemnedObject(*row) for row in rows]

    async def lock(self, keys: Sequence[int]) -> set[int]:
        """Lock Media Objects and what they name as initialisation Objects; returns these.

        In a statement of its own: the next one then sees what others had registered.
        """
        named = await self._connection.fetch(_LOCK, (keys,))
        return {row[0] for row in named if row[0] is not None}

    async def condemn_expired(self, now: datetime, limit: int = MAX_SEGMENTS) -> int:
        rows = await self._connection.fetch(_EXPIRED, {"now": microseconds(now), "limit": limit})
        keys = [row[0] for row in rows]
        await self._connection.execute(_EXPIRE, {"keys": keys, "now": microseconds(now)})
        return await self._remove_later(keys, now)

    async def doomed(self, keys: Iterable[int]) -> Sequence[DoomedObject]:
        found: dict[int, list[Instance]] = defaultdict(list)
        copied = set()
        for key, storage_id, place_key, incoming in await self._connection.fetch(
            _DOOMED, {"keys": list(keys)}
        ):
            found[key].append(Instance(storage_id, place_key))
            if incoming:
                copied.add(key)
        return [
            DoomedObject(
                key,
                tuple(where for where in places if where.key is not None),
                is_being_copied=key in copied,
            )
            for key, places in found.items()
        ]

    async def forget(self, keys: Iterable[int]) -> None:
        rows = await self._connection.fetch(_LOCK_CONDEMNED, {"keys": list(keys)})
        condemned = {"keys": [row[0] for row in rows]}
        await self._connection.execute(_FORGET_PLACES, condemned)
        await self._connection.execute(_FORGET_RESERVED, condemned)
        await self._connection.execute(_FORGET, condemned)

    async def _remove_later(self, keys: Sequence[int], due: datetime) -> int:
        await self._connection.hold_rows(
            ADD_JOBS, [("remove_object", key, microseconds(due), 0) for key in keys]
        )
        return len(keys)


def _accessed(one: Weighed, access: Access) -> Weighed:
    if not one.is_registered:
        return one
    last = max(one.last_accessed or 0, microseconds(access.last))
    return one._replace(accesses=one.accesses + access.number, last_accessed=last)


@lru_cache(maxsize=64)
def _referring(wanted: tuple[tuple[str, int], ...]) -> Select[tuple[str]]:
    clauses = FLOW_TAGS.clauses(flow.c.pk)
    return (
        select(flow.c.id)
        .where(
            text(_REFERRING),
            flow.c.gone_at.is_(None),
            flow.c.id > bindparam("after"),
            *(clauses[name](number) for name, number in wanted),
        )
        .order_by(flow.c.id)
        .limit(bindparam("limit"))
    )
