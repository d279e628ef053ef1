"""Below `/vast` there is of an extension what is at the root: all of it, or nothing."""

from __future__ import annotations

import pytest

from tams.conformance.server import new_id
from tams.settings import IN_MEMORY
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_without_soft_deletion_nobody_is_promised_a_way_back(tmp_path):
    async with serving(tmp_path, IN_MEMORY, extensions="whole-tags") as server:
        flow = await server.flow()
        path = f"/vast/flows/{flow['id']}"
        for kept in (path, f"{path}/segments", f"/vast/sources/{flow['source_id']}"):
            refused = (await server.delete(f"{kept}?soft_delete=true")).is_status(422).json
            [told] = refused["detail"]
            assert told["loc"] == ["query", "soft_delete"]
            assert "soft-deletion is off" in told["msg"]
        for noun in ("flows", "sources"):
            refused = (await server.get(f"/vast/{noun}?deleted=only")).is_status(422).json
            [told] = refused["detail"]
            assert told["loc"] == ["query", "deleted"]


async def test_without_aliases_no_method_of_theirs_is_there(tmp_path):
    async with serving(tmp_path, IN_MEMORY, extensions="soft-deletion") as server:
        for path in ("/webhooks", "/deletion-requests"):
            for method in ("GET", "POST"):
                (await server.request(method, f"/vast{path}", {})).is_status(404)
        for path in ("/service/webhooks", "/flow-delete-requests"):
            told = (await server.get(f"/vast{path}")).is_status(200).json
            assert told["paging"]["total"] == 0


async def test_without_direct_creation_nothing_is_made_by_post(tmp_path):
    async with serving(tmp_path, IN_MEMORY, extensions="aliases") as server:
        for noun, status in (("sources", 405), ("flows", 405), ("objects", 404)):
            (await server.post(f"/vast/{noun}", {})).is_status(status)
            assert (await server.post(f"/vast/{noun}/batch", [{}])).status in (404, 405)
        flow = await server.flow()
        (await server.get(f"/vast/flows/{flow['id']}")).is_status(200)


async def test_without_soft_deletion_what_is_deleted_is_gone_for_good(tmp_path):
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    async with serving(tmp_path, url, extensions="whole-tags") as server:
        gone = await server.flow(label=new_id())
        (await server.delete(f"/vast/sources/{gone['source_id']}")).is_status(204)
    async with serving(tmp_path, url) as server:
        assert await server.read("/flows?deleted=only") == []
        (await server.post(f"/flows/{gone['id']}/restore")).is_status(404)
        [record] = await server.read("/deletions")
        assert record["soft_delete"] is False
