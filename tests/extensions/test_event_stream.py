"""What happens now, as Server-Sent Events and over a WebSocket."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from tams.conformance.server import bearer, new_id, query
from tests.authority import guarding, issuing, token
from tests.serving import serving
from tests.streams import rest, server_sent, socket, told, types

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERY = [
    "flows/created", "flows/updated", "flows/deleted", "flows/segments_added",
    "flows/segments_deleted", "sources/created", "sources/updated", "sources/deleted",
    "objects/created", "objects/deleted", "collections/created", "collections/updated",
    "collections/deleted",
]  # fmt: skip


@pytest.fixture(params=[server_sent, socket], ids=["server-sent", "socket"])
def following(request):
    """Each way of following events."""
    return request.param


async def labels(server, path, *given):
    for label in given:
        await server.set(f"{path}/label", label)


async def history(server, **filters):
    return await server.read(f"/events{query(filters)}")


async def flow_of(server, **fields):
    flow = await server.flow(**fields)
    return flow, f"/flows/{flow['id']}"


async def test_a192_c019_c001_what_happens_is_told_as_it_happens(server, following):
    async with following(server, "?accept_get_urls=") as stream:
        flow, path = await flow_of(server)
        source = f"/sources/{flow['source_id']}"
        [first, second] = await server.segments(flow["id"], ["[0:0_1:0)", "[1:0_2:0)"])
        await labels(server, source, "told")
        await server.delete(f"{path}/segments?timerange=[0:0_1:0)")
        await labels(server, path, "told")
        found = await told(stream, 9)
        assert types(found) == [
            "sources/created", "flows/created", "flows/segments_added", "objects/created",
            "objects/created", "sources/updated", "flows/segments_deleted", "objects/deleted",
            "flows/updated",
        ]  # fmt: skip
        assert found[1]["event"]["flow"]["id"] == flow["id"]
        assert found[5]["event"]["source"]["label"] == "told"
        assert [each["event"]["object"]["id"] for each in found[3:5]] == [
            first["object_id"], second["object_id"],
        ]  # fmt: skip
        assert found[7]["event"] == {"object_id": first["object_id"], "flow_id": flow["id"]}
        await server.delete(path)
        found += await told(stream, 2)
        assert types(found[9:]) == ["flows/deleted", "sources/deleted"]
        await server.wait(1)
        found += await told(stream, 1)
        assert found[-1]["event"] == {"object_id": second["object_id"], "flow_id": flow["id"]}
        assert stream.last == found[-1]["event_id"]
    asked = {"source_ids": flow["source_id"], "accept_get_urls": ""}
    assert await history(server, **asked) == found


async def test_server_sent_events_are_named_by_their_types(server):
    async with server_sent(server) as stream:
        await server.flow()
        assert types(await told(stream, 2)) == stream.names == ["sources/created", "flows/created"]


async def test_a_stream_goes_on_where_its_client_was(server, following):
    """By the header, as a browser does, or by the parameter, since none lets scripts set it."""
    async with following(server, "?types=flows/updated,flows/created") as stream:
        flow, path = await flow_of(server)
        await labels(server, path, "one", "two", "three")
        known = (await told(stream, 3))[-1]["event_id"]
    await labels(server, path, "four", "five")
    asked = query(flow_ids=flow["id"], types="flows/updated")
    for parameter, headers in (
        ("", {"Last-Event-ID": known}),
        (f"&last_event_id={known}", {}),
        ("&last_event_id=1", {"Last-Event-ID": known}),  # the header is newer than the URL
    ):
        async with following(server, asked + parameter, **headers) as stream:
            found = [one["event"]["flow"]["label"] for one in await told(stream, 3)]
            assert found == ["three", "four", "five"]
    async with following(server, asked, **{"Last-Event-ID": known}) as stream:
        await told(stream, 3)
        await labels(server, path, "six")
        assert (await told(stream, 1))[0]["event"]["flow"]["label"] == "six"


async def test_a_stream_goes_on_within_what_came_together(server, following):
    """One registration is one event of Segments and several of Objects; each is a place."""
    flow, _ = await flow_of(server)
    bodies = await server.segments(flow["id"], [f"[{at}:0_{at + 1}:0)" for at in range(4)])
    ids = [body["object_id"] for body in bodies]
    found = await history(server, flow_ids=flow["id"], types="objects/created")
    assert [one["event"]["object"]["id"] for one in found] == ids
    asked = query(flow_ids=flow["id"], types="objects/created,flows/segments_added")
    async with following(server, asked, **{"Last-Event-ID": found[1]["event_id"]}) as stream:
        assert await told(stream, 2) == found[2:]


async def test_a_client_that_knew_what_has_expired_is_told_so(tmp_path, sqlite_url, following):
    async with serving(tmp_path, sqlite_url) as server:
        _, path = await flow_of(server)
        known = (await history(server))[0]["event_id"]
        await labels(server, path, "lost")
        await server.wait(1)
        await server.wait(8 * 86400)
        await labels(server, path, "kept")
        async with following(server, f"?last_event_id={known}") as stream:
            first, second = await told(stream, 2)
        assert first["event_type"] == "expired"
        assert first["event"]["last_event_id"] == known
        assert first["event"]["summary"].startswith(f"event {known}: what followed it is not kept")
        assert second["event"]["flow"]["label"] == "kept"
        gone = (await server.get(f"/events?page={known}")).is_status(410)
        assert gone.json["type"] == "Expired"
        other = second["event_id"].partition("-")[0] + "-1"
        assert "is not of this log" in (await server.get(f"/events?page={other}")).json["summary"]
        beyond = (await server.get("/events?page=9999")).is_status(410)
        assert "is not of this log" in beyond.json["summary"]


async def test_a_silent_stream_beats_and_its_place_moves_on(tmp_path, sqlite_url):
    async with serving(tmp_path, sqlite_url, event_heartbeat="0.05") as server:
        async with server_sent(server, "?types=sources/deleted") as stream:
            began = stream.last
            _, path = await flow_of(server)
            while stream.last == began:
                assert await stream.block() == {"id": stream.last}
        async with server_sent(server, "", **{"Last-Event-ID": stream.last}) as stream:
            await labels(server, path, "later")
            [found] = [one for one in await told(stream, 1) if one["event_type"] == "flows/updated"]
            assert found["event"]["flow"]["label"] == "later"


async def test_a_stream_ends_after_its_time_and_goes_on_in_another(tmp_path, sqlite_url, following):
    settings = {"event_heartbeat": "0.02", "event_stream_lifetime": "0.05"}
    async with serving(tmp_path, sqlite_url, **settings) as server:
        _, path = await flow_of(server)
        known, seen = "0", []
        left = list("abcdef")
        while len(seen) < 6:  # the last stream may end before the last event was found
            await labels(server, path, *left[:1])
            del left[:1]
            async with following(server, f"?types=flows/updated&last_event_id={known}") as stream:
                seen += await rest(stream)
                known = stream.last or known
        assert [one["event"]["flow"]["label"] for one in seen] == list("abcdef")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("types=flows/renamed", "types: each must be one of flows/created, "),
        ("types=", "types: each must be one of flows/created, "),
        ("flow_ids=x", "flow_ids: it must be a lower-case UUID"),
        ("flow_ids=", "flow_ids: it must hold at least one"),
        ("source_collected_by_ids=x", "source_collected_by_ids: it must be a lower-case UUID"),
        ("presigned=1", "presigned: it must be true or false"),
        ("flow_id=x", "query: it must have no parameter but"),
        ("last_event_id=x", "last_event_id: it must be the id of an event"),
        ("last_event_id=1.2.3", "last_event_id: it must be the id of an event"),
        ("page=1", "query: it must have no parameter but"),
    ],
)
async def test_what_no_stream_can_be_is_refused(server, wrong, reason):
    refusal = (await server.get(f"/events/stream?{wrong}")).is_status(400)
    assert refusal.json["summary"].startswith(reason)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with socket(server, f"?{wrong}"):
            pass
    assert refused.value.status == 400


SITE = {"Origin": "https://pages.example"}


async def joins(server, **headers):
    """Whether a WebSocket opens with these headers; else it is a 403."""
    try:
        async with socket(server, **headers):
            return True
    except aiohttp.WSServerHandshakeError as refused:
        if refused.status != 403:
            raise
        return False


async def test_pages_of_other_sites_open_a_socket_where_cors_lets_them_ask(tmp_path, sqlite_url):
    for origins, joined in (("*", True), ("https://pages.example", True), ("", False),
                            ("https://other.example,http://pages.example", False)):  # fmt: skip
        async with serving(tmp_path, sqlite_url, cors_origins=origins) as server:
            assert await joins(server, **SITE) is joined
            assert await joins(server)
            assert await joins(server, Origin=server.base)
            assert not await joins(server, Origin="null") or origins == "*"


async def test_pages_open_no_socket_with_what_the_browser_keeps(tmp_path, sqlite_url):
    kept = {**SITE, "Authorization": "Basic eDp5"}
    async with serving(tmp_path, sqlite_url) as server:
        assert not await joins(server, **kept)
        assert await joins(server, **{**kept, "Origin": server.base})
    chosen = {"cors_origins": SITE["Origin"], "cors_credentials": "true"}
    async with serving(tmp_path, sqlite_url, **chosen) as server:
        assert await joins(server, **kept)


async def test_the_public_url_is_the_servers_own(tmp_path, sqlite_url):
    chosen = {"cors_origins": "", "public_url": "https://pages.example/store"}
    async with serving(tmp_path, sqlite_url, **chosen) as server:
        assert await joins(server, **SITE)


async def test_a_head_of_a_stream_ends(server):
    head = (await server.head("/events/stream")).is_status(200)
    assert head.headers["Content-Type"].startswith("text/event-stream")
    (await server.head("/events/stream?types=x")).is_status(400)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_events_cannot_be_written(server, method):
    for path in ("/events", "/events/stream", "/events/flows/created"):
        (await server.request(method, path)).is_status(405)
    (await server.get("/events/ws")).is_status(404)


async def test_who_follows_is_known_before_anything_else(tmp_path_factory):
    async with (
        issuing() as issuer,
        guarding(tmp_path_factory.mktemp("guarded"), issuer.url) as server,
    ):
        for shown, status in (
            ({}, 401),
            (bearer("wrong"), 401),
            (bearer(token("tams-api/write")), 403),
        ):
            caller = replace(server, headers=shown)
            (await caller.get("/events/stream?types=x")).is_status(status)
            (await caller.get("/events?limit=x")).is_status(status)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with socket(caller, "?types=x", **shown):
                    pass
            assert refused.value.status == status
        reader = token("tams-api/read")
        for following in (server_sent, socket):
            for asked, shown in (("", bearer(reader)), (f"?access_token={reader}", {})):
                async with following(replace(server, headers={}), asked, **shown) as stream:
                    await server.flow()
                    assert types(await told(stream, 2)) == ["sources/created", "flows/created"]


async def test_what_a_client_says_over_its_socket_changes_nothing(server):
    async with socket(server, "?types=flows/created") as stream:
        for _ in range(3):
            await stream.socket.send_str('{"types": ["flows/deleted"]}')
            await stream.socket.send_bytes(b"\0" * 1000)
        flow = await server.flow()
        assert (await told(stream, 1))[0]["event"]["flow"]["id"] == flow["id"]


async def test_both_ways_are_advertised(server):
    mechanisms = (await server.read("/service"))["event_stream_mechanisms"]
    assert mechanisms == [
        {"name": "webhooks"},
        {"name": "server-sent-events", "config": {"path": "/events/stream"}},
        {"name": "websocket", "config": {"path": "/events/ws"}},
    ]


async def test_where_it_is_off_there_is_nothing_of_it(tmp_path, sqlite_url):
    async with serving(tmp_path, sqlite_url, extensions="whole-tags") as server:
        assert (await server.read("/service"))["event_stream_mechanisms"] == [{"name": "webhooks"}]
        for path in ("/events", "/events/stream", "/events/flows/created"):
            (await server.get(path)).is_status(404)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with socket(server):
                pass


async def test_c020_dotted_names_of_types_are_understood(server):
    """What a stream tells has the standard's names."""
    wanted = query(types="flow.created,segment.created,segment.deleted,object.deleted")
    async with server_sent(server, wanted) as stream:
        flow, path = await flow_of(server)
        await server.segment(flow["id"], "[0:0_1:0)")
        await server.delete(f"{path}/segments")
        assert types(await told(stream, 4)) == [
            "flows/created", "flows/segments_added", "flows/segments_deleted", "objects/deleted",
        ]  # fmt: skip
    (await server.get("/events?types=segment.updated")).is_status(400)
    for name in EVERY:
        dotted = name.replace("s/", ".")
        assert (await server.get(f"/events?types={dotted}&entity={new_id()}")).is_status(200)
