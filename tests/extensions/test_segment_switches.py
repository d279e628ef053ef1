"""What is left of these extensions where others, or all, are off; and who may use them."""

from __future__ import annotations

import pytest

from tams.conformance.server import new_id
from tams.domain.access import Scope, ScopeTable
from tams.domain.segment_ids import segment_id
from tams.extensions import multipart_upload, segment_media, segment_tags
from tams.settings import IN_MEMORY
from tests.extensions.forms import HEADERS, declaration, declared, file, seen, send, written
from tests.serving import serving

READ, WRITE, DELETE, ADMIN = Scope.READ, Scope.WRITE, Scope.DELETE, Scope.ADMIN


async def test_without_the_extension_a_form_is_no_json(tmp_path):
    async with serving(tmp_path, f"sqlite:///{tmp_path}/facts.db", extensions="none") as plain:
        flow_id = (await plain.flow())["id"]
        before = await seen(plain)
        path = f"/flows/{flow_id}/segments"
        body = written(declared(declaration()), file(b"media"))
        (await plain.post(path, content=body, headers=HEADERS)).is_status(400)
        assert await seen(plain) == before
        for rest in ("", "/data", "/url", "/tags", "/tags/a"):
            (await plain.get(f"{path}/{segment_id(flow_id, 0)}{rest}")).is_status(404)
        await plain.segment(flow_id, "[0:0_1:0)")
        assert len(await plain.read(f"{path}?tag.a=b&tag_exists.c=true")) == 1


async def test_without_tags_a_form_brings_none(tmp_path):
    async with serving(tmp_path, IN_MEMORY, extensions="multipart-upload") as plain:
        flow_id = (await plain.flow())["id"]
        body = declaration(tags={"a": "b"})
        answer = (await send(plain, flow_id, declared(body), file(b"media"))).is_status(201)
        assert "tags" not in answer.json
        assert answer.json["file_size"] == 5


@pytest.mark.parametrize(
    ("method", "rest", "scope"),
    [
        ("POST", "", WRITE),
        ("GET", "", READ),
        ("GET", "/{id}", READ),
        ("HEAD", "/{id}/data", READ),
        ("GET", "/{id}/data", READ),
        ("GET", "/{id}/url", READ),
        ("GET", "/{id}/tags", READ),
        ("GET", "/{id}/tags/a", READ),
        ("PUT", "/{id}/tags", WRITE),
        ("PUT", "/{id}/tags/a", WRITE),
        ("DELETE", "/{id}/tags", WRITE),
        ("DELETE", "/{id}/tags/a", WRITE),
    ],
)
def test_an_operation_takes_one_scope(method, rest, scope):
    extensions = (multipart_upload, segment_media, segment_tags)
    actions = [action for each in extensions for action in each.EXTENSION.actions]
    path = f"/flows/{new_id()}/segments{rest.format(id=new_id())}"
    assert ScopeTable(actions).sufficient(method, path) == {ADMIN, scope}
