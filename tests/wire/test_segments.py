"""Segments in JSON: what is read from a POST, and what a page of a GET looks like."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tams.domain.numbers import MAX_INTEGER
from tams.domain.objects import InitObject, Instance
from tams.domain.segments import NewSegment, Refusal, Segment
from tams.domain.storage import StorageBackend
from tams.domain.timerange import LIMIT, SECOND, TimeRange, format_timestamp
from tams.errors import Invalid
from tams.wire.segments import failed_segments_json, parse_segments, segments_json

HOT = StorageBackend(
    id="hot",
    label='the "hot" one',
    provider="local",
    store_product="folder",
    region="here",
    tags={"tier": "hot", "rooms": ("one", "two")},
    public_url="https://cdn.example",
)
COLD = StorageBackend(id="cold", provider="local", store_product="folder")


class StubSigner:
    """Signs by naming the place, for the backends it is given."""

    def __init__(
        self,
        *backends: StorageBackend,
        public: tuple[StorageBackend, ...] = (),
        most_urls: int = 0,
    ) -> None:
        self.most_urls = most_urls
        self.backends = {backend.id: backend for backend in backends}
        self.public_backends = {backend.id: backend for backend in public}

    def shows_label(self, label: str | None) -> bool:
        return label != "hidden"

    def sign_gets(self, storage_id: str) -> Callable[[str], str]:
        return lambda key: f"https://{storage_id}.example/{key}?signature=1"


def segment(**known: object) -> Segment:
    """A Segment of one second in the hot backend."""
    facts = {
        "start": 0,
        "end": 10**9,
        "end_inclusive": False,
        "object_id": "a",
        "ts_offset": 0,
        "last_duration": None,
        "sample_offset": None,
        "sample_count": None,
        "object_start": 0,
        "object_end": 10**9,
        "object_end_inclusive": False,
        "key_frame_count": None,
        "storage_id": "hot",
        "key": "tams/a.ts",
        "others": None,
    }
    return Segment(**facts | known)


def printed(
    *segments: Segment, verbose: bool = False, with_object: bool = False, signer: object = None
) -> list[dict[str, object]]:
    signer = signer or StubSigner(HOT, COLD)
    return json.loads(segments_json(segments, signer, verbose=verbose, with_object=with_object))


def test_a_plain_segment_has_no_property_that_nobody_set() -> None:
    url = "https://hot.example/tams/a.ts?signature=1"
    shown = {"url": url, "presigned": True, "label": 'the "hot" one'}
    assert printed(segment()) == [
        {"object_id": "a", "timerange": "[0:0_1:0)", "get_urls": [shown]},
    ]


def test_a_page_without_segments_is_an_empty_list() -> None:
    assert printed() == []


def test_verbose_urls_describe_their_backend_and_nothing_else() -> None:
    other = Instance(url='https://media.example/?a=1&b=é"', label="elsewhere")
    (shown,) = printed(segment(others=(other,)), verbose=True)
    assert shown["get_urls"] == [
        {
            "url": "https://hot.example/tams/a.ts?signature=1",
            "presigned": True,
            "label": 'the "hot" one',
            "storage_id": "hot",
            "controlled": True,
            "store_type": "http_object_store",
            "provider": "local",
            "region": "here",
            "store_product": "folder",
            "tags": {"tier": "hot", "rooms": ["one", "two"]},
        },
        {
            "url": 'https://media.example/?a=1&b=é"',
            "presigned": False,
            "label": "elsewhere",
            "controlled": False,
        },
    ]


def test_a_public_backend_shows_its_plain_url_second() -> None:
    (shown,) = printed(segment(), signer=StubSigner(HOT, public=(HOT,)))
    signed, plain = shown["get_urls"]
    assert signed["presigned"] is True
    assert plain == {
        "url": "https://cdn.example/tams/a.ts",
        "presigned": False,
        "label": 'the "hot" one',
    }
    (only,) = printed(segment(), signer=StubSigner(public=(HOT,)))
    assert only["get_urls"] == [plain]


def test_without_urls_there_is_no_get_urls() -> None:
    hidden = Instance(url="https://media.example/a", label="hidden")
    for one in (segment(), segment(storage_id=None, key=None, others=(hidden,))):
        (shown,) = printed(one, signer=StubSigner(COLD))
        assert "get_urls" not in shown


def test_a_second_instance_is_listed_in_its_own_backend() -> None:
    (shown,) = printed(segment(others=(Instance(storage_id="cold", key="b"),)))
    assert [entry["url"] for entry in shown["get_urls"]] == [
        "https://hot.example/tams/a.ts?signature=1",
        "https://cold.example/b?signature=1",
    ]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4])
def test_h018_no_more_urls_are_shown_than_may_be(most: int) -> None:
    others = (
        Instance(storage_id="cold", key="b"),
        Instance(url="https://media.example/a", label="elsewhere"),
    )
    whole = StubSigner(HOT, COLD, public=(HOT,))
    (full,) = printed(segment(others=others), signer=whole)
    assert len(full["get_urls"]) == 4
    few = StubSigner(HOT, COLD, public=(HOT,), most_urls=most)
    (shown,) = printed(segment(others=others), signer=few)
    assert shown == full | {"get_urls": full["get_urls"][: most or 4]}
    hidden = Instance(url="https://media.example/a", label="hidden")
    (shown,) = printed(segment(storage_id=None, key=None, others=(hidden,)), signer=few)
    assert "get_urls" not in shown


def test_an_init_object_is_shown_with_urls_like_those_of_the_segment() -> None:
    elsewhere = Instance(url="https://media.example/i", label="elsewhere")
    init = InitObject('i"', "cold", "tams/i.mp4", (elsewhere,))
    first, second = printed(segment(init_object=init), segment(init_object=init))
    assert first == second
    assert first["init_object"] == {
        "object_id": 'i"',
        "get_urls": [
            {"url": "https://cold.example/tams/i.mp4?signature=1", "presigned": True},
            {"url": "https://media.example/i", "presigned": False, "label": "elsewhere"},
        ],
    }
    alone = InitObject("i", "cold", "tams/i.mp4")
    (shown,) = printed(segment(init_object=alone), signer=StubSigner(HOT))
    assert shown["init_object"] == {"object_id": "i"}
    assert shown["get_urls"]
    (shown,) = printed(segment(init_object=alone), verbose=True)
    assert shown["init_object"]["get_urls"][0]["storage_id"] == "cold"


integers = st.none() | st.integers(-MAX_INTEGER, MAX_INTEGER)
times = st.integers(-LIMIT, LIMIT)


@given(
    st.builds(
        segment,
        start=times,
        end_inclusive=st.sampled_from([0, 1]),
        object_id=st.text(min_size=1),
        ts_offset=times,
        last_duration=st.none() | st.integers(0, LIMIT),
        sample_offset=integers,
        sample_count=integers,
        object_start=times,
        key_frame_count=integers,
    ),
    st.integers(1, LIMIT),
    st.booleans(),
)
def test_every_fact_is_printed_as_the_general_way_would(
    one: Segment, length: int, with_object: bool
) -> None:
    one = one._replace(end=one.start + length, object_end=one.object_start + length)
    (shown,) = printed(one, with_object=with_object)
    del shown["get_urls"]
    expected = {
        "object_id": one.object_id,
        "timerange": str(one.timerange),
        "ts_offset": format_timestamp(one.ts_offset) if one.ts_offset else None,
        "last_duration": one.last_duration,
        "object_timerange": str(one.object_timerange) if with_object else None,
        "sample_offset": one.sample_offset,
        "sample_count": one.sample_count,
        "key_frame_count": one.key_frame_count,
    }
    if one.last_duration is not None:
        expected["last_duration"] = format_timestamp(one.last_duration)
    assert shown == {name: value for name, value in expected.items() if value is not None}


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(1, 3), st.booleans()), max_size=9),
    st.booleans(),
)
def test_each_of_a_page_has_its_own_timerange(
    lengths: list[tuple[int, int, bool]], reverse: bool
) -> None:
    """With gaps and without, in either order, though what touches shares a printed time."""
    page, start = [], -4 * 10**9
    for gap, length, end_inclusive in lengths:
        start += max(gap, 0)
        page.append(segment(start=start, end=start + length, end_inclusive=end_inclusive))
        start += length
    page = page[::-1] if reverse else page
    shown = [item["timerange"] for item in printed(*page)]
    assert shown == [str(one.timerange) for one in page]


def test_one_segment_is_read_with_all_that_it_may_say() -> None:
    body = {
        "object_id": "a/b",
        "timerange": "[1:0_2:0]",
        "ts_offset": "-1:5",
        "object_timerange": "[2:5_9:0)",
        "last_duration": "0:40000000",
        "sample_offset": 1,
        "sample_count": 2,
        "key_frame_count": 3,
        "get_urls": [{"url": "https://media.example/a", "label": "elsewhere", "more": 1}],
        "unknown": None,
    }
    posts, refused, is_array = parse_segments(json.dumps(body).encode())
    assert (refused, is_array) == ([], False)
    assert posts == [
        NewSegment(
            object_id="a/b",
            timerange=TimeRange.parse("[1:0_2:0]"),
            ts_offset=-1_000_000_005,
            object_timerange=TimeRange.parse("[2:5_9:0)"),
            last_duration=40_000_000,
            sample_offset=1,
            sample_count=2,
            key_frame_count=3,
            get_urls=(Instance(url="https://media.example/a", label="elsewhere"),),
        )
    ]


GOOD = {"object_id": "a", "timerange": "[0:0_1:0)"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timerange": "[0:0-1:0)"}, "timerange: it must be a timerange such as"),
        ({"timerange": "(0:0_1:0)"}, "timerange: its start must be inclusive"),
        ({"timerange": 5}, "timerange: it must be a timerange"),
        ({"timerange": "[0:0_1:0),[1:0_2:0)"}, "timerange: it must be a timerange"),
        ({"timerange": f"[0:0_{'9' * 5000}:0)"}, "timerange: it must be a timerange"),
        ({"object_timerange": "(0:0_1:0)"}, "object_timerange: its start must be inclusive"),
        ({"object_timerange": None}, "object_timerange: it must be a timerange"),
        ({"ts_offset": "1.5"}, "ts_offset: it must be a timestamp such"),
        ({"ts_offset": 0}, "ts_offset: it must be a timestamp"),
        ({"last_duration": f"{'9' * 5000}:0"}, "last_duration: "),
        ({"key_frame_count": True}, "key_frame_count: it must be a valid integer"),
        ({"key_frame_count": "1"}, "key_frame_count: it must be a valid integer"),
        ({"sample_offset": 2**63}, "sample_offset: it must be less than or equal to"),
        ({"sample_count": 1.5}, "sample_count: it must be a valid integer"),
        ({"object_id": ""}, "object_id: each id must have 1 to 1024 bytes"),
        ({"object_id": "é" * 513}, "object_id: each id must have 1 to 1024 bytes"),
        ({"object_id": "a\0"}, "object_id: it must not hold a NUL character"),
        ({"init_object_id": 1}, "init_object_id: it must be a valid string"),
        ({"get_urls": "u"}, "get_urls: it must be a valid array"),
        ({"get_urls": ["u"]}, "get_urls.0: it must have a url and a label"),
        ({"get_urls": [{"url": "u"}]}, "get_urls.0: it must have a url and a label"),
        ({"get_urls": [{"url": "u", "label": "\0"}]}, "get_urls.0: it must have a url and"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_rule(change: dict[str, object], message: str) -> None:
    with pytest.raises(Invalid) as alone:
        parse_segments(json.dumps(GOOD | change).encode())
    assert str(alone.value).startswith(message)
    posts, refused, _ = parse_segments(json.dumps([GOOD, GOOD | change, GOOD]).encode())
    assert len(posts) == 2
    assert [one.reason for one in refused] == [str(alone.value)]


@pytest.mark.parametrize(
    "change",
    [
        {},
        *({"timerange": text} for text in ("[5:7_9:8)", "[2:0_1:0)", "[-1:5_2:0]", "[3:0]", "_")),
        {"timerange": f"[{'9' * 40}:999999999_{'9' * 41}:0)"},
        {"object_id": "é" * 257},
        {"ts_offset": "-1:5", "last_duration": "0:1", "object_timerange": "[0:0_9:0]"},
        {"sample_offset": -5, "sample_count": 2.0, "key_frame_count": 3, "unknown": None},
        {"get_urls": [{"url": "https://media.example", "label": "x"}], "init_object_id": "b"},
    ],
)
def test_a_segment_in_an_array_is_read_as_it_is_alone(change: dict[str, object]) -> None:
    [alone], _, _ = parse_segments(json.dumps(GOOD | change).encode())
    posts, refused, _ = parse_segments(json.dumps([GOOD, GOOD | change]).encode())
    assert not refused
    assert posts == [NewSegment("a", TimeRange(0, SECOND)), alone]


@pytest.mark.parametrize("missing", ["object_id", "timerange"])
def test_what_is_required_is_asked_for(missing: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(Invalid, match=f"{missing}: it must be given"):
        parse_segments(json.dumps(body).encode())


SURROGATE = b'[{"object_id": "\\ud800", "timerange": "[0:0_1:0)"}]'


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"[{}", b"[", b"null", b"7", b'"text"', b"\xff", b"[" * 100_000, SURROGATE],
)
def test_what_is_neither_an_object_nor_an_array_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse_segments(body)


@pytest.mark.parametrize("element", [{}, {"object_id": 5}, [], None, "a", {"object_id": None}])
def test_an_element_that_cannot_be_named_refuses_the_array(element: object) -> None:
    with pytest.raises(Invalid, match=r"1\.object_id: each Segment must have one"):
        parse_segments(json.dumps([GOOD, element]).encode())


def test_an_empty_array_asks_for_nothing() -> None:
    assert parse_segments(b" [] ") == ([], [], True)


def test_failed_segments_say_which_and_why() -> None:
    refused = [Refusal("a", TimeRange(0, 5), "because"), Refusal('b"', None, "too")]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    error = {"type": "Invalid", "time": "2026-03-01T00:00:00.000000Z"}
    assert json.loads(failed_segments_json(refused, at)) == {
        "failed_segments": [
            {
                "object_id": "a",
                "timerange": "[0:0_0:5)",
                "error": error | {"summary": "because"},
            },
            {"object_id": 'b"', "error": error | {"summary": "too"}},
        ]
    }
