"""Webhooks to and from JSON (TAMS 8.2 `webhook-post`, `webhook-put`, `webhook-get`)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Required

from pydantic import AfterValidator, TypeAdapter
from pydantic_core import from_json
from typing_extensions import TypedDict

from tams.domain.events import AnyEventType, EventType
from tams.domain.patterns import UUID, check_uuid
from tams.domain.webhooks import (
    AskedStatus,
    Webhook,
    WebhookMetadata,
    WebhookRequest,
)
from tams.errors import Invalid
from tams.wire.error_reports import report_fields
from tams.wire.values import Text, parse, present

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]*")
_OURS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-tams-event-id",
    }
)
"""Headers that make the request what it is, so no key may take their place."""


def _id(text: str) -> str:
    if UUID.fullmatch(text) is None:
        raise ValueError("each must be a lower-case UUID of version 1 to 5")
    return text


def _header_name(text: str) -> str:
    if _TOKEN.fullmatch(text) is None or text.lower() in _OURS:
        raise ValueError("it must be the name of a header that the server does not set itself")
    return text


def _header_value(text: str) -> str:
    if _PRINTABLE.fullmatch(text) is None:
        raise ValueError("it must not hold control characters")
    return text


Ids = tuple[Annotated[str, AfterValidator(_id)], ...]


class _Body(TypedDict, total=False):
    url: Required[Text]
    api_key_name: Annotated[str, AfterValidator(_header_name)]
    api_key_value: Annotated[str, AfterValidator(_header_value)]
    flow_ids: Ids
    source_ids: Ids
    flow_collected_by_ids: Ids
    source_collected_by_ids: Ids
    accept_get_urls: tuple[Text, ...]
    accept_storage_ids: Ids
    presigned: bool
    verbose_storage: bool
    include_object_timerange: bool
    tags: dict[Text, TagText]
    status: AskedStatus
    id: str
    error: Any
    """Of a webhook as it was read; the server alone sets it."""


class WebhookBody(_Body):
    """A webhook as clients write it."""

    events: tuple[EventType, ...]


class ExtendedWebhookBody(_Body):
    """The same with events beside the standard's."""

    events: tuple[AnyEventType, ...]


TagText = Text | tuple[Text, ...]

_BODY: TypeAdapter[WebhookBody] = TypeAdapter(WebhookBody)
_EXTENDED: TypeAdapter[ExtendedWebhookBody] = TypeAdapter(ExtendedWebhookBody)


def parse_webhook_post(body: bytes, *, every_type: bool) -> WebhookRequest:
    """Read the body of POST /service/webhooks; raises `Invalid`.

    Without `every_type` there are no events but the standard's.
    """
    return _request(_parse(body, every_type=every_type))


def parse_webhook_put(body: bytes, webhook_id: str, *, every_type: bool) -> WebhookRequest:
    """Read the body of PUT /service/webhooks/{webhookId} in the same way; raises `Invalid`."""
    document = _parse(body, every_type=every_type)
    for name in ("id", "status"):
        if name not in document:
            raise Invalid(name, None, "it must be given")
    if check_uuid("id", document["id"]) != webhook_id:
        raise Invalid("id", document["id"], "it must be the id in the path")
    return _request(document)


def _parse(body: bytes, *, every_type: bool) -> WebhookBody | ExtendedWebhookBody:
    document: WebhookBody | ExtendedWebhookBody
    try:
        document = parse(_EXTENDED, body) if every_type else parse(_BODY, body)
    except Invalid as refusal:
        if refusal.field == "api_key_value":
            raise Invalid(refusal.field, "…", refusal.rule) from None  # it is a secret
        raise
    for name in from_json(body):
        if name not in WebhookBody.__annotations__:
            # Else it might be a filter, and all that it was to keep out would be sent.
            rule = "it must hold no filter or option but those of the standard"
            raise Invalid("body", name, rule)
    return document


def _request(document: WebhookBody | ExtendedWebhookBody) -> WebhookRequest:
    rest: dict[str, Any] = {**document}
    for name in ("id", "error"):
        rest.pop(name, None)
    asked = {name: rest.pop(name) for name in ("status", "api_key_value") if name in rest}
    return WebhookRequest(metadata=WebhookMetadata(**rest), **asked)


def webhook_fields(webhook: Webhook) -> dict[str, Any]:
    """The properties that are set, but for the secret (statement 268)."""
    metadata: dict[str, Any] = _METADATA.dump_python(
        webhook, mode="json", exclude_none=True, exclude={"dialect"}
    )
    if not metadata["tags"]:
        del metadata["tags"]
    error = webhook.error and report_fields(webhook.error)
    return metadata | present({"id": webhook.id, "status": webhook.status, "error": error})


_METADATA = TypeAdapter(WebhookMetadata)


def webhook_json(webhook: Webhook) -> bytes:
    """The body of GET /service/webhooks/{webhookId}."""
    return json.dumps(webhook_fields(webhook)).encode()


def webhooks_json(webhooks: Sequence[Webhook]) -> bytes:
    """The body of GET /service/webhooks."""
    return json.dumps([webhook_fields(webhook) for webhook in webhooks]).encode()
