"""The rules of registration, held against a model that looks at every nanosecond.

The model knows one Flow of a few nanoseconds and applies the rules to one Segment after another,
in the plainest way; `decide` meets the same request as a batch, with only the neighbours that a
catalogue would find.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tams.domain.flows import LockedFlow
from tams.domain.objects import Instance
from tams.domain.registration import KnownObject, Neighbour, Survey, decide, screen
from tams.domain.segments import NewSegment, Segment
from tams.domain.timerange import EMPTY, ETERNITY, LIMIT, TimeRange

FLOW = LockedFlow(
    key=1, id="f", source_id="s", container="video/mp2t", read_only=False, uses_init_segments=False
)
FRAGMENTED = replace(FLOW, uses_init_segments=True)
BACKENDS = frozenset({"backend"})

ids = st.sampled_from(["b", "c", "d"])
labels = st.sampled_from(["elsewhere", "there", "backend"])


@st.composite
def timeranges(draw: st.DrawFn) -> TimeRange:
    start, length = draw(st.integers(0, 12)), draw(st.integers(1, 3))
    return TimeRange(start, start + length, draw(st.booleans()))


def posted(**facts: Any) -> NewSegment:
    """Only the facts that are given; `builds` would make up the others of a named tuple."""
    return NewSegment(**facts)


plain_posts = st.builds(posted, object_id=st.just("a"), timerange=timeranges())
odd_posts = st.builds(
    posted,
    object_id=st.just("a") | ids,
    timerange=timeranges(),
    ts_offset=st.sampled_from([0, 1, -1]),
    object_timerange=st.none() | timeranges() | st.just(TimeRange(0, 15)),
    last_duration=st.sampled_from([None, 1]),
    key_frame_count=st.sampled_from([None, 1]),
    get_urls=st.lists(st.builds(Instance, url=st.just("u"), label=labels), max_size=2).map(tuple),
    init_object_id=st.sampled_from([None, None, "i", "j", "c", "a"]),
)
fragments = st.builds(
    posted,
    object_id=st.sampled_from(["a", "c", "e", "i", "j"]),
    timerange=timeranges(),
    init_object_id=st.sampled_from([None, "i", "j", "e"]),
)
new_posts = st.builds(posted, object_id=ids, timerange=timeranges())
plain = plain_posts | plain_posts | new_posts | odd_posts
ROOMY = KnownObject(8, "registered", 2, TimeRange(-5, 20), None)
inits = st.sampled_from([None, "i"])
known_objects = st.dictionaries(
    st.sampled_from(["c", "d", "j"]),
    st.one_of(
        st.builds(
            KnownObject,
            key=st.just(7),
            state=st.just("allocated"),
            allocated_for=st.sampled_from([1, 1, 2]),
            timerange=st.none(),
            key_frame_count=st.none(),
        ),
        st.builds(
            KnownObject,
            key=st.just(8),
            state=st.sampled_from(["registered", "registered", "condemned"]),
            allocated_for=st.just(2),
            timerange=timeranges() | st.just(TimeRange(-5, 20)),
            key_frame_count=st.sampled_from([None, 1]),
            init_object_id=inits,
        ),
    ),
)


def with_the_usual(found: dict[str, KnownObject], init_id: str | None) -> dict[str, KnownObject]:
    """Beside what was found, an Object `a` to re-use, and the init Object `i`."""
    usual = {
        "a": ROOMY._replace(init_object_id=init_id),
        "i": KnownObject(10, "init", 2, None, None),
    }
    return usual | found


@dataclass
class Model:
    """Every Segment of the Flow as the post that made it, and every Object."""

    flow: LockedFlow
    objects: dict[str, KnownObject]
    segments: list[NewSegment] = field(default_factory=list)
    accepted: list[NewSegment] = field(default_factory=list)
    refused: list[NewSegment] = field(default_factory=list)

    def post(self, post: NewSegment) -> None:
        known = self.objects.get(post.object_id)
        if any(placed(post) == placed(there) for there in self.segments):
            if changes(post, known):
                self.refused.append(post)
        elif (
            any(moments(post) & moments(there) for there in self.segments)
            or (known is None and not is_external(post))
            or (known is not None and not usable(post, known))
            or not self.initialises(post, known)
        ):
            self.refused.append(post)
        else:
            self.take(post, known)

    def initialises(self, post: NewSegment, known: KnownObject | None) -> bool:
        if known is not None and known.state == "registered":
            return self.flow.uses_init_segments is bool(known.init_object_id)
        if post.init_object_id is None or not self.flow.uses_init_segments:
            return post.init_object_id is None and not self.flow.uses_init_segments
        init = self.objects.get(post.init_object_id)
        if init is None or post.init_object_id == post.object_id:
            return False
        return init.state == "init" or (init.state, init.allocated_for) == ("allocated", 1)

    def take(self, post: NewSegment, known: KnownObject | None) -> None:
        covers = post.object_timerange or post.timerange.shifted(-post.ts_offset)
        count, init_id = post.key_frame_count, post.init_object_id
        if known is not None and known.state == "registered":
            covers, count = known.timerange or covers, known.key_frame_count
            init_id = known.init_object_id
        if not moments(post, -post.ts_offset) <= set(range(covers.start or 0, covers.end or 0)):
            self.refused.append(post)
            return
        self.segments.append(post)
        self.accepted.append(post)
        self.objects[post.object_id] = KnownObject(9, "registered", None, covers, count, init_id)
        if init_id is not None:
            self.objects[init_id] = KnownObject(9, "init", None, None, None)


def moments(post: NewSegment, shift: int = 0) -> set[int]:
    assert post.timerange.start is not None
    assert post.timerange.end is not None
    return {ns + shift for ns in range(post.timerange.start, post.timerange.end)}


def placed(post: NewSegment) -> tuple[object, ...]:
    sample_facts = post.last_duration, post.sample_offset, post.sample_count
    return post.timerange, post.object_id, post.ts_offset, *sample_facts


def changes(post: NewSegment, known: KnownObject | None) -> bool:
    return known is not None and (
        post.object_timerange not in (None, known.timerange)
        or post.key_frame_count not in (None, known.key_frame_count)
        or post.init_object_id not in (None, known.init_object_id)
    )


def is_external(post: NewSegment) -> bool:
    labels = [place.label for place in post.get_urls]
    return bool(labels) and len(set(labels)) == len(labels) and "backend" not in labels


def usable(post: NewSegment, known: KnownObject) -> bool:
    if known.state in ("condemned", "init") or post.get_urls:
        return False
    if known.state == "allocated":
        return known.allocated_for == FLOW.key
    return not changes(post, known)


def reposts(segments: list[NewSegment]) -> st.SearchStrategy[NewSegment]:
    """What is registered already, as it was or with other facts about its Object."""
    changes = st.sampled_from(
        [
            {},
            {"key_frame_count": 1},
            {"object_timerange": TimeRange(0, 15)},
            {"init_object_id": "i"},
            {"init_object_id": None},
        ]
    )
    return st.builds(
        lambda post, change: post._replace(**change), st.sampled_from(segments), changes
    )


def surveyed(model: Model, batch: list[NewSegment]) -> Survey:
    """What a catalogue finds before the batch."""
    neighbours = set()
    for post in batch:
        below = [there for there in model.segments if min(moments(there)) <= max(moments(post))]
        nearest = max(below, key=lambda there: min(moments(there)), default=None)
        if nearest is not None:
            neighbours.add(neighbour(nearest))
    return Survey(dict(model.objects), sorted(neighbours, key=lambda there: there.start))


def neighbour(post: NewSegment) -> Neighbour:
    timerange = post.timerange
    assert timerange.start is not None
    assert timerange.end is not None
    facts = post.ts_offset, post.last_duration, post.sample_offset, post.sample_count
    return Neighbour(
        timerange.start, timerange.end, timerange.end_inclusive, post.object_id, *facts
    )


@settings(max_examples=250)
@given(known_objects, inits, st.data())
@pytest.mark.parametrize(
    ("flow", "posts"), [(FLOW, plain), (FRAGMENTED, fragments | fragments | odd_posts)]
)
def test_a_batch_meets_the_rules_as_its_segments_one_by_one_would(
    flow: LockedFlow,
    posts: st.SearchStrategy[NewSegment],
    objects: dict[str, KnownObject],
    init_id: str | None,
    data: st.DataObject,
) -> None:
    model = Model(flow, with_the_usual(objects, init_id))
    for post in data.draw(st.lists(posts, max_size=6)):
        model.post(post)
    batch = data.draw(st.lists(posts, min_size=1, max_size=6))
    again = data.draw(st.lists(reposts(model.segments), max_size=3)) if model.segments else []
    batch = data.draw(st.permutations([*batch, *again]))
    survey = surveyed(model, batch)
    model.accepted, model.refused = [], []
    for post in batch:
        model.post(post)
    decision = decide(flow, batch, survey, BACKENDS)
    assert [item.new for item in decision.accepted] == model.accepted
    assert [(it.object_id, it.timerange) for it in decision.refused] == [
        (post.object_id, post.timerange) for post in model.refused
    ]
    for item in decision.accepted:
        check_facts(item.segment, item.new, model.objects[item.new.object_id])


def check_facts(segment: Segment, post: NewSegment, known: KnownObject) -> None:
    assert segment.timerange == post.timerange
    assert segment.object_timerange == known.timerange
    assert segment.key_frame_count == known.key_frame_count
    shown = None if segment.init_object is None else segment.init_object.object_id
    assert shown == known.init_object_id
    assert segment[3:8] == (
        post.object_id,
        post.ts_offset,
        post.last_duration,
        post.sample_offset,
        post.sample_count,
    )


SEGMENT = NewSegment(object_id="a", timerange=TimeRange(0, 5))
ALLOCATED = KnownObject(7, "allocated", 1, None, None)
REGISTERED = KnownObject(8, "registered", 2, TimeRange(0, 5), 3)


def refusal(
    post: NewSegment, known: KnownObject | None = ALLOCATED, flow: LockedFlow = FLOW
) -> str:
    """Why a Segment alone is refused."""
    objects = {} if known is None else {post.object_id: known}
    decision = decide(flow, [post], Survey(objects, []), BACKENDS)
    assert not decision.accepted
    return decision.refused[0].reason


def test_each_refusal_names_the_field_and_the_rule() -> None:
    elsewhere = Instance(url="https://media.example/a.ts", label="elsewhere")
    assert refusal(SEGMENT, None) == "object_id: there is no Object a; allocate it first"
    assert refusal(SEGMENT, REGISTERED._replace(state="condemned")).startswith(
        "object_id: there is"
    )
    assert "another Flow" in refusal(SEGMENT, ALLOCATED._replace(allocated_for=2))
    assert refusal(SEGMENT._replace(get_urls=(elsewhere,))).startswith("get_urls: Object a already")
    twice = SEGMENT._replace(get_urls=(elsewhere, elsewhere))
    assert refusal(twice, None) == "get_urls: each label may be given once"
    ours = SEGMENT._replace(get_urls=(elsewhere._replace(label="backend"),))
    assert refusal(ours, None) == "get_urls: label 'backend' belongs to a Storage Backend"
    assert "registered with 3, not 4" in refusal(SEGMENT._replace(key_frame_count=4), REGISTERED)
    beyond = SEGMENT._replace(timerange=TimeRange(0, 6))
    assert refusal(beyond, REGISTERED).startswith("timerange: less ts_offset it is [0:0_0:6)")
    assert "Flow f and Object a disagree" in refusal(SEGMENT, flow=FRAGMENTED)
    assert "Flow f and Object a disagree" in refusal(SEGMENT._replace(init_object_id="b"))
    assert "Flow f and Object a disagree" in refusal(SEGMENT, REGISTERED, FRAGMENTED)
    inherits = REGISTERED._replace(init_object_id="b")
    assert refusal(SEGMENT, inherits).startswith("object_id: it must have an initialisation Object")
    differs = refusal(SEGMENT._replace(init_object_id="c"), inherits, FRAGMENTED)
    assert differs == "init_object_id: Object a is registered with b, not c"
    is_init = refusal(SEGMENT, ALLOCATED._replace(state="init"))
    assert is_init == "object_id: a is an initialisation Object, not media"


@pytest.mark.parametrize(
    ("init", "reason"),
    [
        (None, "there is no Object b; allocate it first"),
        (ALLOCATED._replace(state="condemned"), "there is no Object b; allocate it first"),
        (ALLOCATED._replace(allocated_for=2), "b was allocated for another Flow"),
        (REGISTERED, "b holds media, so it initialises nothing"),
    ],
)
def test_an_unfit_init_object_is_refused_by_name_and_rule(
    init: KnownObject | None, reason: str
) -> None:
    objects = {"a": ALLOCATED} | ({} if init is None else {"b": init})
    post = SEGMENT._replace(init_object_id="b")
    (refused,) = decide(FRAGMENTED, [post], Survey(objects, []), BACKENDS).refused
    assert refused.reason == f"init_object_id: {reason}"


def test_no_object_is_its_own_init_object() -> None:
    reason = refusal(SEGMENT._replace(init_object_id="a"), ALLOCATED, FRAGMENTED)
    assert reason == "init_object_id: a holds media, so it initialises nothing"


def test_only_the_first_of_a_batch_brings_the_init_object() -> None:
    batch = [
        NewSegment("a", TimeRange(0, 5), init_object_id="i"),
        NewSegment("b", TimeRange(5, 9), init_object_id="i"),
        NewSegment("i", TimeRange(9, 12), init_object_id="i"),
    ]
    objects = dict.fromkeys("abi", ALLOCATED)
    decision = decide(FRAGMENTED, batch, Survey(objects, []), BACKENDS)
    states = [item.init and item.init.state for item in decision.accepted]
    assert states == ["allocated", "init"]
    (refused,) = decision.refused
    assert refused.reason == "object_id: i is an initialisation Object, not media"


def test_an_overlap_names_both_segments() -> None:
    there = neighbour(SEGMENT._replace(object_id="b", timerange=TimeRange(3, 9)))
    (refused,) = decide(FLOW, [SEGMENT], Survey({"a": ALLOCATED}, [there]), BACKENDS).refused
    assert refused.reason == "timerange: [0:0_0:5) overlaps the registered Segment [0:3_0:9)"


def test_a_new_external_object_comes_with_its_first_segment() -> None:
    elsewhere = Instance(url="https://media.example/a.ts", label="elsewhere")
    first = SEGMENT._replace(get_urls=(elsewhere,), object_timerange=TimeRange(0, 9))
    second = SEGMENT._replace(timerange=TimeRange(5, 9))
    decision = decide(FLOW, [first, second], Survey({}, []), BACKENDS)
    one, other = decision.accepted
    assert one.object is None
    assert one.segment.instances == (elsewhere,)
    assert other.object is not None
    assert other.object.state == "registered"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timerange": EMPTY}, "timerange"),
        ({"timerange": ETERNITY}, "timerange"),
        ({"timerange": TimeRange(0, None)}, "timerange"),
        ({"timerange": TimeRange(None, 5)}, "timerange"),
        ({"timerange": TimeRange(LIMIT, LIMIT + 2)}, "timerange"),
        ({"timerange": TimeRange(-LIMIT - 1, 0)}, "timerange"),
        ({"ts_offset": LIMIT + 1}, "ts_offset"),
        ({"ts_offset": -LIMIT, "timerange": TimeRange(0, 5)}, "timerange less ts_offset"),
        ({"object_timerange": EMPTY}, "object_timerange"),
        ({"object_timerange": TimeRange(None, 5)}, "object_timerange"),
        ({"object_timerange": TimeRange(0, None)}, "object_timerange"),
        ({"object_timerange": TimeRange(0, LIMIT + 2)}, "object_timerange"),
        ({"last_duration": -1}, "last_duration"),
        ({"last_duration": LIMIT + 1}, "last_duration"),
    ],
)
def test_times_that_cannot_be_kept_are_screened_out(change: dict[str, object], field: str) -> None:
    post = SEGMENT._replace(**change)
    passed, refused = screen([SEGMENT, post])
    assert passed == [SEGMENT]
    assert refused[0].reason.startswith(f"{field}: ")


def test_the_last_storable_nanosecond_passes() -> None:
    edge = SEGMENT._replace(timerange=TimeRange(-LIMIT, LIMIT + 1), object_timerange=None)
    assert screen([edge]) == ([edge], [])
