"""From an error's class to a status, and the one body that every error has."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from tams import errors

_log = structlog.get_logger(__name__)

STATUS: dict[type[errors.TamsError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.MediaRefused: 403,
    errors.Conflict: 409,
    errors.TooSlow: 408,
    errors.Expired: 410,
    errors.TooLarge: 413,
    errors.Unsatisfiable: 416,
    errors.Busy: 503,
    errors.OutcomeUnknown: 503,
    errors.StorageFailed: 503,
}


def status_of(error: errors.TamsError) -> int:
    """The status of an error, by the nearest class that has one."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def error_body(kind: str, summary: str) -> dict[str, str]:
    """The standard's `error`, with `detail` and `message` beside it for existing clients."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": kind, "summary": summary, "time": time, "detail": summary, "message": summary}


def error_response(
    status: int, kind: str, summary: str, headers: dict[str, str] | None = None
) -> Response:
    """An answer that says what happened, to what, and what to do."""
    body = json.dumps(error_body(kind, summary)).encode()
    return Response(body, status, headers, media_type="application/json")


def install(app: FastAPI) -> None:
    """Answer every error with that body; no stack trace ever leaves the server."""
    app.add_exception_handler(errors.TamsError, _on_tams_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)


async def _on_tams_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.TamsError):
        raise error
    return refusal(error, request.scope["path"])


def refusal(error: errors.TamsError, path: str) -> Response:
    """The answer to a request on `path` that met an error of ours."""
    status = status_of(error)
    headers = {}
    if status == 503:
        headers["Retry-After"] = "1"
    if status == 408:
        headers["Connection"] = "close"  # the rest of the body is not waited for
    if isinstance(error, errors.Unsatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if status >= 500:
        _log.error("request failed", path=path, error=str(error))
    return error_response(status, type(error).__name__, str(error), headers)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.scope["path"]
    summary = error.detail
    kind = "HTTPError"
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return unknown_path(path, headers)
    if error.status_code == 405:
        kind = "MethodNotAllowed"
        summary = f"{request.method} is not possible on {path}"
        headers["Allow"] = ", ".join(sorted(allowed_methods(request)))
    return error_response(error.status_code, kind, summary, headers)


def unknown_path(path: str, headers: dict[str, str] | None = None) -> Response:
    """404 for a path that leads nowhere."""
    summary = f"{path} is no path of this API; ids are lower-case UUIDs of version 1 to 5"
    return error_response(404, "NotFound", summary, headers)


def allowed_methods(request: Request) -> set[str]:
    """Every method of a path; the framework knows those of one of its routes alone."""
    path = request.scope["path"]
    routes = iter_route_contexts(request.app.routes)
    found = {method for one in routes if one.path_regex.match(path) for method in one.methods or ()}
    return found | {"HEAD"} if "GET" in found else found


async def get_methods(request: Request) -> Response:
    """What may be asked of a path, also by those who do not say that they are a browser."""
    return Response(None, 200, {"Allow": ", ".join(sorted(allowed_methods(request)))})


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error("unexpected error", path=request.url.path, exc_info=error)
    return error_response(500, "InternalError", "the server failed; its log says why")
