"""Tags of Segments, and filters by them."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tams.conformance.server import new_id, query
from tests.extensions.forms import declared, send

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAGS = {"camera": "3", "players": ["seven", "nine"]}


async def filled(server, number=5):
    """A Flow with Segments of one second; its path of Segments, and the ids of their Objects."""
    flow_id = (await server.flow())["id"]
    bodies = await server.segments(flow_id, [f"[{n}:0_{n + 1}:0)" for n in range(number)])
    return f"/flows/{flow_id}/segments", [body["object_id"] for body in bodies]


async def test_a129_tags_are_set_read_and_removed(server):
    path, [first, second, *_] = await filled(server)
    at = f"{path}/{first}/tags"
    assert await server.read(at) == {}
    await server.set(f"{at}/camera", "2")
    await server.set(f"{at}/players", ["seven", "nine"])
    await server.set(f"{at}/camera", "3")
    assert await server.read(at) == TAGS
    assert await server.read(f"{at}/camera") == "3"
    assert await server.read(f"{at}/players") == ["seven", "nine"]
    assert await server.read(f"{path}/{second}/tags") == {}
    (await server.get(f"{at}/other")).is_status(404)
    await server.unset(f"{at}/camera")
    (await server.get(f"{at}/camera")).is_status(404)
    (await server.delete(f"{at}/camera")).is_status(404)
    assert await server.read(at) == {"players": ["seven", "nine"]}
    await server.unset(at)
    assert await server.read(at) == {}


async def test_all_tags_are_replaced_at_once_and_shown_with_their_segment(server):
    path, [first, *_] = await filled(server)
    segment_id = (await server.read(f"{path}/{first}"))["id"]
    await server.set(f"{path}/{segment_id}/tags/old", "yes")
    await server.set(f"{path}/{segment_id}/tags", TAGS)
    assert await server.read(f"{path}/{first}/tags") == TAGS
    assert (await server.read(f"{path}/{segment_id}"))["tags"] == TAGS
    assert all("tags" not in one for one in await server.read(path))
    odd = "a/b ü?"
    await server.set(f"{path}/{segment_id}/tags/a%2Fb%20%C3%BC%3F", "x")
    assert (await server.read(f"{path}/{segment_id}/tags"))[odd] == "x"


async def test_each_segment_of_an_object_has_tags_of_its_own(server):
    path, [first, *_] = await filled(server)
    other = (await server.flow())["id"]
    await server.segment(other, "[0:0_1:0)", object_id=first)
    await server.set(f"{path}/{first}/tags", TAGS)
    assert await server.read(f"/flows/{other}/segments/{first}/tags") == {}


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("/tags", [], "tags"),
        ("/tags", {"a": 5}, "tags.a"),
        ("/tags", {"a": []}, "tags.a: a list must hold strings"),
        ("/tags", {"a": ["x", "x"]}, "tags.a: a list must hold strings, each of them once"),
        ("/tags", {"": "x"}, "tags: each name must have 1 to 256 bytes"),
        ("/tags", {"ü" * 129: "x"}, "tags: each name must have 1 to 256 bytes"),
        ("/tags", {"a": "ü" * 513}, "tags.a: a string may have 1024 bytes"),
        ("/tags", {f"{n}": "x" for n in range(101)}, "tags: they may hold 100 strings"),
        ("/tags/a", 5, "a"),
        ("/tags/a", None, "a"),
        ("/tags/a", [], "tags.a: a list must hold"),
    ],
)
async def test_what_are_no_tags_is_refused_and_changes_nothing(server, name, body, says):
    path, [first, *_] = await filled(server)
    at = f"{path}/{first}"
    await server.set(f"{at}/tags", TAGS)
    content = b"null" if body is None else None
    refusal = await server.put(f"{at}{name}", body, content=content)
    assert refusal.is_status(400).json["summary"].startswith(says)
    assert await server.read(f"{at}/tags") == TAGS


async def test_the_longest_tags_are_kept(server):
    path, [first, *_] = await filled(server)
    longest = {"n" * 256: "v" * 1024, "ü" * 128: ["ü" * 512]}
    await server.set(f"{path}/{first}/tags", longest)
    assert await server.read(f"{path}/{first}/tags") == longest


async def test_a_read_only_flow_keeps_the_tags_of_its_segments(server):
    path, [first, *_] = await filled(server)
    at = f"{path}/{first}/tags"
    await server.set(at, TAGS)
    flow = path.removesuffix("/segments")
    await server.set(f"{flow}/read_only", True)
    (await server.put(at, {})).is_status(403)
    (await server.put(f"{at}/camera", "4")).is_status(403)
    (await server.delete(at)).is_status(403)
    (await server.delete(f"{at}/camera")).is_status(403)
    assert await server.read(at) == TAGS


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_is_not_there_gets_no_tags(server, method):
    path, _ = await filled(server)
    for at in (path, f"/flows/{new_id()}/segments"):
        body = TAGS if method == "PUT" else None
        (await server.request(method, f"{at}/{new_id()}/tags", body)).is_status(404)


async def seconds(server, path, filters, **more):
    found = await server.read(path + query(filters, **more))
    return [int(one["timerange"][1]) for one in found]


@pytest_asyncio.fixture(loop_scope="module")
async def tagged(server):
    path, ids = await filled(server, 6)
    for second, tags in enumerate(
        [{"kind": "goal"}, {}, {"kind": "foul"}, {"kind": ["goal", "foul"]}, {"of": "red"}]
    ):
        await server.set(f"{path}/{ids[second]}/tags", tags)
    return path


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"tag.kind": "goal"}, [0, 3]),
        ({"tag.kind": "goal,foul"}, [0, 2, 3]),
        ({"tag_exists.kind": "true"}, [0, 2, 3]),
        ({"tag_exists.kind": "false"}, [1, 4, 5]),
        ({"tag_exists.kind": "false", "tag.of": "red"}, [4]),
        ({"tag.kind": "none"}, []),
        ({"tag.kind": "goal", "timerange": "[1:0_6:0)"}, [3]),
    ],
)
async def test_a119_segments_are_listed_by_their_tags(server, tagged, filters, found):
    assert await seconds(server, tagged, filters) == found
    assert await seconds(server, tagged, filters, reverse_order="true") == found[::-1]


@pytest.mark.parametrize("asked", ["tag%2Ekind=none", "%74ag.kind=none", "t%61g%5fexists.no=true"])
async def test_a_filter_may_be_percent_encoded(server, tagged, asked):
    assert await server.read(f"{tagged}?{asked}") == []


async def test_a119_pages_are_of_what_passes(server, tagged):
    first = (await server.get(f"{tagged}?tag.kind=goal,foul&limit=2")).is_status(200)
    assert first.headers["X-Paging-Count"] == "2"
    assert first.headers["X-Paging-Timerange"] == "[0:0_3:0)"
    assert "tag.kind=goal,foul" in first.headers["Link"]
    link = first.headers["Link"].partition(">")[0].strip("<")
    second = (await server.get(link)).is_status(200)
    assert [one["timerange"] for one in second.json] == ["[3:0_4:0)"]
    assert "Link" not in second.headers


async def test_a_listing_by_tags_is_the_standards_in_all_else(server, tagged):
    whole = {one["timerange"]: one for one in await server.read(tagged)}
    for one in await server.read(f"{tagged}?tag_exists.kind=true"):
        assert one == whole[one["timerange"]]
    assert await seconds(server, tagged, {"tag_exists.kind": "true", "accept_get_urls": ""})
    assert await server.read(f"/flows/{new_id()}/segments?tag.kind=goal") == []


@pytest.mark.parametrize("asked", ["tag_exists.kind=maybe", "tag.kind=goal&limit=0"])
async def test_a_bad_filter_is_refused(server, tagged, asked):
    (await server.get(f"{tagged}?{asked}")).is_status(400)


async def test_tags_go_with_their_segments(server, tagged):
    (await server.delete(f"{tagged}?timerange=[0:0_4:0)")).is_status(204)
    flow_id = tagged.split("/")[2]
    await server.segments(flow_id, [f"[{n}:0_{n + 1}:0)" for n in range(4)])
    assert await seconds(server, tagged, {"tag_exists.kind": "true"}) == []
    assert await seconds(server, tagged, {"tag.of": "red"}) == [4]


async def test_a_form_without_a_file_brings_tags(server):
    path, [first, *_] = await filled(server)
    body = {"object_id": first, "timerange": "[20:0_21:0)", "ts_offset": "20:0", "tags": TAGS}
    flow_id = path.split("/")[2]
    answer = (await send(server, flow_id, declared(body))).is_status(201).json
    assert answer["tags"] == TAGS
    assert await server.read(f"{path}/{answer['id']}/tags") == TAGS
    assert await server.read(f"{path}/{first}/tags") == {}  # of the earlier Segment
