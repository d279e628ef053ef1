"""Profiles, in a row each: what is listed by has columns, the rest is a document."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import bindparam, select
from typing_extensions import TypedDict

from tams.catalogue.promises.profiles import Profiles
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.flow_rows import reader
from tams.catalogue.sql.listing import Clause, Filters, Listing, has_label
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import profile
from tams.catalogue.sql.statements import Written
from tams.domain.flows import FlowTechnical
from tams.domain.pages import Page, PageRequest
from tams.domain.profiles import Profile, ProfileQuery
from tams.domain.sources import ContentFormat
from tams.domain.tags import Tags


class Own(TypedDict, total=False):
    """What a document says of the Profile itself; the rest of it is its Flows'."""

    description: str
    tags: Tags
    created_by: str


class Technical(TypedDict, total=False):
    """What a document says of the Flows, beside what `flow_rows.reader` reads."""

    container: str
    avg_bit_rate: int


class ProfileRow(NamedTuple):
    """The columns that make a Profile, in the order in which they are read."""

    id: str
    format: str
    codec: str | None
    label: str | None
    created: int
    document: str

    def profile(self) -> Profile:
        """Return the Profile."""
        content = ContentFormat(self.format)
        return Profile(
            id=self.id,
            label=self.label,
            created=moment(self.created),
            flow_metadata=FlowTechnical(
                format=content,
                codec=self.codec,
                **_technical().validate_json(self.document),
                **reader(content).validate_json(self.document),
            ),
            **_own().validate_json(self.document),
        )


_GET = select(*(profile.c[name] for name in ProfileRow._fields)).where(
    profile.c.id == bindparam("profile_id")
)
_ADD = Written.same(
    "INSERT INTO profile (id, format, codec, label, created, document)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING RETURNING pk"
)
_EQUAL = ("format", "codec")


def _equals(name: str) -> Clause:
    return lambda _: profile.c[name] == bindparam(name)


_PROFILES = Listing(
    table=profile,
    columns=ProfileRow._fields,
    make=ProfileRow._make,
    dates=("created",),
    clauses={**{name: _equals(name) for name in _EQUAL}, "label": lambda _: has_label(profile)},
)


class SQLProfiles(Profiles):
    """Rows that are inserted once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, profile_id: str) -> Profile | None:
        rows = await self._connection.fetch(_GET, {"profile_id": profile_id})
        return ProfileRow._make(rows[0]).profile() if rows else None

    async def add(self, profile: Profile) -> bool:
        flow = profile.flow_metadata
        values = (profile.id, flow.format, flow.codec, profile.label, microseconds(profile.created))
        return bool(await self._connection.fetch(_ADD, (*values, _document(profile))))

    async def list(self, query: ProfileQuery, page: PageRequest) -> Page[Profile]:
        filters = Filters()
        filters.equal(query, _EQUAL)
        filters.label(query.label)
        found = await _PROFILES.page(self._connection, filters, page)
        return Page([row.profile() for row in found.items], found.next_key)


def _document(profile: Profile) -> str:
    technical = _writer().dump_python(
        profile.flow_metadata, mode="json", exclude={"format", "codec"}, exclude_none=True
    )
    own: dict[str, Any] = {name: getattr(profile, name) for name in Own.__annotations__}
    known = {name: value for name, value in own.items() if value is not None}
    return to_json({**technical, **known}).decode()


@cache
def _writer() -> TypeAdapter[FlowTechnical]:
    return TypeAdapter(FlowTechnical)


@cache
def _own() -> TypeAdapter[Own]:
    return TypeAdapter(Own)


@cache
def _technical() -> TypeAdapter[Technical]:
    return TypeAdapter(Technical)
