"""Webhooks, in a row each; a claim moves `due` to the end of its lease and counts `claims`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import (
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from tams.catalogue.promises.webhooks import Webhooks
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.error_reports import error_report, report_text
from tams.catalogue.sql.listing import Filters, Listing
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import event, log, webhook
from tams.catalogue.sql.tags import WEBHOOK_TAGS, filter_tags
from tams.domain.error_reports import ErrorReport
from tams.domain.pages import Page, PageRequest
from tams.domain.records import values_of
from tams.domain.tags import TagFilter, Tags
from tams.domain.webhooks import (
    ClaimedWebhook,
    Progress,
    Webhook,
    WebhookMetadata,
    WebhookStatus,
)


class WebhookRow(NamedTuple):
    """The columns that make a webhook, in the order in which they are read."""

    pk: int
    id: str
    url: str
    api_key_name: str | None
    api_key_value: str | None
    status: str
    error: str | None
    document: str
    created_by: str | None
    created: int

    @property
    def label(self) -> str:
        """What it is listed by."""
        return self.url


_PROGRESS = ("claims", "position", "failures", "failing_since")
_COLUMNS = [webhook.c[name] for name in WebhookRow._fields]
_CHANGED = ("url", "api_key_name", "api_key_value", "status", "error", "document", "created_by")

_end = select(log.c.published).scalar_subquery()
_oldest = select(func.min(event.c.number)).scalar_subquery()
_kept = func.coalesce(_oldest - 1, _end)  # the number before the oldest event that is left

_GET = select(*_COLUMNS).where(webhook.c.id == bindparam("webhook_id"))
_LOCK = _GET.with_for_update()
_LOCK_ALL = (
    select(*_COLUMNS)
    .where(webhook.c.url == bindparam("url"))
    .order_by(webhook.c.pk)
    .with_for_update()
)
_ADD = (
    insert(webhook)
    .values(
        {name: bindparam(name) for name in (*_CHANGED, "id", "created", "due")}
        | {"position": _end, "failures": 0, "claims": 0}
    )
    .returning(webhook.c.pk)
)
_CHANGE = {
    **{name: bindparam(name) for name in _CHANGED},
    "due": bindparam("due"),
    "failures": 0,
    "failing_since": None,
    "claims": webhook.c.claims + 1,
}
_BY_ID = webhook.c.id == bindparam("webhook_id")
_REPLACE = (
    update(webhook)
    .where(_BY_ID)
    .values(
        _CHANGE | {"position": case((webhook.c.position < _kept, _kept), else_=webhook.c.position)}
    )
    .returning(webhook.c.pk)
)
_REPLACE_FROM_NOW = (
    update(webhook).where(_BY_ID).values(_CHANGE | {"position": _end}).returning(webhook.c.pk)
)
_REMOVE = delete(webhook).where(_BY_ID).returning(webhook.c.pk)
_NEXT = (
    select(webhook.c.pk)
    .where(
        webhook.c.due <= bindparam("now"),
        or_(
            webhook.c.status == "created",
            and_(webhook.c.status == "started", webhook.c.position < _end),
        ),
    )
    .order_by(webhook.c.due, webhook.c.pk)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(webhook)
    .where(webhook.c.pk == bindparam("webhook"))
    .values(due=bindparam("lease_until"), claims=webhook.c.claims + 1, status="started")
    .returning(*_COLUMNS, *(webhook.c[name] for name in _PROGRESS))
)
_SETTLE = (
    update(webhook)
    .where(
        webhook.c.pk == bindparam("webhook"),
        webhook.c.claims == bindparam("claim"),
        webhook.c.status == "started",
    )
    .values(
        position=bindparam("reached"),
        due=bindparam("later"),
        failures=bindparam("failed"),
        failing_since=bindparam("since"),
        status=bindparam("new_status"),
        error=bindparam("reason"),
    )
    .returning(webhook.c.pk)
)

_WEBHOOKS = Listing(
    table=webhook,
    columns=WebhookRow._fields,
    make=WebhookRow._make,
    label="url",
    clauses=WEBHOOK_TAGS.clauses(webhook.c.pk),
)


class SQLWebhooks(Webhooks):
    """Rows, with rows for their tags."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, webhook_id: str) -> Webhook | None:
        return await self._one(_GET, webhook_id)

    async def lock(self, webhook_id: str) -> Webhook | None:
        return await self._one(_LOCK, webhook_id)

    async def lock_all_at(self, url: str) -> Sequence[Webhook]:
        rows = await self._connection.fetch(_LOCK_ALL, {"url": url})
        return await self._whole([WebhookRow._make(row) for row in rows])

    async def add(self, webhook: Webhook) -> None:
        created = microseconds(webhook.created)
        values = _values(webhook) | {"id": webhook.id, "created": created, "due": created}
        [(pk,)] = await self._connection.fetch(_ADD, values)
        await WEBHOOK_TAGS.add(self._connection, pk, webhook.tags)

    async def replace(self, webhook: Webhook, *, from_now: bool) -> None:
        values = _values(webhook) | {"webhook_id": webhook.id, "due": 0}
        statement = _REPLACE_FROM_NOW if from_now else _REPLACE
        [(pk,)] = await self._connection.fetch(statement, values)
        await WEBHOOK_TAGS.remove(self._connection, pk)
        await WEBHOOK_TAGS.add(self._connection, pk, webhook.tags)

    async def remove(self, webhook_id: str) -> bool:
        return bool(await self._connection.fetch(_REMOVE, {"webhook_id": webhook_id}))

    async def list(self, tags: TagFilter, page: PageRequest) -> Page[Webhook]:
        filters = Filters()
        filter_tags(filters, tags)
        found = await _WEBHOOKS.page(self._connection, filters, replace(page, sort="label"))
        return Page(await self._whole(found.items), found.next_key)

    async def count(self, tags: TagFilter) -> int:
        filters = Filters()
        filter_tags(filters, tags)
        return await _WEBHOOKS.count(self._connection, filters)

    async def claim(self, now: datetime, lease_until: datetime) -> ClaimedWebhook | None:
        found = await self._connection.fetch(_NEXT, {"now": microseconds(now)})
        if not found:
            return None
        values = {"webhook": found[0][0], "lease_until": microseconds(lease_until)}
        [row] = await self._connection.fetch(_CLAIM, values)
        claim, position, failures, failing_since = row[len(WebhookRow._fields) :]
        claimed = WebhookRow._make(row[: len(WebhookRow._fields)])
        [webhook] = await self._whole([claimed])
        return ClaimedWebhook(
            key=claimed.pk,
            claim=claim,
            webhook=webhook,
            progress=Progress(
                position=position,
                due=lease_until,
                failures=failures,
                failing_since=None if failing_since is None else moment(failing_since),
            ),
        )

    async def settle(
        self, claimed: ClaimedWebhook, progress: Progress, error: ErrorReport | None = None
    ) -> bool:
        since = progress.failing_since
        values = {
            "webhook": claimed.key,
            "claim": claimed.claim,
            "reached": progress.position,
            "later": microseconds(progress.due),
            "failed": progress.failures,
            "since": None if since is None else microseconds(since),
            "new_status": "started" if error is None else "error",
            "reason": report_text(error),
        }
        return bool(await self._connection.fetch(_SETTLE, values))

    async def _one(self, statement: Any, webhook_id: str) -> Webhook | None:  # noqa: ANN401 - SQLAlchemy's
        rows = await self._connection.fetch(statement, {"webhook_id": webhook_id})
        found = await self._whole([WebhookRow._make(row) for row in rows])
        return found[0] if found else None

    async def _whole(self, rows: Sequence[WebhookRow]) -> Sequence[Webhook]:
        if not rows:
            return []
        tags = await WEBHOOK_TAGS.load(self._connection, [row.pk for row in rows])
        return [_webhook(row, tags[row.pk]) for row in rows]


@cache
def _documents() -> TypeAdapter[WebhookMetadata]:
    return TypeAdapter(WebhookMetadata)


@cache
def _statuses() -> TypeAdapter[WebhookStatus]:
    return TypeAdapter(WebhookStatus)


def _webhook(row: WebhookRow, tags: Tags) -> Webhook:
    known = {"url": row.url, "api_key_name": row.api_key_name, "tags": tags}
    metadata = _documents().validate_python({**from_json(row.document), **known})
    return Webhook(
        **values_of(WebhookMetadata, metadata),
        id=row.id,
        api_key_value=row.api_key_value,
        status=_statuses().validate_python(row.status),
        error=error_report(row.error),
        created_by=row.created_by,
        created=moment(row.created),
    )


def _values(webhook: Webhook) -> dict[str, Any]:
    names = ("url", "api_key_name", "api_key_value", "status", "created_by")
    values = {name: getattr(webhook, name) for name in names}
    return values | {"error": report_text(webhook.error), "document": _document(webhook)}


def _document(webhook: Webhook) -> str:
    exclude = {"url", "api_key_name", "tags"}
    return _documents().dump_json(webhook, exclude=exclude, exclude_none=True).decode()
