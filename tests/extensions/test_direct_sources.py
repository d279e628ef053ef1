"""Sources made by POST: they need no Flow, and stay until they are deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tams.conformance.server import new_id, query
from tams.conformance.subscriptions import WEBHOOKS
from tests.ledger import ledger
from tests.receivers import noting

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO = "urn:x-nmos:format:video"


def source_body(**fields):
    """The body of a Source, with a new id."""
    return {"id": new_id(), "format": VIDEO, **fields}


async def make(server, **fields):
    """POST a Source, and return it."""
    return (await server.post("/sources", source_body(**fields))).is_status(201).json


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


async def test_a020_a_post_makes_a_source_and_answers_with_it(server):
    body = source_body(
        label="Camera 1",
        description="At the gate",
        created_by="somebody",
        updated_by="somebody else",
        tags={"room": "one", "uses": ["a", "b"]},
    )
    ignored = {"source_collection": [], "collected_by": [], "created": "long ago", "unknown": {}}
    answer = (await server.post("/sources", body | ignored)).is_status(201)
    made = answer.json
    assert answer.headers["Content-Type"] == "application/json"
    assert {name: made[name] for name in body} == body
    assert set(made) == {*body, "created", "updated"}
    assert await server.read(f"/sources/{body['id']}") == made


async def test_a021_it_is_created_and_updated_at_the_same_time_of_the_server(server):
    before = datetime.now(UTC)
    made = await make(server)
    created = datetime.fromisoformat(made["created"])
    assert made["updated"] == made["created"]
    assert created.utcoffset().total_seconds() == 0
    assert created >= before


async def test_a024_names_types_and_locations_are_read(server):
    given = {"name": "Gate", "description": "North", "type": "camera", "location": "Entrance"}
    made = (await server.post("/sources", given)).is_status(201).json
    assert (made["label"], made["description"], made["format"]) == ("Gate", "North", VIDEO)
    assert made["tags"] == {"type": "camera", "location": "Entrance"}
    assert await server.read(f"/sources/{made['id']}") == made
    sound = {"name": "Desk", "type": "audio", "tags": {"type": "own"}, "label": None}
    made = (await server.post("/sources", sound)).is_status(201).json
    assert (made["label"], made["format"]) == ("Desk", "urn:x-nmos:format:audio")
    assert made["tags"] == {"type": "own"}


@pytest.mark.parametrize("word", ["urn:x-nmos:format:image", "urn:x-nmos:format:", "film", 5, []])
async def test_a025_an_unknown_format_is_refused(server, word):
    before = await kept(server)
    refusal = (await server.post("/sources", source_body(format=word))).is_status(400)
    assert refusal.json["summary"].startswith("format: it must be one of urn:x-nmos:format:video")
    assert await kept(server) == before


@pytest.mark.parametrize(
    "content",
    ["video", "audio", "data", "multi", "urn:x-tam:format:image", "urn:x-nmos:format:data"],
)
async def test_a025_every_format_is_known(server, content):
    made = await make(server, format=content)
    assert made["format"].rpartition(":")[2] == content.rpartition(":")[2]


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        "8A3F9C1E-6A52-4B4C-9F0E-111111111111",
        "8a3f9c1e-6a52-6b4c-9f0e-111111111111",
        "8a3f9c1e-6a52-4b4c-7f0e-111111111111",
        "8a3f9c1e6a524b4c9f0e111111111111",
        "",
        7,
    ],
)
async def test_a026_an_id_that_is_no_uuid_is_refused(server, wrong):
    before = await kept(server)
    refusal = (await server.post("/sources", source_body(id=wrong))).is_status(400)
    assert refusal.json["summary"].startswith("id: ")
    assert await kept(server) == before


@pytest.mark.parametrize("version", "12345")
async def test_a026_an_id_may_be_a_uuid_of_version_1_to_5(server, version):
    source_id = f"{new_id()[:14]}{version}{new_id()[15:]}"
    assert (await make(server, id=source_id))["id"] == source_id


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"format": None}, "format: it must be given"),
        ({"label": 5}, "label: "),
        ({"label": "a\0"}, "label: "),
        ({"name": ["x"]}, "label: "),
        ({"description": {}}, "description: "),
        ({"tags": []}, "tags: "),
        ({"tags": {"a": 1}}, "tags.a"),
        ({"location": 3}, "location: "),
        ({"created_by": 3}, "created_by: "),
    ],
)
async def test_what_is_no_source_is_refused_and_changes_nothing(server, wrong, named):
    before = await kept(server)
    refusal = (await server.post("/sources", source_body(**wrong))).is_status(400)
    assert refusal.json["summary"].startswith(named)
    assert await kept(server) == before


@pytest.mark.parametrize("content", [b"", b"[]", b"5", b"{", b'{"id": NaN}', b"\xff"])
@pytest.mark.parametrize("path", ["/sources", "/sources/batch"])
async def test_what_is_no_object_is_refused(server, path, content):
    (await server.post(path, content=content)).is_status(400)


async def test_an_id_that_a_source_has_is_a_conflict(server):
    made = await make(server, label="first")
    brought = (await server.flow())["source_id"]
    before = await kept(server)
    for source_id in (made["id"], brought):
        answer = await server.post("/sources", source_body(id=source_id, label="second"))
        refusal = answer.is_status(409).json
        assert refusal["type"] == "Conflict"
        assert refusal["detail"] == f"id: there is a Source {source_id} already"
    assert await kept(server) == before


async def test_a027_a_batch_makes_every_source_with_its_times(server):
    bodies = [source_body(label=f"{number}") for number in range(5)]
    made = (await server.post("/sources/batch", bodies)).is_status(201).json
    assert [(one["id"], one["label"]) for one in made] == [
        (body["id"], body["label"]) for body in bodies
    ]
    assert all(one["created"] and one["updated"] for one in made)
    for one in made:
        assert await server.read(f"/sources/{one['id']}") == one


async def test_a028_a_batch_of_nothing_is_refused(server):
    refusal = (await server.post("/sources/batch", [])).is_status(400).json
    assert refusal["summary"] == "body: it must be an array of 1 to 200 items, not 0"
    (await server.post("/sources/batch", [source_body()] * 201)).is_status(400)


async def test_a_batch_is_made_whole_or_not_at_all(server):
    there = await make(server)
    before = await kept(server)
    new, wrong = source_body(), source_body(format="film")
    for batch, status, named in (
        ([new, wrong], 400, "1.format: it must be one of"),
        ([new, "x"], 400, "1.item: it must be a JSON object"),
        ([new, source_body(), there], 409, f"2.id: there is a Source {there['id']} already"),
        ([new, new], 409, f"1.id: there is a Source {new['id']} already"),
    ):
        refusal = (await server.post("/sources/batch", batch)).is_status(status).json
        assert refusal["summary"].startswith(named)
        assert await kept(server) == before


async def test_it_stays_when_its_last_flow_goes_and_one_that_a_flow_brought_does_not(server):
    made = await make(server)
    brought = new_id()
    flows = [await server.flow(source_id=source_id) for source_id in (made["id"], brought)]
    for flow in flows:
        (await server.delete(f"/flows/{flow['id']}")).is_status(204)
    assert await server.read(f"/sources/{made['id']}") == made
    (await server.get(f"/sources/{brought}")).is_status(404)
    again = await server.flow(source_id=made["id"])
    (await server.delete(f"/flows/{again['id']}")).is_status(204)
    (await server.get(f"/sources/{made['id']}")).is_status(200)


async def test_a_flow_of_another_format_does_not_belong_to_it(server):
    made = await make(server, format="audio")
    body = {"source_id": made["id"], "format": VIDEO}
    refusal = (await server.post("/flows", body)).is_status(400).json
    assert refusal["summary"].startswith(f"format: Source {made['id']} holds")


async def test_without_a_flow_it_is_read_listed_and_changed_as_any_other(server):
    label = new_id()
    made = await make(server, label=label, tags={"mark": label})
    path = f"/sources/{made['id']}"
    for filters in ({"label": label}, {"tag.mark": label}, {"tag_exists.mark": "true"}):
        assert made["id"] in await server.ids("/sources", {**filters, "limit": "1000"})
    assert made["id"] in await server.ids("/sources", collected_by_ids="", limit="1000")
    assert await server.read(f"/flows{query(source_id=made['id'])}") == []
    await server.later()
    await server.set(f"{path}/label", "new")
    await server.set(f"{path}/description", "told")
    await server.set(f"{path}/tags/colour", ["red"])
    await server.set(f"{path}/tags", {"shape": "round"})
    await server.unset(f"{path}/description")
    changed = await server.read(path)
    assert (changed["label"], changed["tags"]) == ("new", {"shape": "round"})
    assert changed["updated"] > changed["created"] == made["created"]
    (await server.delete(f"/flows/{(await server.flow(source_id=made['id']))['id']}")).is_status(
        204
    )
    assert await server.read(path) == changed


async def test_its_making_is_told(server):
    async with noting() as receiver:
        body = {"url": receiver.url, "events": ["sources/created", "sources/deleted"]}
        webhook = (await server.post(WEBHOOKS, body)).is_status(201).json
        batch = [source_body(), source_body()]
        made = [await make(server), *(await server.post("/sources/batch", batch)).json]
        await server.wait(1)
        await server.delete(f"{WEBHOOKS}/{webhook['id']}")
    told = [body["event"]["source"] for _, body in receiver.accepted]
    assert told == made
