"""`POST /token` by RFC 6749: what a client gets, and what it is told when it gets nothing."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tams.conformance.server import Server
from tests.authority import (
    AUDIENCE,
    CLIENT_SECRET,
    ISSUER,
    PASSWORD,
    SECRET,
    WORDS,
    bearer,
    guarding,
    guards,
)
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def guarded(tmp_path_factory):
    async with guarding(tmp_path_factory.mktemp("guarded")) as server:
        yield replace(server, headers={})


async def ask(server, form, *, client=None, content_type=FORM):
    """POST a form, with Basic if a client is given."""
    headers = {"Content-Type": content_type}
    if client is not None:
        pair = base64.b64encode(":".join(client).encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    content = form if isinstance(form, bytes) else urlencode(form).encode()
    return await server.post("/token", content=content, headers=headers)


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


@pytest.mark.parametrize("word", WORDS)
async def test_a_client_gets_a_token_that_is_good(guarded, word):
    ways = (
        {"form": GRANT, "client": (word, CLIENT_SECRET)},
        {"form": {**GRANT, "client_id": word, "client_secret": CLIENT_SECRET}},
        {"form": {**GRANT, "scope": WORDS[word]}, "client": (word, CLIENT_SECRET)},
        {"form": {**GRANT, "scope": ""}, "client": (word, CLIENT_SECRET)},
    )
    for way in ways:
        answer = (await ask(guarded, **way)).is_status(200)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"
        given = answer.json
        token = given.pop("access_token")
        assert given == {"token_type": "Bearer", "expires_in": 3600, "scope": WORDS[word]}
        found = claims_of(token)
        assert (found["iss"], found["sub"], found["aud"]) == (ISSUER, word, "another")
        assert 3590 < found["exp"] - time.time() <= 3600
        server = replace(guarded, headers=bearer(token))
        (await server.get("/service")).is_status(200)
        (await server.get("/flows")).is_status(200 if word in ("admin", "read") else 403)
    assert AUDIENCE != "another"


async def test_an_admin_may_ask_for_less(guarded):
    form = {**GRANT, "scope": "tams-api/read tams-api/delete"}
    answer = (await ask(guarded, form, client=("admin", CLIENT_SECRET))).is_status(200)
    assert answer.json["scope"] == "tams-api/delete tams-api/read"
    server = replace(guarded, headers=bearer(answer.json["access_token"]))
    (await server.post("/service", {})).is_status(403)


@pytest.mark.parametrize(
    ("form", "client"),
    [
        (GRANT, None),
        (GRANT, ("admin", "wrong")),
        (GRANT, ("admin", "")),
        (GRANT, ("nobody", CLIENT_SECRET)),
        (GRANT, ("admin", PASSWORD)),
        ({**GRANT, "client_id": "admin"}, None),
        ({**GRANT, "client_secret": CLIENT_SECRET}, None),
        ({**GRANT, "client_id": "admin", "client_secret": "wrong"}, None),
        ({**GRANT, "client_id": "admin", "client_secret": CLIENT_SECRET}, ("admin", "wrong")),
    ],
)
async def test_whoever_is_no_client_gets_401(guarded, form, client):
    answer = (await ask(guarded, form, client=client)).is_status(401)
    assert answer.json["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert CLIENT_SECRET not in answer.body.decode()


@pytest.mark.parametrize("header", ["Basic", "Basic x", "Basic YQ==", "Bearer abc", "x"])
async def test_a_header_that_shows_no_client_is_401(guarded, header):
    headers = {"Content-Type": FORM, "Authorization": header}
    content = urlencode(GRANT).encode()
    answer = await guarded.post("/token", content=content, headers=headers)
    assert answer.is_status(401).json["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({**GRANT, "scope": "tams-api/write"}, "invalid_scope"),
        ({**GRANT, "scope": "tams-api/read tams-api/admin"}, "invalid_scope"),
        ({**GRANT, "scope": "openid"}, "invalid_scope"),
        (b"grant_type=client_credentials&grant_type=password", "invalid_request"),
        (b"grant_type=%ff", "invalid_request"),
        (b"\xff\xfe", "invalid_request"),
        (b"&".join(b"a%d=b" % n for n in range(200)), "invalid_request"),
    ],
)
async def test_what_cannot_be_granted_is_400(guarded, form, code):
    answer = (await ask(guarded, form, client=("read", CLIENT_SECRET))).is_status(400)
    assert answer.json["error"] == code
    assert answer.json["error_description"] == answer.json["detail"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain"])
async def test_only_a_form_is_read(guarded, content_type):
    answer = await ask(guarded, b"{}", client=("read", CLIENT_SECRET), content_type=content_type)
    assert answer.is_status(400).json["error"] == "invalid_request"


async def test_a_body_beyond_measure_is_refused(guarded):
    (await ask(guarded, b"a" * (1 << 16) + b"b")).is_status(413)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_there_is_no_other_method(guarded, method):
    answer = (await guarded.request(method, "/token")).is_status(405)
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("without", ["everything", "jwt_secret", "credentials"])
async def test_where_no_token_can_be_made_there_is_none(tmp_path, without):
    chosen = guards(tmp_path, "https://issuer.example") | {without: ""}
    chosen = {"auth": "none"} if without == "everything" else chosen | {"auth": "jwt"}
    chosen.pop("everything", None)
    async with serving(tmp_path, f"sqlite:///{tmp_path}/c.sqlite", **chosen) as server:
        plain = Server(server.base, server.session)
        answer = await ask(plain, GRANT, client=("read", CLIENT_SECRET))
        assert "token" in answer.is_status(404).json["detail"]
        assert SECRET not in answer.body.decode()
