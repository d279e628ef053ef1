"""Every operation, with every kind of credentials, over the server that serves.

Expectations follow the wording of application note 0016 and not the table of `domain/access.py`.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from dataclasses import replace

import pytest
import pytest_asyncio
from joserfc import jwk, jwt

from tams.domain.access import ACTIONS
from tests.authority import (
    AUDIENCE,
    KEPT_TOKEN,
    PASSWORD,
    WORDS,
    bearer,
    claims,
    guarding,
    issuing,
    token,
)
from tests.official import MISSING, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFICIAL = document()
if OFFICIAL is None:
    pytest.skip(MISSING, allow_module_level=True)

METHODS = ("get", "head", "put", "post", "delete")
OPERATIONS = [
    (method.upper(), path)
    for path, operations in OFFICIAL.paths.items()
    for method in METHODS
    if method in operations
]
PROPERTY = re.compile(r"/(tags/\{name\}|label|description|flow_collection|(max|avg)_bit_rate)$")
OPEN_TO_ALL = ("/", "/service", "/service/storage-backends")
UNREADABLE = b"{ this is no JSON"


def allowed(method: str, path: str) -> set[str]:
    """Which of the four words lets a caller do this, by the note."""
    reads = method in ("GET", "HEAD")
    if reads and path in OPEN_TO_ALL:
        return {"admin", "read", "write", "delete"}
    if (method, path) == ("POST", "/service") or path == "/flow-delete-requests":
        return {"admin"}
    if path.startswith("/flow-delete-requests/"):
        return {"admin", "delete"}
    if path.startswith("/service/webhooks/"):
        return {"admin", "read"}
    if method == "DELETE":
        written = PROPERTY.search(path) or path.endswith("/instances")
        return {"admin", "write" if written else "delete"}
    return {"admin", "read" if reads else "write"}


def filled(path: str) -> str:
    """A path that leads nowhere, so that what is allowed does no harm."""
    return re.sub(r"\{(\w|-)+\}", "11111111-1111-4111-8111-111111111111", path)


def named(method: str, path: str) -> str:
    return f"{method} {path}"


def basic(name: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def unsigned(**other: object) -> str:
    """A token that says it needs no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, claims(**other))
    return ".".join(jws_part(part) for part in parts) + "."


def jws_part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed_with_public_key(issuer) -> str:
    """HS256 with the text of the RSA public key as the secret: what fools a trusting verifier."""
    secret = issuer.keys["first"].as_pem(private=False)
    parts = ({"alg": "HS256", "kid": "first"}, claims(iss=issuer.url))
    signed = ".".join(jws_part(part) for part in parts)
    signature = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def issuer():
    async with issuing() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def guarded(tmp_path_factory, issuer):
    async with guarding(tmp_path_factory.mktemp("guarded"), issuer.url) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bad(issuer):
    """Headers of callers who must not come in, by what is wrong with them."""
    now = int(time.time())
    stranger = jwk.RSAKey.generate_key(2048, {"kid": "first"})
    good = token()
    head, body, signature = good.split(".")
    other_body = jws_part(claims(sub="eve"))
    return {
        "nothing": {},
        "an empty header": {"Authorization": ""},
        "another scheme": {"Authorization": f"Digest {good}"},
        "no scheme": {"Authorization": good},
        "an empty token": bearer(""),
        "no JWT": bearer("abc"),
        "dots": bearer(".."),
        "half a JWT": bearer(f"{head}.{body}"),
        "no base64": bearer(f"{head}.{body}.%%%"),
        "another signature": bearer(f"{head}.{body}.{signature[:-8]}AAAAAAAA"),
        "another body": bearer(f"{head}.{other_body}.{signature}"),
        "a body that is no object": bearer(f"{head}.{jws_part([1])}.{signature}"),
        "a giant": bearer("a" * 20_000),
        "expired": bearer(token(exp=now - 60)),
        "of tomorrow": bearer(token(nbf=now + 86400)),
        "without end": bearer(token(exp=None)),
        "an end that is no time": bearer(token(exp="soon")),
        "another issuer": bearer(token(iss="https://elsewhere.example")),
        "an issuer that is no text": bearer(token(iss=["tams"])),
        "the OIDC issuer's name and our secret": bearer(token(iss=issuer.url)),
        "our name and the OIDC issuer's key": bearer(issuer.token("first", iss="the-house")),
        "another audience": bearer(token(aud="elsewhere")),
        "an audience that is no text": bearer(token(aud=5)),
        "no audience": bearer(token(aud=None)),
        "nobody": bearer(token(sub=None)),
        "another secret": bearer(token(secret="x" * 32)),
        "another algorithm": bearer(
            jwt.encode(
                {"alg": "HS512"},
                claims(),
                jwk.OctKey.import_key(b"a secret of thirty-two bytes, or more"),
                algorithms=["HS512"],
            )
        ),
        "alg none": bearer(unsigned()),
        "alg none, OIDC": bearer(unsigned(iss=issuer.url)),
        "alg none, with a signature": bearer(unsigned() + signature),
        "HS256 by the public key": bearer(signed_with_public_key(issuer)),
        "a stranger's key": bearer(
            jwt.encode({"alg": "RS256", "kid": "first"}, claims(iss=issuer.url), stranger)
        ),
        "a key that is not known": bearer(
            jwt.encode({"alg": "RS256", "kid": "unheard-of"}, claims(iss=issuer.url), stranger)
        ),
        "expired, OIDC": bearer(issuer.token("first", exp=now - 60)),
        "another audience, OIDC": bearer(issuer.token("first", aud="elsewhere")),
        "a wrong password": basic("admin", "password"),
        "no password": basic("admin", ""),
        "nobody's name": basic("nobody", PASSWORD),
        "a client's name": basic("kept", PASSWORD),
        "Basic without colon": {"Authorization": "Basic YWRtaW4="},
        "Basic without base64": {"Authorization": "Basic admin:secret"},
        "Basic that is no text": {"Authorization": "Basic /zr/"},
    }


