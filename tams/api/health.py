"""`/health`: whether the process lives, and whether it can serve."""

from __future__ import annotations

import json

from fastapi import APIRouter
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import ServicesDep

router = APIRouter(tags=["Health"])


@router.get("/health")
@router.get("/health/ready")
async def get_health(services: ServicesDep) -> Response:
    """Each dependency with its state; 503 unless all of them are up."""
    dependencies = await services.health.check()
    ready = all(dependency.trouble is None for dependency in dependencies)
    body = {
        "status": "ready" if ready else "not ready",
        "live": True,
        "ready": ready,
        "dependencies": {
            dependency.name: {"state": "up"}
            if dependency.trouble is None
            else {"state": "down", "detail": dependency.trouble}
            for dependency in dependencies
        },
    }
    return json_response(json.dumps(body).encode(), 200 if ready else 503)


@router.get("/health/live")
async def get_live() -> Response:
    """That the process answers at all."""
    return json_response(b'{"status": "live", "live": true}')
