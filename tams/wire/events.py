"""Events as webhooks receive them (TAMS 8.2, section `webhooks` of the document), and streams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from tams.domain.event_filters import EventFilter
from tams.domain.events import Event, Place, PublishedEvent
from tams.domain.objects import Instance, Object
from tams.domain.storage import Signer
from tams.domain.webhooks import WebhookMetadata
from tams.wire.flows import flow_fields
from tams.wire.named_collections import named_collection_fields
from tams.wire.objects import object_json
from tams.wire.segments import segments_json
from tams.wire.sources import source_fields
from tams.wire.values import timestamp_text
from tams.wire.versions import of_dialect

EVENT_ID = "X-TAMS-Event-Id"
"""The header that tells an event from all others, the same each time that it is sent."""


def webhook_event_json(
    published: PublishedEvent, webhook: WebhookMetadata, signer: Signer
) -> bytes:
    """The body that a webhook is sent, in its dialect; those of the root are sent it as printed."""
    body = event_json(published, webhook, signer)
    spoken = of_dialect(webhook.dialect)
    return body if spoken is None else to_json(spoken.event(from_json(body)))


def event_json(published: PublishedEvent, options: EventFilter, signer: Signer) -> bytes:
    """What is told of an event; Segments as GET shows them with these options."""
    event = published.event
    head = {"event_timestamp": timestamp_text(published.occurred), "event_type": event.type}
    if event.type == "flows/segments_added":
        facts = _segments(event, options, signer)
    elif event.type == "objects/created":
        facts = b'{"object": %s}' % _object(event, options, signer)
    else:
        facts = json.dumps(_facts(event)).encode()
    return json.dumps(head).encode().removesuffix(b"}") + b', "event": ' + facts + b"}"


def identified_json(published: PublishedEvent, options: EventFilter, signer: Signer) -> bytes:
    """The same with its id, as a line of a history or a message of a stream."""
    return b'{"event_id": "%s", ' % published.id.encode() + event_json(
        published, options, signer
    ).removeprefix(b"{")


def identified_events_json(
    published: Sequence[PublishedEvent], options: EventFilter, signer: Signer
) -> bytes:
    """The body of GET /events."""
    return b"[%s]" % b", ".join(identified_json(one, options, signer) for one in published)


def expired_json(place: Place, summary: str, at: datetime) -> bytes:
    """What a stream says where it cannot go on from the place that its client knew."""
    facts = {"last_event_id": str(place), "summary": summary}
    head = {"event_timestamp": timestamp_text(at), "event_type": "expired", "event": facts}
    return json.dumps(head).encode()


def as_server_sent(published: PublishedEvent, options: EventFilter, signer: Signer) -> bytes:
    """An event as a stream of Server-Sent Events has it (WHATWG HTML, section 9.2)."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        published.id.encode(),
        published.event.type.encode(),
        identified_json(published, options, signer),
    )


def _segments(event: Event, options: EventFilter, signer: Signer) -> bytes:
    segments = segments_json(
        event.segments,
        signer,
        verbose=options.verbose_storage is True,
        with_object=options.include_object_timerange is True,
    )
    return b'{"flow_id": "%s", "segments": %s}' % (event.entity_id.encode(), segments)


def _object(event: Event, options: EventFilter, signer: Signer) -> bytes:
    """An Object as GET showed it when its first Segment was registered."""
    [segment] = event.segments
    init = segment.init_object
    flow_id = event.of_flow or ""
    if init is not None and init.object_id == event.entity_id:
        own = () if init.key is None else (Instance(init.storage_id, init.key),)
        found = Object(
            id=init.object_id,
            timerange=None,
            key_frame_count=None,
            first_referenced_by_flow=flow_id,
            instances=(*own, *(init.others or ())),
        )
    else:
        found = Object(
            id=segment.object_id,
            timerange=segment.object_timerange,
            key_frame_count=segment.key_frame_count,
            first_referenced_by_flow=flow_id,
            instances=segment.instances,
            init_object=init,
        )
    verbose = options.verbose_storage is True
    return object_json(found, [flow_id], signer, verbose=verbose)


def _facts(event: Event) -> dict[str, Any]:
    kind, _, change = event.type.partition("/")
    if kind == "objects":
        return {"object_id": event.entity_id, "flow_id": event.of_flow}
    if event.collection is not None:
        return {"collection": named_collection_fields(event.collection)}
    if event.flow is not None:
        return {"flow": flow_fields(event.flow)}
    if change == "segments_deleted":
        return {"flow_id": event.entity_id, "timerange": str(event.timerange)}
    if change == "deleted" or event.source is None:
        return {f"{kind.removesuffix('s')}_id": event.entity_id}
    return {"source": source_fields(event.source)}
