"""The service document and its update (TAMS 8.2 `service`, `service-post`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from tams.domain.service import ServiceDescription, ServicePromises
from tams.domain.storage import StorageBackend
from tams.domain.timerange import SECOND, format_timestamp
from tams.wire.values import Text, parse, present

API_VERSION = "8.2"


class ServicePost(TypedDict, total=False):
    """What clients may change; a field left out keeps its value."""

    name: Text
    description: Text


_SERVICE_POST: TypeAdapter[ServicePost] = TypeAdapter(ServicePost)


def parse_service_post(body: bytes) -> ServicePost:
    """Read the body of POST /service; raises `Invalid`."""
    return parse(_SERVICE_POST, body)


def service_json(description: ServiceDescription, promises: ServicePromises) -> bytes:
    """The body of GET /service."""
    document = present(
        {
            "type": "urn:x-tams:service:tams-server",
            "api_version": API_VERSION,
            "service_version": promises.version,
            "name": description.name,
            "description": description.description,
            "min_object_timeout": format_timestamp(promises.min_object_timeout * SECOND),
            "min_presigned_url_timeout": format_timestamp(
                promises.min_presigned_url_timeout * SECOND
            ),
            "event_stream_mechanisms": [
                {"name": "webhooks"},
                *(
                    {"name": name, "config": {"path": path}}
                    for name, path in promises.event_streams
                ),
            ],
            "extensions": list(promises.extensions) or None,
        }
    )
    return json.dumps(document).encode()


def storage_backend_fields(backend: StorageBackend) -> dict[str, Any]:
    """What the standard's `storage-backend` holds."""
    return present(
        {
            "store_type": backend.store_type,
            "provider": backend.provider,
            "region": backend.region,
            "availability_zone": backend.availability_zone,
            "store_product": backend.store_product,
            "tags": dict(backend.tags) or None,
        }
    )


def storage_backends_json(backends: Sequence[StorageBackend]) -> bytes:
    """The body of GET /service/storage-backends."""
    return json.dumps(
        [
            present({"id": backend.id, "label": backend.label})
            | ({"default_storage": True} if backend.default_storage else {})
            | storage_backend_fields(backend)
            for backend in backends
        ]
    ).encode()
