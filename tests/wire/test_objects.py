"""Objects in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from tams.domain.objects import InitObject, Instance, Object
from tams.domain.storage import StorageBackend
from tams.domain.timerange import TimeRange
from tams.wire.objects import object_json

BACKEND = StorageBackend(id="hot", label="hot", provider="local", store_product="folder")


class OneBackend:
    """A signer of one backend that shows every label."""

    def __init__(self) -> None:
        self.most_urls = 0
        self.backends = {BACKEND.id: BACKEND}
        self.public_backends: dict[str, StorageBackend] = {}

    def shows_label(self, label: str | None) -> bool:
        return True

    def sign_gets(self, storage_id: str) -> Callable[[str], str]:
        return lambda key: f"https://{storage_id}.example/{key}"


def test_an_object_shows_what_is_known_and_where_its_bytes_lie() -> None:
    found = Object(
        id='a/"é',
        timerange=TimeRange.parse("[1:0_2:0]"),
        key_frame_count=4,
        first_referenced_by_flow="f",
        instances=(
            Instance(storage_id="hot", key="k"),
            Instance(storage_id="gone", key="k"),
            Instance(url="https://media.example/a", label="elsewhere"),
        ),
    )
    assert json.loads(object_json(found, ["f", "g"], OneBackend(), verbose=False)) == {
        "id": 'a/"é',
        "referenced_by_flows": ["f", "g"],
        "first_referenced_by_flow": "f",
        "timerange": "[1:0_2:0]",
        "key_frame_count": 4,
        "get_urls": [
            {"url": "https://hot.example/k", "presigned": True, "label": "hot"},
            {"url": "https://media.example/a", "presigned": False, "label": "elsewhere"},
        ],
    }


def test_a_media_object_shows_its_init_object_by_id() -> None:
    found = Object(
        id="a",
        timerange=TimeRange(0, 5),
        key_frame_count=None,
        first_referenced_by_flow=None,
        instances=(),
        init_object=InitObject("i", "hot", "k"),
    )
    assert json.loads(object_json(found, [], OneBackend(), verbose=False))["init_object"] == {
        "id": "i",
        "get_urls": [{"url": "https://hot.example/k", "presigned": True, "label": "hot"}],
    }


def test_an_init_object_has_no_timerange() -> None:
    found = Object(
        id="i",
        timerange=None,
        key_frame_count=None,
        first_referenced_by_flow=None,
        instances=(),
    )
    shown = json.loads(object_json(found, ["f"], OneBackend(), verbose=False))
    assert shown == {"id": "i", "referenced_by_flows": ["f"]}


def test_what_is_not_known_is_absent() -> None:
    found = Object(
        id="a",
        timerange=TimeRange(0, 5),
        key_frame_count=None,
        first_referenced_by_flow=None,
        instances=(),
    )
    assert json.loads(object_json(found, [], OneBackend(), verbose=True)) == {
        "id": "a",
        "referenced_by_flows": [],
        "timerange": "[0:0_0:5)",
    }
