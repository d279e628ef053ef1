"""Who may use what extensions add, and what the standard's aliases stand for."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tams.domain.access import Scope
from tests.authority import bearer, guarding, guards, token
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ, WRITE, DELETE = (scope.value for scope in (Scope.READ, Scope.WRITE, Scope.DELETE))
ID = "01234567-89ab-4def-8123-456789abcdef"
OPERATIONS = [
    *[("POST", f"/{noun}{batch}", {WRITE}) for noun in ("sources", "flows", "objects")
      for batch in ("", "/batch")],
    *[("OPTIONS", f"/{noun}", {READ, WRITE, DELETE}) for noun in ("sources", "flows", "objects")],
    *[
        row
        for path, noun in (("/collections", "flows"), ("/source-collections", "sources"))
        for row in (
            ("GET", path, {READ}),
            ("POST", path, {WRITE}),
            ("GET", f"{path}/{ID}", {READ}),
            ("DELETE", f"{path}/{ID}", {DELETE}),
            ("GET", f"{path}/{ID}/{noun}", {READ}),
            ("PUT", f"{path}/{ID}/{noun}/{ID}", {WRITE}),
            ("DELETE", f"{path}/{ID}/{noun}/{ID}", {WRITE}),
        )
    ],
    ("GET", f"/sources/{ID}/source_collection", {READ}),
    ("PUT", f"/sources/{ID}/source_collection", {WRITE}),
    *[("POST", f"{path}", {WRITE}) for path in ("/webhooks", "/service/webhooks")],
    *[
        (method, f"{path}/{ID}", {READ})
        for method in ("GET", "PUT", "DELETE")
        for path in ("/webhooks", "/service/webhooks")
    ],
    ("GET", "/webhooks", {READ}),
    ("POST", "/deletion-requests", {DELETE}),
    *[
        row
        for path in ("/deletion-requests", "/flow-delete-requests")
        for row in (("GET", path, set()), ("GET", f"{path}/{ID}", {DELETE}))
    ],
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def guarded(tmp_path_factory):
    async with guarding(tmp_path_factory.mktemp("guarded")) as server:
        yield server


@pytest.mark.parametrize(("method", "path", "sufficient"), OPERATIONS)
async def test_a_scope_opens_what_it_is_for(guarded, method, path, sufficient):
    for scope in (READ, WRITE, DELETE, Scope.ADMIN.value):
        shown = bearer(token(scope))
        answer = await guarded.request(method, path, content=b"{", headers=shown)
        may = scope == Scope.ADMIN or scope in sufficient
        assert (answer.status != 403) == may, (scope, answer.status)
        assert answer.status in (200, 400, 403, 404)
    refused = await guarded.request(method, path, headers={"Authorization": "Bearer none"})
    refused.is_status(401)


async def test_an_alias_has_the_rights_that_a_setting_gives(tmp_path):
    chosen = guards(tmp_path) | {"webhook_changes_by": "write"}
    async with serving(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite", **chosen) as server:
        for path in (f"/webhooks/{ID}", f"/service/webhooks/{ID}"):
            (await server.delete(path, headers=bearer(token(READ)))).is_status(403)
            (await server.delete(path, headers=bearer(token(WRITE)))).is_status(404)


async def test_who_makes_something_is_noted(guarded):
    for path in ("/sources", "/flows", "/objects", "/collections"):
        made = (await guarded.post(path, {"label": "x", "format": "video"})).is_status(201).json
        assert made["created_by"] == "ada"
