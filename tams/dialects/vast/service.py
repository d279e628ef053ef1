"""What the service says of itself."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import Services, ServicesDep
from tams.wire.service import service_json

router = APIRouter()

_STORE = {"type": "http_object_store"}


@router.get("/")
async def get_root(services: ServicesDep) -> Response:
    """What this service is, at the root already."""
    return json_response(json.dumps(await _described(services)).encode())


@router.get("/service")
async def get_service(services: ServicesDep) -> Response:
    """What this service is and promises."""
    return json_response(json.dumps(await _described(services)).encode())


async def _described(services: Services) -> dict[str, Any]:
    service = services.service
    document: dict[str, Any] = json.loads(service_json(await service.describe(), service.promises))
    return {"name": None, "description": None, **document, "media_store": _STORE}
