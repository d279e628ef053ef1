"""HEAD where no check of the standard asks for it."""

from __future__ import annotations

import pytest

from tams.conformance.subscriptions import WEBHOOKS, idle_webhook


@pytest.mark.asyncio(loop_scope="module")
async def test_head_of_a_webhook_tells_what_get_tells(server):
    path = f"{WEBHOOKS}/{(await idle_webhook(server))['id']}"
    get, head = await server.get(path), await server.head(path)
    assert (head.is_status(200).body, get.is_status(200).body != b"") == (b"", True)
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    (await server.delete(path)).is_status(204)
    (await server.head(path)).is_status(404)
