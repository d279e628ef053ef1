"""`tams serve` with authentication on: what it says, what stops its start, what it never says."""

from __future__ import annotations

import base64
import itertools
import json
import socket
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.authority import (
    CLIENT_SECRET,
    KEPT_TOKEN,
    PASSWORD,
    SECRET,
    bearer,
    guards,
    token,
)
from tests.durability.client import Answer, Client
from tests.durability.process import DEADLINE_S, ServerProcess, server_process

NOBODY = "http://127.0.0.1:1/nobody"
"""An issuer that does not answer."""

ASKED = (
    (CLIENT_SECRET, PASSWORD),
    ("application/x-www-form-urlencoded", "application/json"),
)


class Caller(Client):
    """A client that shows what a test wants."""

    def show(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Answer:
        return self._exchange(method, path, body, headers)


def basic(name: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_beyond_loopback_it_listens_where_callers_are_known(tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0")
    with server_process(tmp_path, "", options=options, **guards(tmp_path)) as server:
        with Caller(server.url) as client:
            assert client.show("GET", "/service", {}).status == 401
            assert client.show("GET", "/service", bearer(token())).status == 200
            assert client.show("GET", "/health", {}).status == 200
        assert server.stop() == 0
    assert "credentials  basic, jwt, token" in server.said.splitlines()
    assert "authentication is off" not in server.said


def test_a_body_is_not_asked_for_before_the_caller_is_known_and_may_send_it(tmp_path: Path) -> None:
    with server_process(tmp_path, "", **guards(tmp_path)) as server:
        for headers, status in (
            ({}, 401),
            (bearer("wrong"), 401),
            (bearer(token("tams-api/read")), 403),
            (basic("delete", PASSWORD), 403),
            (bearer(token("tams-api/admin")), 100),
        ):
            assert first_status(server, "POST", "/service", headers) == status
        assert first_status(server, "PUT", "/nothing", {}) == 401


def first_status(server: ServerProcess, method: str, path: str, headers: dict[str, str]) -> int:
    """What is answered to the head of a request that waits before it sends its body."""
    address = urlsplit(server.url)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}", "Content-Length: 1000000"]
    lines += ["Expect: 100-continue", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection((address.hostname, address.port), DEADLINE_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(1000).split()[1])


def test_nothing_secret_is_ever_said(tmp_path: Path) -> None:
    """Whether all is well, a caller is refused, or the server cannot do its part."""
    chosen = guards(tmp_path, NOBODY)
    good, lost = token(), token(iss=NOBODY)
    shown = [bearer(given) for given in (good, lost, KEPT_TOKEN, f"{good[:-3]}AAA")]
    shown += [basic("admin", PASSWORD), basic("nobody", PASSWORD), {"Authorization": good}]
    answers: list[Answer] = []
    with server_process(tmp_path, "", log_format="json", **chosen) as server:
        with Caller(server.url) as client:
            for path in ("/flows?", "/nothing?", "/flows?limit=x&page=1&", "/health?"):
                answers.append(client.show("GET", f"{path}access_token={good}", {}))
                answers += [client.show("GET", path, headers) for headers in shown]
            answers.append(client.show("POST", "/service", bearer(KEPT_TOKEN)))
            answers += [ask_for_token(client, *pair) for pair in itertools.product(*ASKED)]
            Path(chosen["credentials"]).write_text(json.dumps({"users": {"x": PASSWORD}}))
            answers.append(wait_for_503(client, good))
        assert server.stop() == 0
    assert {answer.status for answer in answers} == {200, 400, 401, 403, 404, 503}
    assert "cannot read the keys of an issuer" in server.said
    assert "nobody can be let in" in server.said
    said = server.said + "".join(f"{answer.headers}{answer.body!r}" for answer in answers)
    secrets = {PASSWORD, CLIENT_SECRET, KEPT_TOKEN, SECRET, good.split(".")[2], lost.split(".")[2]}
    secrets |= {basic(name, PASSWORD)["Authorization"][6:] for name in ("admin", "nobody")}
    assert [secret for secret in secrets if secret in said] == []


def ask_for_token(client: Caller, secret: str, content_type: str) -> Answer:
    """What a client is told that shows this secret; the token that it may get is no news to it."""
    form = {"grant_type": "client_credentials", "client_id": "admin", "client_secret": secret}
    headers = {"Content-Type": content_type}
    answer = client.show("POST", "/token", headers, urlencode(form).encode())
    return answer._replace(body=b"") if answer.status == 200 else answer


def wait_for_503(client: Caller, good: str) -> Answer:
    """Ask until the server has looked at its credentials file again."""
    while (answer := client.show("GET", "/flows", bearer(good))).status == 200:
        pass
    return answer


BAD_STARTS = {
    "no token can be verified": ({"auth": "jwt"}, "TAMS_AUTH: no token could be verified"),
    "nor in the URL": ({"auth": "token"}, "TAMS_AUTH: no token could be verified"),
    "no users": ({"auth": "basic"}, "TAMS_AUTH: basic needs the users of TAMS_CREDENTIALS"),
    "no users, but a secret": ({"auth": "jwt,basic", "jwt_secret": SECRET}, "TAMS_AUTH: basic"),
    "no such scheme": ({"auth": "jwt,digest"}, "TAMS_AUTH: it must be none, or a list of"),
    "none among others": ({"auth": "none,jwt"}, "TAMS_AUTH: it must be none, or a list of"),
    "nothing": ({"auth": ","}, "TAMS_AUTH: it must be none, or a list of"),
    "a short secret": ({"auth": "jwt", "jwt_secret": "short-secret"}, "TAMS_JWT_SECRET: it must"),
    "no address": ({"auth": "jwt", "oidc_issuers": "issuer"}, "TAMS_OIDC_ISSUERS: each must"),
}


@pytest.mark.parametrize("case", BAD_STARTS)
def test_what_stops_the_start(shell, monkeypatch, tmp_path, case) -> None:
    settings, said = BAD_STARTS[case]
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path))
    for name, value in settings.items():
        monkeypatch.setenv(f"TAMS_{name.upper()}", value)
    run = shell("serve", "--port", "0")
    assert (run.exit_code, run.stdout) == (1, "")
    assert run.stderr.startswith(f"tams: {said}")
    assert run.stderr.count("\n") == 1
    assert "short-secret" not in run.stderr
