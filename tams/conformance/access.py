"""Statements 291-294: who may ask, and for what (ADR 0028, application note 0016).

They need credentials: those of every request are an admin's, others are given by their kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tams.conformance.server import Answer, Server, basic, bearer, ensure, new_id, same
from tams.conformance.statements import Skipped, statement

WORDS = ("admin", "read", "write", "delete")
PROPERTIES = ("label", "description", "tags/colour")
FLOW_PROPERTIES = (*PROPERTIES, "flow_collection", "max_bit_rate", "avg_bit_rate")
NONSENSE = ["neither a Flow nor anything else"]


async def _anonymous(server: Server) -> Server:
    """The server as callers see it who show nothing; skips where that is all there is."""
    anonymous = replace(server, headers={})
    answer = (await anonymous.get("/service")).is_status(200, 401)
    if not server.headers:
        raise Skipped("no --token is given, so nothing tells who may ask")
    answer.is_status(401)
    return anonymous


def _bearer(server: Server, token: str) -> Server:
    return replace(server, headers=bearer(token))


def _own_token(server: Server) -> str:
    scheme, _, token = server.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise Skipped("the credentials given are no token")
    return token


def _of_scope(server: Server, word: str) -> Server:
    """The server as a caller of that scope alone sees it."""
    if word == "admin":
        return server
    if word not in server.credentials:
        raise Skipped(f"no --credential {word}=TOKEN is given")
    return _bearer(server, server.credentials[word])


@statement(291, "I")
async def check_291_nobody_comes_in_unknown(server: Server) -> None:
    """Callers show a token, in a header or in the URL, or a name and password; nobody is let in
    who shows nothing.
    """
    anonymous = await _anonymous(server)
    paths = ("/", "/service", "/service/storage-backends", "/sources", "/flows")
    for path in (*paths, f"/flows/{new_id()}", f"/objects/{new_id()}"):
        (await anonymous.get(path)).is_status(401)
    for path in paths:
        (await server.get(path)).is_status(200)
    token = _own_token(server)
    status = (await anonymous.get(f"/service?access_token={token}")).status
    ensure(status in (200, 401), f"GET /service with the token in its URL: {status} came")
    (await anonymous.get("/service?access_token=wrong")).is_status(401)
    if pair := server.credentials.get("basic"):
        for given, status in ((pair, 200), (f"{pair}x", 401)):
            caller = replace(server, headers=basic(given))
            (await caller.get("/service")).is_status(status)


@statement(292, "I")
async def check_292_bad_credentials_are_told_from_missing_rights(server: Server) -> None:
    """Credentials that are missing, malformed or expired are a 401, whatever else is wrong."""
    anonymous = await _anonymous(server)
    token = _own_token(server)
    wrong = ["", "abc", f"{token}x", token[: len(token) // 2], f"x{token}"]
    if "expired" in server.credentials:
        wrong.append(server.credentials["expired"])
    callers = [anonymous, *(_bearer(server, given) for given in wrong)]
    flow = (await server.flow(label="kept"))["id"]
    for caller in callers:
        (await caller.get("/flows?limit=none")).is_status(401)
        (await caller.head(f"/flows/{flow}")).is_status(401)
        (await caller.put(f"/flows/{flow}", NONSENSE)).is_status(401)
        (await caller.put(f"/flows/{flow}/label", "changed")).is_status(401)
        (await caller.delete(f"/flows/{flow}")).is_status(401)
        (await caller.post(f"/flows/{new_id()}/segments", {})).is_status(401)
    same((await server.read(f"/flows/{flow}"))["label"], "kept", "label after the refusals")


@statement(293, "S")
async def check_293_missing_rights_are_told(server: Server) -> None:
    """Who is known but may not gets 403, or 404 for what they may know nothing of."""
    await _anonymous(server)
    reader, writer = _of_scope(server, "read"), _of_scope(server, "write")
    flow = (await server.flow(label="kept"))["id"]
    before = await server.read(f"/flows/{flow}")
    refusals = (
        await reader.put(f"/flows/{flow}/label", "changed"),
        await reader.put(f"/flows/{flow}/label", NONSENSE),
        await reader.delete(f"/flows/{flow}"),
        await writer.delete(f"/flows/{flow}"),
        await writer.delete(f"/flows/{flow}/segments"),
        await writer.get(f"/flows/{flow}"),
    )
    for answer in refusals:
        answer.is_status(403, 404)
    same(await server.read(f"/flows/{flow}"), before, "the Flow after the refusals")


@statement(294, "S")
async def check_294_each_scope_lets_do_its_part(server: Server) -> None:
    """Reading, writing and deleting are scopes of their own, and admin is all of them; the service
    is shown to each and changed by admins, properties and instances are deleted by writers, a
    Webhook is changed by readers, requests for deletion are listed by admins.
    """
    await _anonymous(server)
    callers = {word: _of_scope(server, word) for word in WORDS}
    for method, path, words in _operations():
        for word, caller in callers.items():
            body = None if method == "GET" else NONSENSE
            answer = await caller.request(method, path, body)
            _holds(answer, allowed=word in words or word == "admin", word=word)


def _holds(answer: Answer, *, allowed: bool, word: str) -> None:
    """Fail unless the answer is one to a caller who is allowed, or not, to ask for it."""
    refused = answer.status in (401, 403)
    # Where nothing is, a refusal may hide that.
    hidden = answer.status == 404
    ensure(
        refused != allowed or (hidden and not allowed),
        f"{answer.request} with {word}: {answer.status} came",
    )


def _operations() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Operations on what is not there, and the scopes besides admin that let do them."""
    for path in ("/", "/service", "/service/storage-backends"):
        yield "GET", path, ("read", "write", "delete")
    yield "POST", "/service", ()
    yield "GET", "/flow-delete-requests", ()
    yield "GET", f"/flow-delete-requests/{new_id()}", ("delete",)
    yield from _of_webhooks(f"/service/webhooks/{new_id()}")
    flow, source = f"/flows/{new_id()}", f"/sources/{new_id()}"
    for path in ("/flows", "/sources", flow, source, f"{flow}/segments", f"/objects/{new_id()}"):
        yield "GET", path, ("read",)
    yield "PUT", flow, ("write",)
    yield "DELETE", flow, ("delete",)
    yield "POST", f"{flow}/segments", ("write",)
    yield "DELETE", f"{flow}/segments", ("delete",)
    yield "POST", f"{flow}/storage", ("write",)
    for method in ("POST", "DELETE"):
        yield method, f"/objects/{new_id()}/instances", ("write",)
    yield from _of_properties(flow, FLOW_PROPERTIES)
    yield from _of_properties(source, PROPERTIES)


def _of_webhooks(path: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    yield "POST", "/service/webhooks", ("write",)
    for method in ("GET", "PUT", "DELETE"):
        yield method, path, ("read",)


def _of_properties(
    resource: str, names: tuple[str, ...]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name in names:
        yield "GET", f"{resource}/{name}", ("read",)
        yield "PUT", f"{resource}/{name}", ("write",)
        yield "DELETE", f"{resource}/{name}", ("write",)
