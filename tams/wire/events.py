"""Events as webhooks receive them (TAMS 8.2, section `webhooks` of the document)."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json, to_json

from tams.domain.events import Event, PublishedEvent
from tams.domain.storage import Signer
from tams.domain.webhooks import WebhookMetadata
from tams.wire.flows import flow_fields
from tams.wire.segments import segments_json
from tams.wire.sources import source_fields
from tams.wire.values import timestamp_text
from tams.wire.versions import of_dialect

EVENT_ID = "X-TAMS-Event-Id"
"""The header that tells an event from all others, the same each time that it is sent."""


def event_json(published: PublishedEvent, webhook: WebhookMetadata, signer: Signer) -> bytes:
    """The body that a webhook is sent, in its dialect; Segments as GET shows them with its options.

    Webhooks of the root are sent it as it is printed.
    """
    body = _body(published, webhook, signer)
    spoken = of_dialect(webhook.dialect)
    return body if spoken is None else to_json(spoken.event(from_json(body)))


def _body(published: PublishedEvent, webhook: WebhookMetadata, signer: Signer) -> bytes:
    event = published.event
    head = {"event_timestamp": timestamp_text(published.occurred), "event_type": event.type}
    if event.type == "flows/segments_added":
        facts = _segments(event, webhook, signer)
    else:
        facts = json.dumps(_facts(event)).encode()
    return json.dumps(head).encode().removesuffix(b"}") + b', "event": ' + facts + b"}"


def _segments(event: Event, webhook: WebhookMetadata, signer: Signer) -> bytes:
    segments = segments_json(
        event.segments,
        signer,
        verbose=webhook.verbose_storage is True,
        with_object=webhook.include_object_timerange is True,
    )
    return b'{"flow_id": "%s", "segments": %s}' % (event.entity_id.encode(), segments)


def _facts(event: Event) -> dict[str, Any]:
    if event.flow is not None:
        return {"flow": flow_fields(event.flow)}
    if event.type == "flows/segments_deleted":
        return {"flow_id": event.entity_id, "timerange": str(event.timerange)}
    if event.type == "flows/deleted":
        return {"flow_id": event.entity_id}
    if event.type == "sources/deleted" or event.source is None:
        return {"source_id": event.entity_id}
    return {"source": source_fields(event.source)}