async def refused(server, method, path, headers, body=None) -> None:
    """A 401 as it must be, whatever else is wrong with the request."""
    anonymous = replace(server, headers={})
    answer = (await anonymous.request(method, path, content=body, headers=headers)).is_status(401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "Basic " in answer.headers["WWW-Authenticate"]
    assert answer.headers["Content-Type"] == "application/json"
    if method != "HEAD":
        assert answer.json["type"] == "Unauthenticated"


async def test_the_table_has_a_row_for_every_operation_and_no_other():
    rows = {(action.method, action.path) for action in ACTIONS}
    assert rows == {(method, path) for method, path in OPERATIONS if method != "HEAD"}
    assert len(rows) == len(ACTIONS)
    assert {path for method, path in OPERATIONS if method == "HEAD"} == {
        path for method, path in OPERATIONS if method == "GET"
    }
    assert len(OPERATIONS) == 85


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=map(str, OPERATIONS))
async def test_who_is_not_known_is_told_so_before_anything_else(guarded, bad, method, path):
    for wrong in bad.values():
        await refused(guarded, method, filled(path), wrong)
    body = None if method in ("GET", "HEAD") else UNREADABLE
    await refused(guarded, method, f"{filled(path)}?limit=x&timerange=soon", {}, body)
    await refused(guarded, method, f"{filled(path)}?access_token=abc", {}, body)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=map(str, OPERATIONS))
async def test_each_scope_alone_lets_do_what_the_note_says(guarded, issuer, method, path):
    body = None if method in ("GET", "HEAD") else UNREADABLE
    for word, scope in WORDS.items():
        ways = [
            (bearer(token(scope)), ""),
            (bearer(token(None, scp=["other", scope])), ""),
            (bearer(issuer.token("first", scope=f"openid {scope}")), ""),
            (basic(word, PASSWORD), ""),
            ({}, f"?access_token={token(scope)}"),
        ]
        for headers, query in ways:
            answer = await replace(guarded, headers=headers).request(
                method, filled(path) + query, content=body
            )
            if word in allowed(method, path):
                assert answer.status not in (401, 403), (word, answer)
            else:
                answer.is_status(403)
                assert method == "HEAD" or answer.json["type"] == "Forbidden"


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=map(str, OPERATIONS))
async def test_no_scope_of_ours_lets_do_nothing(guarded, method, path):
    for scope in ("", "openid", "tams-api/everything", "tams-api", "tams-api/READ"):
        server = replace(guarded, headers=bearer(token(scope)))
        (await server.request(method, filled(path))).is_status(403)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/nothing", "/flows/NO-ID/tags", "/metrics", "//", "/Service", "/%66lows", "/medi%61"]
)
async def test_paths_that_lead_nowhere_are_not_told_to_strangers(guarded, method, path):
    await refused(guarded, method, path, {})
    answer = await guarded.request(method, path)
    answer.is_status(404, 405)


