"""Query parameters that break a rule: refused by name, value and rule, and nothing changes."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tams.api.query import MAX_TAG_CONDITIONS
from tams.conformance.media import forged
from tests.api.test_bad_flows import BAD_IDS
from tests.api.test_bad_segments import BAD_TIMERANGES
from tests.ledger import ledger

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEGMENTS = "{flow}/segments"
OBJECT = "/objects/{object}"
PROFILES = "/service/profiles"
LISTS = ["/flows", "/sources", SEGMENTS, "/service/storage-backends", OBJECT, PROFILES]
NOT_FLAGS = ["", "yes", "1", "0", "TRUE", "truee", "null", "true,false"]

BAD = [
    *[(path, "limit", bad, "1 or more") for path in LISTS for bad in ("0", "-1")],
    *[
        (path, "limit", bad, "whole number")
        for path in LISTS
        for bad in ("", "x", "1.0", "1e1", "0x1", " 1", "\u0661", str(2**64), str(10**40))
    ],
    *[(path, "page", bad, "") for path in LISTS for bad in ("abc", "", "[]", "9" * 40, "{", "é")],
    *[(path, "reverse_order", bad, "true or false") for path in LISTS[:4] for bad in NOT_FLAGS],
    *[(path, "tag_exists.x", bad, "true or false") for path in LISTS[:2] for bad in NOT_FLAGS],
    ("/service/storage-backends", "tag_exists.x", "yes", "true or false"),
    (OBJECT, "flow_tag_exists.x", "yes", "true or false"),
    *[
        (path, name, bad, "true or false")
        for path in (SEGMENTS, OBJECT)
        for name in ("presigned", "verbose_storage", "storage_backend_tag_exists.x")
        for bad in NOT_FLAGS[:3]
    ],
    (SEGMENTS, "include_object_timerange", "yes", "true or false"),
    *[("/flows", "source_id", bad, "UUID") for bad in BAD_IDS],
    *[("/flows", "profile_id", bad, "UUID") for bad in BAD_IDS],
    *[(path, "collected_by_ids", bad, "UUID") for path in LISTS[:2] for bad in BAD_IDS[:-1]],
    *[
        (path, "accept_storage_ids", bad, "UUID")
        for path in (SEGMENTS, OBJECT)
        for bad in BAD_IDS[:3]
    ],
    *[
        (path, "timerange", bad, "timerange")
        for path in ("/flows", SEGMENTS, "{flow}")
        for bad in BAD_TIMERANGES
        if bad not in ("[1:0_2:0", "01:0_2:0")
    ],
    *[
        (path, "format", bad, "one of")
        for path in (*LISTS[:2], PROFILES)
        for bad in ("", "video", "URN:x")
    ],
    *[("/flows", "status", bad, "one of") for bad in ("", "done", "INGESTING")],
    *[
        (path, "codec", bad, "MIME")
        for path in ("/flows", PROFILES)
        for bad in ("", "h264", "video/", "/h264", "video/h 264")
    ],
    *[("/flows", "frame_width", bad, "whole number") for bad in ("", "wide", "1.0", str(2**64))],
    ("/flows", "frame_height", "high", "whole number"),
    ("/flows", "init_segments", "maybe", "true or false"),
    ("{flow}", "include_timerange", "maybe", "true or false"),
    *[("/flows", "sort_by", bad, "one of") for bad in ("", "id", "updated", "Label", "timerange")],
    *[("/sources", "sort_by", bad, "one of") for bad in ("", "id", "metadata_updated")],
    *[(path, "label", "a\0b", "NUL") for path in (*LISTS[:2], PROFILES)],
    (SEGMENTS, "object_id", "a\0b", "NUL"),
]


@pytest.mark.parametrize(
    ("path", "name", "value", "rule"),
    [pytest.param(*row, id=f"{row[0]}?{row[1]}={row[2]!r:.50}") for row in BAD],
)
async def test_a_bad_parameter(furnished, path, name, value, rule):
    """Statements 92, 107, 124, 244, 254, 258."""
    query = f"{path}?{name}={quote(value, safe='')}"
    shown = repr(value) if value.isascii() and "\0" not in value and name != "limit" else ""
    await furnished.refuse("GET", query, None, f"{name}: ", rule, shown.strip("'")[:80])
    answer = await furnished.server.head(furnished.fill(query))
    answer.is_status(400)


@pytest.mark.parametrize("raw", ["%FF", "%C3%28", "%ED%A0%80", "%00"])
@pytest.mark.parametrize(
    "path", ["/flows?label=", "/sources?tag.x=", "{flow}/segments?object_id=", "/flows?tag.{raw}="]
)
async def test_bytes_that_are_no_text(furnished, path, raw):
    path = path.replace("{raw}", raw) + raw
    await furnished.refuse("GET", path, None, "must")


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        *[(path, "tag") for path in (*LISTS[:4], "/service/webhooks")],
        (OBJECT, "flow_tag"),
        (SEGMENTS, "storage_backend_tag"),
    ],
)
async def test_too_many_conditions_on_tags(furnished, path, prefix):
    many = [f"{prefix}.{number}=a" for number in range(MAX_TAG_CONDITIONS - 1)]
    many.append(f"{prefix}_exists.a=true")
    (await furnished.server.get(furnished.fill(f"{path}?{'&'.join(many)}"))).is_status(200)
    many.append(f"{prefix}_exists.b=true")
    rule = f"{MAX_TAG_CONDITIONS} conditions on tags"
    await furnished.refuse("GET", f"{path}?{'&'.join(many)}", None, f"{prefix}.{{name}}: ", rule)


@pytest.mark.parametrize("bad", [*BAD_TIMERANGES[1:4], "x", "[1_2)"])
async def test_a_bad_timerange_deletes_nothing(furnished, bad):
    """Statement 189."""
    path = f"{{flow}}/segments?timerange={quote(bad)}"
    await furnished.refuse("DELETE", path, None, "timerange: ", bad, "must be a timerange")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_a_media_url_for_reading_is_for_nothing_else(furnished, method):
    url = await _get_url(furnished)
    await furnished.refuse(method, url, b"other bytes", "URL", status=403)


async def test_a_media_url_for_writing_is_for_nothing_else(server):
    flow_id = (await server.flow())["id"]
    url = (await server.allocate(flow_id))[0]["put_url"]["url"]
    for method in ("GET", "POST", "DELETE"):
        (await server.request(method, url, content=b"x")).is_status(403)
    (await server.request("HEAD", url)).is_status(403)


@pytest.mark.parametrize("cut", ["", "?", "?expires=9999999999", "?signature=x"])
async def test_unsigned_media_urls(furnished, cut):
    url = (await _get_url(furnished)).split("?")[0] + cut
    await furnished.refuse("GET", url, None, status=403)


async def test_forged_media_urls(furnished):
    await furnished.refuse("GET", forged(await _get_url(furnished)), None, status=403)


async def test_a_forged_or_expired_media_url_stores_nothing(server):
    flow_id = (await server.flow())["id"]
    url = (await server.allocate(flow_id))[0]["put_url"]["url"]
    await server.wait(0)
    before = await ledger(server.catalogue, server.folder)
    (await server.put(forged(url), content=b"bytes")).is_status(403)
    await server.wait(3600 + 900 + 60)
    assert "ended" in (await server.put(url, content=b"bytes")).is_status(403).json["message"]
    assert await ledger(server.catalogue, server.folder) == before


async def _get_url(furnished):
    found = await furnished.server.read(furnished.fill(OBJECT))
    return found["get_urls"][0]["url"]
