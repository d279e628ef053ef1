"""Every operation of every version, with all that the present one has, as its own schemas say."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.dialects.driving import enriched, operations, read_all, write_all
from tests.examined import Seen, expected
from tests.official import MISSING, document

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(document("6.0") is None, reason=MISSING),
]

WITHOUT_WEBHOOKS = {(method, "/service/webhooks", 404) for method in ("GET", "HEAD", "POST")}
"""A server without webhooks answers so, and this one has them."""

OF_SCOPES = {
    ("POST", "/service", 403),
    ("PUT", "/flows/{flowId}/read_only", 403),
    ("POST", "/objects/{objectId}/instances", 403),
    ("DELETE", "/objects/{objectId}/instances", 403),
    ("PUT", "/service/webhooks/{webhookId}", 403),
    ("DELETE", "/service/webhooks/{webhookId}", 403),
    *(
        (method, f"/sources/{{sourceId}}/{name}", 403)
        for method in ("PUT", "DELETE")
        for name in ("label", "description", "tags/{name}")
    ),
}
"""Only who may not do everything is answered so: see test_access.py."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rich(server):
    made = await enriched(server)
    flow = await server.flow()
    await server.segments(flow["id"], ["[0:0_1:0)", "[1:0_2:0)"])
    made.request_id = (await server.delete(f"/flows/{flow['id']}")).is_status(202).json["id"]
    return made


async def test_every_answer_is_as_the_versions_schemas_say(api, version, rich):
    seen: set[Seen] = set()

    def note(method, path, answer):
        asked = urlsplit(path.removeprefix(api.base)).path
        seen.add(Seen(method, document(version).path_of(asked), answer.status, version))

    watched = replace(api, watchers=(note,))
    await read_all(watched, version, rich)
    await write_all(watched, version, rich)
    await _refused(watched, version, rich)
    beyond = {Seen(*one, version) for one in WITHOUT_WEBHOOKS | OF_SCOPES}
    assert sorted(set(expected(version)) - seen - beyond) == []


async def _refused(api, version, rich):
    """Ask what is refused: what is not there, wrong bodies and queries, a read-only Flow."""
    flow = await api.flow(label="protected")
    path = f"/flows/{flow['id']}"
    await api.set(f"{path}/tags/one", "a")
    await api.set(f"{path}/read_only", True)
    bodies = BODIES | {"{flowId}": flow}
    for method, template in sorted(operations(version)):
        last = template.rpartition("/")[2]
        await api.request(method, f"{rich.lost(template)}?label=a", BODIES.get(last))
        await api.request(method, template.replace("{flowId}", "nothing"))
        if method != "DELETE" or last in ("segments", "instances"):
            body = b"{" if method in ("PUT", "POST") else None
            asked = f"{rich.path(template)}?limit=0&timerange=never"
            await api.request(method, asked, content=body)
        if method not in ("GET", "HEAD") and "{flowId}" in template:
            protected = template.replace("{flowId}", flow["id"]).replace("{name}", "one")
            await api.request(method, protected, bodies.get(last))
    assert await api.read(f"{path}/label") == "protected"


BODIES = {
    "label": "a",
    "description": "a",
    "{name}": "a",
    "max_bit_rate": 1,
    "avg_bit_rate": 1,
    "flow_collection": [],
    "segments": {"object_id": "a", "timerange": "[0:0_1:0)"},
    "instances": {"url": "https://elsewhere.example.com/c", "label": "a"},
}
