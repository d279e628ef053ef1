"""Segments that break a rule: refused by field, value and rule, and nothing changes."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = "[10:0_11:0)"

BAD_TIMERANGES = [
    "01:0_2:0",
    "[01:0_2:0)",
    "[1:00_2:0)",
    "[1:1000000000_2:0)",
    "[1:0_2:0",
    "[1_2)",
    "[1.0_2.0)",
    "[+1:0_2:0)",
    "[1:0 _ 2:0)",
    "[1:0-2:0)",
    "[1:0_2:0)\n",
    " [1:0_2:0)",
    "[1:0_2:0_3:0)",
    "[[1:0_2:0))",
    "[1:0_2:0}",
    "[:0_1:0)",
    "[1:_2:0)",
    "[--1:0_2:0)",
    "[1:0_2:-1)",
    "[\u0661:0_2:0)",
    "[0x1:0_2:0)",
    "[1e1:0_2:0)",
    "eternity",
    "never",
]
"""Not written as the standard writes them (conformance notes, section 5.1)."""

UNUSABLE = {
    "()": "must",
    "_": "must",
    "[5:0_": "must",
    "_5:0)": "must",
    "[5:0_5:0)": "must",
    "[5:0_1:0)": "must",
    "(5:0_6:0)": "inclusive",
    "(5:0_6:0]": "inclusive",
    "": "must",
    "[]": "must",
    "(": "must",
    "[9223372037:0_9223372038:0)": "9223372036",
    "[-9223372037:0_0:0)": "9223372036",
    f"[10:0_1{'0' * 40}:0)": "9223372036",
}
"""Well written, and yet no time of a Segment (statements 163 and 164)."""

BAD_SEGMENTS = [
    *[({"timerange": bad}, "timerange: ") for bad in BAD_TIMERANGES if bad != "[1:0_2:0"],
    *[({"timerange": bad}, "timerange", rule) for bad, rule in UNUSABLE.items()],
    ({"timerange": None}, "timerange: ", "not None"),
    ({"timerange": 1}, "timerange: ", "not 1"),
    ({"timerange": ["[1:0_2:0)"]}, "timerange: ", "not ["),
    ({"timerange": "[0:0_1:0)"}, "timerange: ", "overlap", "[0:0_1:0)"),
    ({"timerange": "[0:500000000_2:0)"}, "timerange: ", "overlap", "[0:0_1:0)"),
    ({"timerange": "[0:999999999]"}, "timerange: ", "overlap", "[0:0_1:0)"),
    ({"object_id": None}, "object_id: ", "not None"),
    ({"object_id": 1}, "object_id: ", "string", "not 1"),
    ({"object_id": ""}, "object_id: ", "1 to 1024 bytes", "not ''"),
    ({"object_id": "a\0b"}, "object_id: ", "NUL"),
    ({"object_id": "x" * 1025}, "object_id: ", "1 to 1024 bytes"),
    ({"object_id": "never allocated"}, "object_id: ", "there is no Object never allocated"),
    ({"object_id": "{foreign}"}, "object_id: ", "{foreign}", "another Flow"),
    ({"ts_offset": 0}, "ts_offset: ", "timestamp", "not 0"),
    ({"ts_offset": None}, "ts_offset: ", "not None"),
    ({"ts_offset": "1"}, "ts_offset: ", "timestamp", "not '1'"),
    ({"ts_offset": "1:0000000001"}, "ts_offset: ", "timestamp"),
    ({"ts_offset": "9223372037:0"}, "ts_offset: ", "9223372036", "9223372037:0"),
    ({"ts_offset": "-9223372036:0"}, "less ts_offset", "9223372036"),
    ({"last_duration": "-0:1"}, "last_duration: ", "negative", "-0:1"),
    ({"last_duration": 1.5}, "last_duration: ", "not 1.5"),
    ({"object_timerange": "_"}, "object_timerange: ", "must have a start", "_"),
    ({"object_timerange": "[10:0_10:5)"}, "timerange: ", "not within", "[10:0_10:5)"),
    ({"object_timerange": "(9:0_12:0)"}, "object_timerange: ", "inclusive"),
    ({"object_timerange": 9}, "object_timerange: ", "not 9"),
    ({"object_id": "{object}"}, "timerange: ", "not within", "[0:0_1:0)"),
    ({"object_id": "{object}", "ts_offset": "9:1"}, "timerange: ", "not within"),
    (
        {"object_id": "{object}", "ts_offset": "10:0", "object_timerange": "[0:0_2:0)"},
        "object_timerange: ",
        "[0:0_1:0)",
        "[0:0_2:0)",
    ),
    (
        {"object_id": "{object}", "ts_offset": "10:0", "key_frame_count": 5},
        "key_frame_count: ",
        "5",
    ),
    ({"get_urls": [{"url": "https://a.example/", "label": "x"}]}, "get_urls: ", "already exists"),
    ({"get_urls": "x"}, "get_urls", "not 'x'"),
    ({"get_urls": [{"url": "https://a.example/"}]}, "get_urls.0: ", "label"),
    ({"get_urls": [{"label": "x", "url": 1}]}, "get_urls.0: ", "url"),
    (
        {"object_id": "out", "get_urls": [{"url": "https://a.example/", "label": "hot"}]},
        "get_urls: ",
        "hot",
        "Storage Backend",
    ),
    (
        {"object_id": "out", "get_urls": [{"url": "https://a.example/", "label": "x"}] * 2},
        "get_urls: ",
        "once",
    ),
    ({"sample_offset": "1"}, "sample_offset: ", "integer", "not '1'"),
    ({"sample_count": True}, "sample_count: ", "integer", "not True"),
    ({"sample_count": 2**64}, "sample_count: ", "not 18446744073709551616"),
    ({"key_frame_count": 10**40}, "key_frame_count: ", "not 1000"),
    ({"key_frame_count": 1.5}, "key_frame_count: ", "integer", "not 1.5"),
    ({"key_frame_count": None}, "key_frame_count: ", "not None"),
]


def _segment(furnished, fields):
    return furnished.fill(json.dumps({"object_id": "{allocated}", "timerange": AT} | fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [pytest.param(fields, says, id=f"{fields!r:.60}") for fields, *says in BAD_SEGMENTS],
)
async def test_a_bad_segment(furnished, fields, says):
    """Statements 163 to 183."""
    segment = _segment(furnished, fields)
    await furnished.refuse("POST", "{flow}/segments", segment.encode(), *says)
    if not isinstance(fields.get("object_id", ""), str):
        await furnished.refuse("POST", "{flow}/segments", f"[{segment}]".encode(), *says)
        return
    path = furnished.fill("{flow}/segments")
    answer = await furnished.server.post(path, content=f"[{segment}]".encode())
    (failed,) = answer.is_status(200).json["failed_segments"]
    assert failed["object_id"] == json.loads(segment)["object_id"]
    for part in map(furnished.fill, says):
        assert part in failed["error"]["summary"]


@pytest.mark.parametrize("missing", ["object_id", "timerange"])
async def test_a_segment_without_what_it_needs(furnished, missing):
    segment = json.loads(_segment(furnished, {}))
    del segment[missing]
    content = json.dumps(segment).encode()
    await furnished.refuse("POST", "{flow}/segments", content, f"{missing}: ", "must be given")


async def test_a_flow_that_is_not_there(furnished):
    """Statement 160."""
    path = "/flows/8a3f9c1e-6a52-4b4c-9f0e-111111111111/segments"
    content = _segment(furnished, {}).encode()
    await furnished.refuse("POST", path, content, "Flow", path[7:43], status=404)


async def test_a_batch_that_overlaps_itself_registers_the_first_alone(server):
    """Statement 165."""
    flow_id = (await server.flow())["id"]
    objects = [made["object_id"] for made in await server.allocate(flow_id, 4)]
    wanted = ["[0:0_2:0)", "[1:0_3:0)", "[2:0]", "[2:0_3:0)"]
    batch = [
        {"object_id": object_id, "timerange": timerange}
        for object_id, timerange in zip(objects, wanted, strict=True)
    ]
    answer = (await server.post(f"/flows/{flow_id}/segments", batch)).is_status(200)
    failed = answer.json["failed_segments"]
    assert [(one["object_id"], one["timerange"]) for one in failed] == [
        (objects[1], wanted[1]),
        (objects[3], wanted[3]),
    ]
    assert [one["timerange"] for one in await server.read(f"/flows/{flow_id}/segments")] == [
        wanted[0],
        wanted[2],
    ]
    for one, other in zip(failed, ("[0:0_2:0)", "[2:0]"), strict=True):
        assert one["timerange"] in one["error"]["summary"]
        assert f"overlaps the registered Segment {other}" in one["error"]["summary"]
