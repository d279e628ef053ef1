"""`POST /token`: a token for a client that shows its id and secret (RFC 6749, section 4.4)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.auth import name_and_password
from tams.api.bodies import json_response, read_body
from tams.api.deps import ServicesDep
from tams.api.errors import error_body
from tams.errors import Invalid, NotFound, Unauthenticated

router = APIRouter(tags=["Token"])

_FORM = "application/x-www-form-urlencoded"
_MOST = 64 * 1024
"""Bytes of a form that anybody may send."""
_UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.post("/token")
async def post_token(request: Request, services: ServicesDep) -> Response:
    """Give a client a token; errors are those of RFC 6749, section 5.2, and of this API at once."""
    authentication = services.authentication
    if authentication is None or not authentication.makes_tokens:
        raise NotFound("token to be had at", "/token; see TAMS_JWT_SECRET and TAMS_CREDENTIALS")
    try:
        form = _form(request.headers.get("content-type", ""), await read_body(request, _MOST))
        if form.get("grant_type") != "client_credentials":
            summary = "grant_type: it must be client_credentials"
            return _refused(400, "unsupported_grant_type", summary)
        client, secret = _client(request.headers.get("authorization"), form)
        asked = form["scope"].split() if form.get("scope") else None
        issued = await authentication.issue(client, secret, asked)
    except Invalid as error:
        code = "invalid_scope" if error.field == "scope" else "invalid_request"
        return _refused(400, code, str(error))
    except Unauthenticated as error:
        return _refused(401, "invalid_client", str(error))
    answer = {
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": int(issued.lifetime.total_seconds()),
        "scope": " ".join(sorted(issued.scopes)),
    }
    return json_response(json.dumps(answer).encode(), headers=_UNSTORED)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form; raises `Invalid`, which never repeats a value that may be secret."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise Invalid("Content-Type", content_type, f"it must be {_FORM}")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise Invalid("body", "bytes", "it must be a form in UTF-8") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise Invalid("body", sorted(form), "it must name each field once")
    return form


def _client(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """The client's id and secret, from the header if there is one, else from the form."""
    if authorization is None:
        if "client_id" in form and "client_secret" in form:
            return form["client_id"], form["client_secret"]
        raise Unauthenticated("credentials: client_id and client_secret are missing")
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("credentials: a client shows itself by Basic or in the form")
    return name_and_password(given)


def _refused(status: int, code: str, summary: str) -> Response:
    body = {**error_body(code, summary), "error": code, "error_description": summary}
    challenge = {"WWW-Authenticate": 'Basic realm="tams"'} if status == 401 else {}
    return json_response(json.dumps(body).encode(), status, _UNSTORED | challenge)
