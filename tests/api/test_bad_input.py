"""Bad bodies, on every endpoint that takes one: refused by field, value and rule, and no more."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator

import pytest

from tams.api.bodies import MAX_BODY

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXTS = [
    ("PUT", "{flow}/label"),
    ("PUT", "{flow}/description"),
    ("PUT", "{source}/label"),
    ("PUT", "{source}/description"),
    ("PUT", "{flow}/tags/a"),
    ("PUT", "{source}/tags/a"),
]
NUMBERS = [("PUT", "{flow}/max_bit_rate"), ("PUT", "{flow}/avg_bit_rate")]
FLAGS = [("PUT", "{flow}/read_only")]
LISTS = [("PUT", "{flow}/flow_collection")]
OBJECTS = [("PUT", "{flow}"), ("POST", "{flow}/segments"), ("POST", "/service")]
STORAGE = [("POST", "{flow}/storage")]
ALL = TEXTS + NUMBERS + FLAGS + LISTS + OBJECTS + STORAGE

DEEP = 100_000
MALFORMED = {
    "unclosed": b'{"name": ',
    "word": b"nul",
    "single quotes": b"{'name': 'x'}",
    "two values": b'"a" "b"',
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "NaN within": b'{"unknown": NaN}',
    "Infinity within": b'[{"unknown": [-Infinity]}]',
    "invalid UTF-8": b'"\xff"',
    "invalid UTF-8 within": b'{"unknown": "\xc3\x28"}',
    "overlong UTF-8": b'"\xc0\x80"',
    "UTF-16": '"text"'.encode("utf-16"),
    "lone surrogate": rb'"\ud800"',
    "lone surrogate within": rb'{"unknown": "\udfff"}',
    "raw NUL": b'"a\0b"',
    "raw line feed": b'"a\nb"',
    "deep arrays": b"[" * DEEP,
    "deep and closed": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP,
    "trailing comma": b'{"name": "x",}',
    "comment": b'"a" // b',
    "hexadecimal": b"0x10",
    "leading zero": b"01",
    "endless number": b"9" * 5000,
    "form": b"name=x&description=y",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_json(furnished, content):
    for method, template in ALL:
        await furnished.refuse(method, template, content, "JSON")


@pytest.mark.parametrize(("method", "template"), [one for one in ALL if one not in STORAGE])
async def test_empty_bodies(furnished, method, template):
    await furnished.refuse(method, template, b"", "JSON")


@pytest.mark.parametrize(("method", "template"), ALL)
async def test_null_values(furnished, method, template):
    await furnished.refuse(method, template, b"null", "None")


WRONG_TYPES = [
    (TEXTS, [b"1", b"true", b"{}", b'{"a": "b"}', b"1.5"]),
    (TEXTS, [rb'"a\u0000b"']),
    (TEXTS[:4], [b"[]", b'["a"]']),
    (TEXTS[4:], [b'["a", 1]', b'["a", null]', b'[["a"]]', rb'["\u0000"]']),
    (NUMBERS, [b'"1"', b"true", b"-1", b"1.5", b"[1]", b"{}", b"1e400", b"-0.5"]),
    (NUMBERS, [str(2**63).encode(), str(2**64).encode(), b"1" + b"0" * 40]),
    (FLAGS, [b"0", b"1", b'"true"', b"[]", b"{}", b"2"]),
    (LISTS, [b"{}", b'"x"', b"1", b"true", b"[null]", b"[1]", b'["{id}"]', b"[[]]", b"[{}]"]),
    (OBJECTS + STORAGE, [b'"x"', b"1", b"true", b"1.5"]),
    (OBJECTS[:1] + OBJECTS[2:] + STORAGE, [b"[]", b"[{}]"]),
    (OBJECTS[1:2], [b"[null]", b"[1]", b'["x"]', b"[[]]", b"[{}]", b"{}"]),
]


@pytest.mark.parametrize(("endpoints", "contents"), WRONG_TYPES)
async def test_wrong_types(furnished, endpoints, contents):
    for method, template in endpoints:
        for content in contents:
            await furnished.refuse(method, template, content, " must ")


async def test_every_refusal_names_field_value_and_rule(furnished):
    for template, content, *says in [
        ("{flow}/label", b"17", "label: ", "not 17", "string"),
        ("{flow}/max_bit_rate", b"-17", "max_bit_rate: ", "not -17", "greater"),
        ("{flow}/max_bit_rate", b"true", "max_bit_rate: ", "not True", "integer"),
        ("{flow}/read_only", b'"yes"', "read_only: ", "not 'yes'", "boolean"),
        ("{flow}/tags/my%20tag", b"[1]", "my tag: ", "not [1]", "string"),
        ("{flow}/flow_collection", b'[{"id": 3}]', "flow_collection.0.id: ", "not 3", "string"),
    ]:
        await furnished.refuse("PUT", template, content, *says)


def _announced() -> io.BytesIO:
    return io.BytesIO(b" " * (MAX_BODY + 1))


async def _in_chunks() -> AsyncIterator[bytes]:
    for _ in range(MAX_BODY // 2**20 + 1):
        yield b" " * 2**20


@pytest.mark.parametrize("large", [_announced, _in_chunks])
@pytest.mark.parametrize(("method", "template"), ALL)
async def test_bodies_over_the_limit(furnished, method, template, large):
    url = f"{furnished.server.base}{furnished.fill(template)}"
    async with furnished.server.session.request(method, url, data=large()) as answer:
        assert answer.status == 413
        assert answer.headers["Content-Type"] == "application/json"
        assert (await answer.json())["message"].startswith(f"body: it must be at most {MAX_BODY}")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_is_read_as_json_whatever_it_says_it_is(furnished, content_type):
    headers = {"Content-Type": content_type}
    path = furnished.fill("{flow}/label")
    answer = await furnished.server.put(path, content=b"not JSON", headers=headers)
    assert "JSON" in answer.is_status(400).json["message"]
    (await furnished.server.put(path, content=b'"a label"', headers=headers)).is_status(204)


SERVICE = [
    ({"name": 1}, "name: ", "not 1", "string"),
    ({"name": None}, "name: ", "not None", "string"),
    ({"description": ["x"]}, "description: ", "not ['x']", "string"),
    ({"description": "a\0b"}, "description: ", "NUL"),
]


@pytest.mark.parametrize(("body", "says"), [(body, says) for body, *says in SERVICE])
async def test_service(furnished, body, says):
    """Statement 12."""
    await furnished.refuse("POST", "/service", json.dumps(body).encode(), *says)


STORAGE_REQUESTS = [
    ({"limit": 0}, "limit: ", "1 or more", "not 0"),
    ({"limit": -1}, "limit: ", "1 or more", "not -1"),
    ({"limit": "1"}, "limit: ", "integer", "not '1'"),
    ({"limit": True}, "limit: ", "integer", "not True"),
    ({"limit": 1.5}, "limit: ", "integer", "not 1.5"),
    ({"limit": None}, "limit: ", "integer", "not None"),
    ({"limit": 2**64}, "limit: ", "not 18446744073709551616"),
    ({"limit": 10**40}, "limit: ", "not 1000"),
    ({"object_ids": []}, "object_ids: ", "at least one"),
    ({"object_ids": "x"}, "object_ids: ", "not 'x'"),
    ({"object_ids": [1]}, "object_ids.0: ", "string", "not 1"),
    ({"object_ids": [""]}, "object_ids: ", "1 to 1024 bytes", "not ''"),
    ({"object_ids": ["é" * 513]}, "object_ids: ", "1 to 1024 bytes"),
    ({"object_ids": ["a\0b"]}, "object_ids.0: ", "NUL"),
    ({"object_ids": ["new", "new"]}, "object_ids: ", "once", "not 'new'"),
    ({"object_ids": ["new", "{object}"]}, "object_ids: ", "already exist", "{object}"),
    ({"object_ids": ["{allocated}"]}, "object_ids: ", "already exist", "{allocated}"),
    ({"object_ids": ["{foreign}"]}, "object_ids: ", "already exist", "{foreign}"),
    ({"object_ids": [f"n{n}" for n in range(1001)]}, "object_ids: ", "at most 1000"),
    ({"limit": 1, "object_ids": ["new"]}, "limit: ", "left out"),
    ({"storage_id": "6a8f3f6c-1d51-4f0e-9c0d-0b8f6a1f2eff"}, "storage_id: ", "Storage Backend"),
    ({"storage_id": "x"}, "storage_id: ", "UUID", "not 'x'"),
    ({"storage_id": 1}, "storage_id: ", "not 1"),
    ({"content_type": "video"}, "content_type: ", "MIME", "not 'video'"),
    ({"content_type": "video/mp4\r\nX-Header: y"}, "content_type: ", "MIME"),
    ({"presigned": False}, "presigned: ", "presigned URLs only"),
    ({"presigned": "true"}, "presigned: ", "boolean", "not 'true'"),
    ({"presigned": 1}, "presigned: ", "boolean", "not 1"),
]


@pytest.mark.parametrize(("body", "says"), [(body, says) for body, *says in STORAGE_REQUESTS])
async def test_storage(furnished, body, says):
    """Statements 205 to 213."""
    content = furnished.fill(json.dumps(body)).encode()
    await furnished.refuse("POST", "{flow}/storage", content, *says)


async def test_l20_an_interrupted_body_is_no_bug_of_the_server(furnished):
    parts = [
        {"type": "http.request", "body": b"[", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent = []

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    path = furnished.fill("{flow}/segments")
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-length", b"100")],
    }
    await furnished.server.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert b"it must have the 100 bytes that it names, not 1" in sent[1]["body"]
