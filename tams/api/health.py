"""`/health`: whether the process lives, and whether it can serve."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from tams import __version__
from tams.api.bodies import json_response
from tams.api.deps import ServicesDep
from tams.api.errors import get_methods
from tams.services.health import Dependency, Vitals
from tams.wire.values import present, timestamp_text

router = APIRouter(tags=["Health"])


@router.get("/health")
async def get_health(services: ServicesDep) -> Response:
    """Each dependency with its state and latency, and this process; 503 unless all are up."""
    dependencies = await services.health.check()
    healthy = _are_up(dependencies)
    body = {
        "status": "healthy" if healthy else "unhealthy",
        "timestamp": timestamp_text(datetime.now(UTC)),
        "version": __version__,
        "live": True,
        "ready": healthy,
        "dependencies": {
            one.name: {**_state(one), "latency_ms": round(1000 * one.latency, 3)}
            for one in dependencies
        },
        "system": _system(services.health.vitals()),
    }
    return _answer(body, healthy=healthy)


router.add_api_route("/health", get_methods, methods=["OPTIONS"])


@router.get("/health/ready")
async def get_ready(services: ServicesDep) -> Response:
    """Each dependency with its state; 503 unless all of them are up."""
    dependencies = await services.health.check()
    ready = _are_up(dependencies)
    body = {
        "status": "ready" if ready else "not ready",
        "live": True,
        "ready": ready,
        "dependencies": {one.name: _state(one) for one in dependencies},
    }
    return _answer(body, healthy=ready)


@router.get("/health/live")
async def get_live() -> Response:
    """That the process answers at all."""
    return json_response(b'{"status": "live", "live": true}')


def _are_up(dependencies: Sequence[Dependency]) -> bool:
    return all(one.trouble is None for one in dependencies)


def _state(dependency: Dependency) -> dict[str, Any]:
    if dependency.trouble is None:
        return {"state": "up"}
    return {"state": "down", "detail": dependency.trouble}


def _system(vitals: Vitals) -> dict[str, Any]:
    return present(
        {
            "uptime_seconds": round(vitals.uptime, 3),
            "memory_usage_bytes": vitals.memory,
            "memory_total_bytes": vitals.memory_total,
            "cpu_seconds": round(vitals.cpu_time, 3),
            "cpu_percent": round(100 * vitals.cpu_time / max(vitals.uptime, 0.001), 2),
        }
    )


def _answer(body: dict[str, Any], *, healthy: bool) -> Response:
    return json_response(json.dumps(body).encode(), 200 if healthy else 503)
