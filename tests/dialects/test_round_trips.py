"""What one version writes another reads, and nothing is lost by a version that does not know it."""

from __future__ import annotations

import pytest

from tams.conformance.server import flow_body, new_id
from tests.dialects.driving import INIT, NO_RATE, VFR

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEFORE_8_2 = ("6.0", "7.0", "8.0", "8.1")
BEFORE_8_0 = ("6.0", "7.0")
"""Versions of string tags, and of webhooks without ids."""

VIDEO = "urn:x-nmos:format:video"
IMAGE = "urn:x-tam:format:image"


async def _put_back(api, flow, **changes):
    """GET a Flow and PUT it again, as a client does that changes something else."""
    path = f"/flows/{flow['id']}"
    await api.set(path, await api.read(path) | changes)


@pytest.mark.parametrize(
    "special",
    [
        {"status": "ingesting"},
        {"essence_parameters": INIT, "container": "video/mp4"},
        {"essence_parameters": VFR},
        {"essence_parameters": NO_RATE | {"frame_rate": {"numerator": 25}, "vfr": False}},
        {"tags": {"many": ["a", "b"], "one": "a"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_what_the_version_does_not_know_stays(server, api, special):
    flow = await server.flow(**special)
    await _put_back(api, flow, label="changed")
    assert await server.read(f"/flows/{flow['id']}") == flow | {"label": "changed"} | {
        name: value
        for name, value in (await server.read(f"/flows/{flow['id']}")).items()
        if name in ("metadata_version", "metadata_updated")
    }


@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_a_flow_that_is_put_as_it_was_read_is_not_changed(server, api):
    fixed = NO_RATE | {"frame_rate": {"numerator": 25}, "vfr": False}
    kinds = {kind: {} for kind in ("audio", "image", "data", "multi")}
    for kind, fields in {"video": {"essence_parameters": fixed}, **kinds}.items():
        flow = await server.flow(kind, **fields)
        await _put_back(api, flow)
        assert await server.read(f"/flows/{flow['id']}") == flow
    collector = await server.flow("multi", flow_collection=[{"id": flow["id"]}])
    await _put_back(api, collector)
    assert await server.read(f"/flows/{collector['id']}") == collector


@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_a_flow_keeps_its_profile(server, api):
    profile = {"id": new_id(), "flow_metadata": TECHNICAL}
    (await server.post(f"/service/profiles/{profile['id']}", profile)).is_status(201)
    body = {"id": new_id(), "source_id": new_id(), "profile_id": profile["id"]}
    flow = (await server.put(f"/flows/{body['id']}", body)).is_status(201).json
    assert "profile_id" not in await api.read(f"/flows/{flow['id']}")
    await _put_back(api, flow, label="changed")
    kept = await server.read(f"/flows/{flow['id']}")
    assert (kept["profile_id"], kept["label"]) == (profile["id"], "changed")
    path = f"/flows/{flow['id']}"
    other = await api.read(path) | {"codec": "text/html"}
    assert "Profile" in (await api.put(path, other)).is_status(400).json["summary"]


TECHNICAL = {"format": "urn:x-nmos:format:data", "codec": "text/plain", "essence_parameters": {}}


@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_what_is_later_is_neither_shown_nor_taken(server, api):
    flow = await server.flow(status="ingesting", essence_parameters=INIT, container="video/mp4")
    path = f"/flows/{flow['id']}"
    seen = await api.read(path)
    assert seen.keys().isdisjoint({"status", "profile_id"})
    assert "init_segments" not in seen["essence_parameters"]
    await api.set(path, seen | {"status": 5, "profile_id": "none"})
    essence = seen["essence_parameters"] | {"init_segments": False}
    refusal = (await api.put(path, seen | {"essence_parameters": essence})).is_status(400).json
    assert refusal["summary"].startswith("essence_parameters.init_segments: it must be left")
    assert await server.read(path) == flow


@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_every_member_has_a_role(server, api):
    members = [await server.flow("audio"), await server.flow("data")]
    collection = [{"id": members[0]["id"]}, {"id": members[1]["id"], "role": "words"}]
    collector = await server.flow("multi", flow_collection=collection)
    path = f"/flows/{collector['id']}"
    shown = [item | {"role": item.get("role", "")} for item in collection]
    assert (await api.read(path))["flow_collection"] == shown
    assert await api.read(f"{path}/flow_collection") == shown
    source = await api.read(f"/sources/{collector['source_id']}")
    assert [item["role"] for item in source["source_collection"]] == ["", "words"]
    await api.set(f"{path}/flow_collection", shown[::-1])
    assert await server.read(f"{path}/flow_collection") == collection[::-1]


@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_init_objects_are_hidden(server, api):
    flow = await server.flow(container="video/mp4", essence_parameters=INIT)
    [media, init] = [one["object_id"] for one in await server.allocate(flow["id"], 2)]
    await server.segment(flow["id"], "[0:0_1:0)", object_id=media, init_object_id=init)
    [segment] = await api.read(f"/flows/{flow['id']}/segments")
    assert (segment["object_id"], "init_object" in segment) == (media, False)
    assert (await server.get(f"/objects/{init}")).status == 200
    (await api.get(f"/objects/{init}")).is_status(404)
    (await api.head(f"/objects/{init}")).is_status(404)


async def test_an_object_is_its_flows_and_since_8_0_more(server, api, version):
    if version == "6.0":
        return
    flow = await server.flow()
    segment = await server.segment(flow["id"], "[0:0_1:0)", key_frame_count=1)
    path = f"/objects/{segment['object_id']}"
    seen = await api.read(path)
    names = {"id", "referenced_by_flows", "first_referenced_by_flow"}
    more = {"timerange", "key_frame_count", "get_urls"}
    assert seen.keys() == (names if version == "7.0" else names | more)
    assert {name: (await server.read(path))[name] for name in names} == {
        name: seen[name] for name in names
    }


async def test_get_urls_have_what_the_version_knows(server, api, version):
    flow = await server.flow()
    await server.segment(flow["id"], "[0:0_1:0)")
    path = f"/flows/{flow['id']}/segments?verbose_storage=true"
    [[present], [seen]] = [(await one.read(path))[0]["get_urls"] for one in (server, api)]
    hidden = {"6.0": present.keys() - {"url", "label"}, "8.2": set()}.get(version, {"tags"})
    assert present["tags"]["tier"] == "hot"
    assert seen == {name: value for name, value in present.items() if name not in hidden}
    assert seen["url"].startswith(f"{server.base}/media/")


@pytest.mark.parametrize("version", BEFORE_8_2)
async def test_an_objects_timerange_is_shown_where_it_is_another(server, api, version):
    flow = await server.flow()
    await server.segment(flow["id"], "[0:0_1:0)")
    await server.segment(flow["id"], "[1:0_2:0)", object_timerange="[1:0_5:0)")
    path = f"/flows/{flow['id']}/segments?include_object_timerange=true"
    seen = [one.get("object_timerange") for one in await api.read(path)]
    assert seen == [None, None if version in BEFORE_8_0 else "[1:0_5:0)"]


async def test_what_is_not_set_is_null_or_not_there(server, api, version):
    flow = await server.flow()
    for resource in (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"):
        for name in ("label", "description"):
            answer = await api.get(f"{resource}/{name}")
            if version in ("8.1", "8.2"):
                assert answer.is_status(200).json is None
            else:
                assert "not set" in answer.is_status(404).json["summary"]
            assert (await api.head(f"{resource}/{name}")).status == answer.status
    rate = await api.get(f"/flows/{flow['id']}/max_bit_rate")
    assert rate.status == (200 if version in ("8.1", "8.2") else 404)


@pytest.mark.parametrize(
    ("asked", "clipped"),
    [("[5:0_15:0)", "[5:0_15:0)"), ("[5:0_7:0]", "[5:0_7:0]"), ("[40:0_50:0)", "()"), ("_", None)],
)
async def test_the_timerange_of_a_flow_was_clipped(server, api, version, asked, clipped):
    flow = await server.flow()
    await server.segments(flow["id"], ["[0:0_10:0)", "[10:0_20:0)", "[20:0_30:0)"])
    path = f"/flows/{flow['id']}?include_timerange=true&timerange={asked}"
    envelope = (await server.read(path))["timerange"]
    older = version not in ("8.1", "8.2") and clipped is not None
    assert (await api.read(path))["timerange"] == (clipped if older else envelope)


@pytest.mark.parametrize("version", BEFORE_8_0)
async def test_tags_are_strings(server, api):
    flow = await server.flow(tags={"many": ["a", "b"], "one": "c"})
    for resource in (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"):
        assert (await api.read(resource))["tags"] == {"many": "a,b", "one": "c"}
        assert await api.read(f"{resource}/tags") == {"many": "a,b", "one": "c"}
        assert await api.read(f"{resource}/tags/many") == "a,b"
        (await api.put(f"{resource}/tags/new", ["a"])).is_status(400)
    path = f"/flows/{flow['id']}"
    (await api.put(path, await api.read(path) | {"tags": {"new": ["a"]}})).is_status(400)
    await api.set(path, await api.read(path) | {"tags": {"many": "a,b,c", "new": "d"}})
    assert (await server.read(path))["tags"] == {"many": "a,b,c", "new": "d"}


@pytest.mark.parametrize("version", ["8.0", "8.1"])
async def test_one_tag_is_a_string_where_all_of_them_may_be_arrays(server, api):
    flow = await server.flow(tags={"many": ["a", "b"]})
    path = f"/flows/{flow['id']}/tags"
    assert await api.read(path) == {"many": ["a", "b"]}
    assert await api.read(f"{path}/many") == "a,b"
    await api.set(f"{path}/more", ["c"])
    assert await server.read(f"{path}/more") == ["c"]


async def test_a_comma_in_a_tag_filter_is_part_of_the_value_up_to_7_0(server, api, version):
    name = new_id()
    whole = await server.flow(tags={name: "a,b"})
    part = await server.flow(tags={name: "a"})
    for kind, key in (("flows", "id"), ("sources", "source_id")):
        found = await api.ids(f"/{kind}", {f"tag.{name}": "a,b"})
        assert found == [(whole if version in BEFORE_8_0 else part)[key]]


@pytest.mark.parametrize("version", BEFORE_8_0)
async def test_links_lead_on_with_the_same_filter(server, api):
    name = new_id()
    flows = [await server.flow(tags={name: "a,b"}) for _ in range(3)]
    first = await api.get(f"/flows?tag.{name}=a,b&limit=2")
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    assert link.startswith(f"{api.base}/flows?")
    rest = await api.get(link)
    found = [flow["id"] for answer in (first, rest) for flow in answer.is_status(200).json]
    assert sorted(found) == sorted(flow["id"] for flow in flows)


@pytest.mark.parametrize("version", BEFORE_8_0)
async def test_video_without_a_rate_varies(server, api):
    body = flow_body(essence_parameters=NO_RATE)
    path = f"/flows/{body['id']}"
    created = (await api.put(path, body)).is_status(201).json
    assert created["essence_parameters"] == NO_RATE
    assert (await server.read(path))["essence_parameters"] == VFR
    await _put_back(api, body, label="changed")
    assert (await server.read(path))["essence_parameters"] == VFR
    refusal = await api.put(path, body | {"essence_parameters": VFR})
    assert (
        refusal.is_status(400).json["summary"].startswith("essence_parameters.vfr: it must be left")
    )


@pytest.mark.parametrize("version", ["8.0", "8.1", "8.2"])
async def test_video_without_a_rate_is_refused_since_8_0(api):
    body = flow_body(essence_parameters=NO_RATE)
    (await api.put(f"/flows/{body['id']}", body)).is_status(400)


async def test_urls_without_a_label_get_one_up_to_7_0(server, api, version):
    flow = await server.flow()
    url = f"https://elsewhere.example.com/{new_id()}"
    body = {"object_id": new_id(), "timerange": "[0:0_1:0)", "get_urls": [{"url": url}]}
    answer = await api.post(f"/flows/{flow['id']}/segments", body)
    if version not in BEFORE_8_0:
        answer.is_status(400)
        return
    answer.is_status(201)
    (await api.post(f"/flows/{flow['id']}/segments", body)).is_status(201)  # a retry
    [segment] = await server.read(f"/flows/{flow['id']}/segments")
    [place] = segment["get_urls"]
    assert (place["url"], place["label"].partition("-")[0]) == (url, "uncontrolled")


async def test_partial_use_of_an_object_by_samples_is_stored_and_returned(server, api):
    flow, other = await server.flow(), await server.flow()
    segment = await server.segment(flow["id"], "[0:0_10:0)")
    part = {"object_id": segment["object_id"], "timerange": "[2:0_4:0)"}
    part |= {"sample_offset": 50, "sample_count": 50}
    (await api.post(f"/flows/{other['id']}/segments", part)).is_status(201)
    for one in (server, api):
        [seen] = await one.read(f"/flows/{other['id']}/segments?accept_get_urls=")
        assert seen == part


async def test_one_segment_at_a_time_in_6_0(server, speak):
    flow = await server.flow()
    [allocated] = await server.allocate(flow["id"])
    body = {"object_id": allocated["object_id"], "timerange": "[0:0_1:0)"}
    path = f"/flows/{flow['id']}/segments"
    assert "one Segment" in (await speak("6.0").post(path, [body])).is_status(400).json["summary"]
    assert await server.read(path) == []
    (await speak("7.0").post(path, [body])).is_status(201)


async def test_loose_timestamps_are_read_in_6_0(server, speak):
    flow = await server.flow()
    path = f"/flows/{flow['id']}/segments"
    [allocated] = await server.allocate(flow["id"])
    loose = {"timerange": "[00:000_1:01500000000)", "ts_offset": "-00:0500000000"}
    body = {"object_id": allocated["object_id"], **loose}
    (await speak("7.0").post(path, body)).is_status(400)
    (await speak("6.0").post(path, body)).is_status(201)
    [seen] = await speak("6.0").read(path)
    assert (seen["timerange"], seen["ts_offset"]) == ("[0:0_2:500000000)", "-0:500000000")
    for asked, found in (("[002:0_03:0)", 1), ("[03:0_04:0)", 0), ("%5B02%3A0_03%3A00)", 1)):
        assert len(await speak("6.0").read(f"{path}?timerange={asked}")) == found
    (await speak("7.0").get(f"{path}?timerange=[002:0_03:0)")).is_status(400)
    (await speak("6.0").delete(f"{path}?timerange=[0:0_0003:0)")).is_status(204)
    assert await server.read(path) == []


async def test_an_image_is_a_video_without_a_rate_in_6_0(server, speak):
    old, flow = speak("6.0"), await server.flow("image")
    path = f"/flows/{flow['id']}"
    seen = await old.read(path)
    assert (seen["format"], seen["essence_parameters"]) == (VIDEO, flow["essence_parameters"])
    assert (await old.read(f"/sources/{flow['source_id']}"))["format"] == VIDEO
    await old.set(path, seen | {"label": "changed"})
    kept = await server.read(path)
    assert (kept["format"], kept["label"]) == (IMAGE, "changed")
    rated = seen["essence_parameters"] | {"frame_rate": {"numerator": 25}}
    (await old.put(path, seen | {"essence_parameters": rated})).is_status(400)
    assert await server.read(path) == kept


@pytest.mark.parametrize("version", BEFORE_8_0)
async def test_storage_is_asked_for_as_the_version_can(server, api, version):
    flow = await server.flow()
    named = f"named-{new_id()}"
    asked = {"object_ids": [named], "content_type": "text/plain", "presigned": False}
    if version == "6.0":
        asked |= {"limit": 1}
    [item] = (
        (await api.post(f"/flows/{flow['id']}/storage", asked)).is_status(201).json["media_objects"]
    )
    assert (item["object_id"] == named) is (version == "7.0")
    assert item["put_url"]["content-type"] == "video/mp2t"
    assert "presigned" not in item
    (await api.upload(item, b"media")).is_status(200)


async def test_a_service_says_its_version(api, version):
    service = await api.read("/service")
    assert service["api_version"] == version
    assert service.get("media_store") == (
        {"type": "http_object_store"} if version == "6.0" else None
    )
    assert ("min_object_timeout" in service) is (version in ("8.1", "8.2"))
    assert "extensions" not in service
    assert service["event_stream_mechanisms"] == [{"name": "webhooks"}]
    (await api.get("/events")).is_status(404)


async def test_a_base_path_leads_to_the_list_of_paths(server, api):
    for path in ("/", ""):
        assert await api.read(path) == await server.read("/")


async def test_a_body_that_is_no_json_is_refused_as_at_the_root(server, api):
    flow = await server.flow()
    for path in (f"/flows/{flow['id']}", f"/flows/{flow['id']}/tags/a"):
        [ours, theirs] = [await one.put(path, content=b'{"a": NaN') for one in (server, api)]
        assert ours.is_status(400).json["summary"] == theirs.is_status(400).json["summary"]
    assert await server.read(f"/flows/{flow['id']}") == flow


async def test_a_flow_that_a_version_makes_is_one_of_all(server, api, speak):
    created = await api.flow(label="told", tags={"one": "a"})
    (await api.put(f"/flows/{created['id']}", created | {"id": new_id()})).is_status(400)
    for version in BEFORE_8_2:
        assert (await speak(version).read(f"/flows/{created['id']}"))["label"] == "told"
    for name in ("id", "source_id", "label", "tags", "essence_parameters", "metadata_version"):
        assert (await server.read(f"/flows/{created['id']}"))[name] == created[name]
