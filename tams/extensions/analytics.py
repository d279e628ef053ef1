"""What the store holds in numbers: `GET /analytics/…`, and the same at the root."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from tams.api.extension_deps import ExtensionServicesDep
from tams.api.query import Query
from tams.domain.analytics import AnalyticsQuery
from tams.domain.sources import ContentFormat
from tams.errors import Invalid
from tams.extensions.base import Extension
from tams.wire import analytics as wire

router = APIRouter(tags=["Extension: analytics"])

_FILTERS = ("start_time", "end_time", "source_id", "format", "flow_id", "storage_backend_id")
# A plus that was not encoded is a space by now.
_OFFSET = re.compile(r" (?=\d{2}:?\d{2}$)")


@router.get("/analytics/flow-usage")
@router.get("/flow-usage")
async def get_flow_usage(request: Request, services: ExtensionServicesDep) -> Response:
    """How many Flows there are of each kind, and what they hold."""
    query = _query(request, unknown=("storage_backend_id",))
    analytics = services.analytics
    return await _answer(request, wire.flow_usage(analytics.usage(), analytics.flows(query)))


@router.get("/analytics/storage-usage")
@router.get("/storage-usage")
async def get_storage_usage(request: Request, services: ExtensionServicesDep) -> Response:
    """How many Objects there are, how large they are, and how often they are read."""
    found = await services.analytics.storage(_query(request))
    return await _answer(request, wire.in_turn(wire.storage_usage(found)))


@router.get("/analytics/time-range-analysis")
@router.get("/time-range-analysis")
async def get_time_range_analysis(request: Request, services: ExtensionServicesDep) -> Response:
    """How many Segments there are, how long they are, and where they lie."""
    query = _query(request, unknown=("storage_backend_id",))
    found = await services.analytics.time_ranges(query)
    return await _answer(request, wire.in_turn(wire.time_range_analysis(found)))


@router.get("/analytics/catalog-summary")
async def get_catalog_summary(request: Request, services: ExtensionServicesDep) -> Response:
    """How many there are of each noun."""
    _query(request, unknown=_FILTERS)
    numbers = await services.analytics.summary()
    return await _answer(request, wire.in_turn(wire.catalog_summary(numbers)))


async def _answer(request: Request, facts: AsyncIterator[wire.Fact]) -> Response:
    as_csv = wants_csv(request.headers.get("accept", ""))
    parts = wire.csv_parts(facts) if as_csv else wire.json_parts(facts)
    media_type = "text/csv; header=present" if as_csv else "application/json"
    return StreamingResponse(parts, media_type=media_type, headers={"Vary": "Accept"})


def wants_csv(accept: str) -> bool:
    """Whether CSV is rather accepted than JSON (RFC 9110, section 12.5.1)."""
    weights = dict(_weight(each) for each in accept.lower().split(","))
    csv, json = (
        max(weights.get(name, 0) for name in names)
        for names in (("text/csv", "text/*"), ("application/json", "application/*", "*/*"))
    )
    return csv > json


def _weight(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.split(";"))
    for each in parameters:
        if re.fullmatch(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)", each):
            return name, float(each[2:])
    return name, 1.0


def _query(request: Request, unknown: tuple[str, ...] = ()) -> AnalyticsQuery:
    given = Query(request.scope["query_string"])
    for name in unknown:
        if (text := given.text(name)) is not None:
            known = ", ".join(each for each in _FILTERS if each not in unknown) or "none"
            raise Invalid(name, text, f"it is no filter of this; there are: {known}")
    query = AnalyticsQuery(
        start=_moment(given, "start_time"),
        end=_moment(given, "end_time"),
        source_id=given.uuid("source_id"),
        format=given.choice("format", ContentFormat),
        flow_id=given.uuid("flow_id"),
        storage_id=given.uuid("storage_backend_id"),
    )
    if query.start is not None and query.end is not None and query.end < query.start:
        raise Invalid("end_time", given.text("end_time"), "it must not be before start_time")
    return query


def _moment(query: Query, name: str) -> datetime | None:
    """A time of day, in UTC unless it says otherwise."""
    text = query.text(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(_OFFSET.sub("+", text))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        rule = "it must be a time by ISO 8601, such as 2026-03-01T12:00:00Z"
        raise Invalid(name, text, rule) from None
    return found


EXTENSION = Extension(name="analytics", router=router)
