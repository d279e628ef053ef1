"""Storage requests and their answers in JSON."""

from __future__ import annotations

import json

import pytest

from tams.domain.storage import Allocation, PutUrl, StorageRequest
from tams.errors import Invalid
from tams.wire.storage import allocations_json, parse_storage_request

BACKEND = "6a8f3f6c-1d51-4f0e-9c0d-0b8f6a1f2e11"


def test_a_request_says_what_it_wants_or_nothing() -> None:
    assert parse_storage_request(b"") == parse_storage_request(b"{}") == StorageRequest()
    body = {"object_ids": ["a/b", "é"], "storage_id": BACKEND, "content_type": "video/mp4"}
    asked = parse_storage_request(json.dumps(body | {"presigned": True, "more": None}).encode())
    assert asked == StorageRequest(
        object_ids=("a/b", "é"), storage_id=BACKEND, content_type="video/mp4", presigned=True
    )
    assert parse_storage_request(b'{"limit": 3}') == StorageRequest(limit=3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"limit": 0}, "limit: it must be 1 or more, not 0"),
        ({"limit": -1}, "limit: it must be 1 or more"),
        ({"limit": True}, "limit: it must be a valid integer"),
        ({"limit": "2"}, "limit: it must be a valid integer"),
        ({"limit": None}, "limit: it must be a valid integer"),
        ({"limit": 2**63}, "limit: it must be less than"),
        ({"limit": 1, "object_ids": ["a"]}, "limit: it must be left out where object_ids"),
        ({"object_ids": []}, "object_ids: it must hold at least one id"),
        ({"object_ids": ["a", "b", "a"]}, "object_ids: each id may be given once, not 'a'"),
        ({"object_ids": [""]}, "object_ids: each id must have 1 to 1024 bytes"),
        ({"object_ids": ["x" * 1025]}, "object_ids: each id must have 1 to 1024 bytes"),
        ({"object_ids": ["a\0"]}, "object_ids.0: it must not hold a NUL character"),
        ({"object_ids": [1]}, "object_ids.0: it must be a valid string"),
        ({"object_ids": "a"}, "object_ids: it must be a valid array"),
        ({"storage_id": "no-uuid"}, "storage_id: it must be the id of a Storage Backend"),
        ({"storage_id": BACKEND.upper()}, "storage_id: it must be the id of a Storage Backend"),
        ({"content_type": "video"}, "content_type: it must be a MIME type"),
        ({"content_type": "video/mp4; a=b"}, "content_type: it must be a MIME type"),
        ({"presigned": "true"}, "presigned: it must be a valid boolean"),
        ([], "body: "),
        (5, "body: "),
    ],
)
def test_a_bad_request_is_refused_by_name_and_rule(body: object, message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_storage_request(json.dumps(body).encode())
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("body", [b"{", b" ", b"nothing", b"\xff"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="body: "):
        parse_storage_request(body)


def test_an_answer_says_how_to_write_each_object() -> None:
    plain = PutUrl("https://a.example", "video/mp2t", presigned=False)
    signed = PutUrl("https://b.example", "video/mp2t", presigned=True, headers={"x-blob": "Block"})
    body = json.loads(allocations_json([Allocation("a", plain), Allocation("é", signed)]))
    assert body == {
        "media_objects": [
            {
                "object_id": "a",
                "put_url": {"url": "https://a.example", "content-type": "video/mp2t"},
            },
            {
                "object_id": "é",
                "put_url": {
                    "url": "https://b.example",
                    "content-type": "video/mp2t",
                    "headers": {"x-blob": "Block"},
                },
                "presigned": True,
            },
        ]
    }
