"""Who may do what is the same under every base path."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio

from tams.conformance.server import new_id
from tests.authority import visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory):
    """A server that asks who calls; which engine it has makes no difference to that."""
    async with visiting(tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


def _as(api, kind):
    return replace(api, headers={"Authorization": f"Bearer {api.credentials[kind]}"})


async def test_nobody_gets_in_without_credentials(api):
    refusal = (await replace(api, headers={}).get("/service")).is_status(401)
    assert "Bearer" in refusal.headers["WWW-Authenticate"]
    (await replace(api, headers={}).get("/nothing")).is_status(401)


async def test_the_scope_that_an_operation_needs_is_looked_up_without_the_base_path(api):
    flow = await api.flow()
    path = f"/flows/{flow['id']}"
    (await _as(api, "read").get(path)).is_status(200)
    (await _as(api, "read").put(f"{path}/label", "a")).is_status(403)
    (await _as(api, "write").put(f"{path}/label", "a")).is_status(204)
    (await _as(api, "write").delete(path)).is_status(403)
    (await _as(api, "write").post("/service", {"name": "a"})).is_status(403)
    (await _as(api, "delete").delete(path)).is_status(204)


async def test_a_writer_need_not_be_able_to_read_what_a_put_keeps(server, api):
    flow = await server.flow(status="ingesting")
    body = {name: value for name, value in flow.items() if name != "status"}
    (await _as(api, "write").put(f"/flows/{flow['id']}", body | {"label": new_id()})).is_status(204)
    kept = (await server.read(f"/flows/{flow['id']}")).get("status")
    assert kept == (None if api.version == "8.2" else "ingesting")