@pytest.mark.parametrize("path", ["/health", "/health/live", "/docs", "/redoc", "/openapi.json"])
async def test_what_is_open(guarded, path):
    (await replace(guarded, headers={}).get(path)).is_status(200)
    (await replace(guarded, headers=bearer("wrong")).get(path)).is_status(200)


async def test_a_preflight_needs_no_credentials_and_a_script_may_read_the_refusal(guarded):
    origin = {"Origin": "https://editor.example"}
    asked = {**origin, "Access-Control-Request-Method": "PUT"}
    anonymous = replace(guarded, headers={})
    (await anonymous.request("OPTIONS", "/flows/x", headers=asked)).is_status(200)
    answer = (await anonymous.get("/flows", headers=origin)).is_status(401)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]


async def test_media_goes_by_its_signed_url_whatever_credentials_come_along(guarded):
    flow = await guarded.flow()
    allocated = (await guarded.allocate(flow["id"]))[0]
    anonymous = replace(guarded, headers={})
    (await anonymous.upload(allocated, b"bytes")).is_status(200)
    await guarded.segment(flow["id"], "[0:0_1:0)", object_id=allocated["object_id"])
    segment = (await guarded.read(f"/flows/{flow['id']}/segments"))[0]
    url = segment["get_urls"][0]["url"]
    for headers in ({}, bearer("wrong"), basic("nobody", "x")):
        assert (await anonymous.get(url, headers=headers)).is_status(200).body == b"bytes"
    (await guarded.get(url.partition("?")[0])).is_status(403)


async def test_changes_bear_the_name_of_the_caller(guarded):
    created = await guarded.flow()
    assert (created["created_by"], created["updated_by"]) == ("ada", "ada")
    for headers, name in (
        (basic("write", PASSWORD), "write"),
        (bearer(token(username="grace")), "grace"),
    ):
        await replace(guarded, headers=headers).set(f"/flows/{created['id']}/label", name)
        flow = await guarded.read(f"/flows/{created['id']}")
        assert (flow["created_by"], flow["updated_by"], flow["label"]) == ("ada", name, name)


async def test_links_repeat_everything_but_the_token(guarded):
    await guarded.flow()
    await guarded.flow()
    value = token()
    anonymous = replace(guarded, headers={})
    others = "limit=1&format=urn:x-nmos:format:video"
    for name in ("access_token", "%61ccess_token"):
        answer = await anonymous.get(f"/flows?{name}={value}&{others}")
        link = answer.is_status(200).headers["Link"]
        assert "token" not in link
        assert value not in link
        assert "limit=1" in link
        assert "format=urn:x-nmos:format:video" in link


async def test_one_proof_is_enough_and_the_header_decides(guarded):
    anonymous = replace(guarded, headers={})
    good = token()
    (await anonymous.get(f"/flows?access_token={good}", headers=bearer("wrong"))).is_status(401)
    (await anonymous.get("/flows?access_token=wrong", headers=bearer(good))).is_status(200)
    (await anonymous.get(f"/flows?access_token={good}&access_token={good}")).is_status(401)


async def test_l21_a_token_of_the_file_is_a_proof(guarded):
    server = replace(guarded, headers=bearer(KEPT_TOKEN))
    (await server.get("/flows")).is_status(200)
    (await server.post("/service", {})).is_status(403)
    (await replace(guarded, headers={}).get(f"/flows?access_token={KEPT_TOKEN}")).is_status(200)


async def test_clocks_may_differ_a_little(guarded):
    now = int(time.time())
    for times in ({"exp": now - 5}, {"nbf": now + 5}, {"iat": now + 5}):
        server = replace(guarded, headers=bearer(token(**times)))
        (await server.get("/flows")).is_status(200)


async def test_one_audience_among_several_is_enough(guarded):
    server = replace(guarded, headers=bearer(token(aud=["elsewhere", AUDIENCE])))
    (await server.get("/flows")).is_status(200)
