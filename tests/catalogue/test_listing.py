"""Listings of Flows and Sources: their order, their pages and their filters."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from tams.catalogue.sql import tags
from tams.domain.flows import (
    FlowQuery,
    FlowStatus,
    ImageParameters,
    MultiParameters,
    VideoParameters,
)
from tams.domain.pages import PageRequest
from tams.domain.sources import ContentFormat, SourceQuery
from tams.domain.tags import TagFilter
from tams.domain.timerange import TimeRange
from tams.errors import Invalid
from tests.catalogue.building import (
    add_flows,
    add_sources,
    at,
    get_flow,
    make_flow,
    make_source,
    new_id,
    register,
    remove_flow,
    replace_flow,
)

# Alike as far as a page key goes; in code points, "B" < "a" < "ä" < U+FFFD < U+1F3AC, where
# UTF-16 and most locales would say otherwise.
LONG = "x" * 128
LABELS = [
    None, None, "", " ", "B", "a", "a", "ab", "ä", "\ufffd", "\U0001f3ac", LONG, f"{LONG}b",
    f"{LONG}a", "\U0001f3ac" * 200, None,
]  # fmt: skip
LIMITS = (1, 2, 3, 7, 15, 16, 17)
ALL = PageRequest(limit=1000)


async def list_flows(catalogue, query=None, page=ALL):
    return await catalogue.read(lambda tx: tx.flows.list(query or FlowQuery(), page))


async def list_sources(catalogue, query=None, page=ALL):
    return await catalogue.read(lambda tx: tx.sources.list(query or SourceQuery(), page))


async def walk(listing, catalogue, request, query=None):
    """The ids of all pages in turn; every page but the last must be full."""
    ids = []
    while True:
        page = await listing(catalogue, query, request)
        ids += [item.id for item in page.items]
        if page.next_key is None:
            return ids
        assert len(page.items) == request.limit
        assert len(page.next_key) < 1000
        request = replace(request, key=page.next_key)


def in_order(items, sort, *, reverse):
    if sort == "label":
        ranked = sorted(items, key=lambda item: (item.label is None, item.label or "", item.id))
    else:
        by_id = sorted(items, key=lambda item: item.id)
        ranked = sorted(by_id, key=lambda item: getattr(item, sort), reverse=True)
    return [item.id for item in (reversed(ranked) if reverse else ranked)]


async def test_flows_are_listed_in_order_whatever_the_page(catalogue):
    flows = [
        make_flow(label=label, created=at(index % 5), metadata_updated=at(-(index % 3)))
        for index, label in enumerate(LABELS)
    ]
    Random(7).shuffle(flows)
    gone = make_flow(label="a")
    await add_flows(catalogue, *flows, gone)
    await remove_flow(catalogue, gone.id)
    for sort, reverse, limit in product(
        ("created", "metadata_updated", "label"), (False, True), LIMITS
    ):
        request = PageRequest(limit=limit, sort=sort, reverse=reverse)
        expected = in_order(flows, sort, reverse=reverse)
        assert await walk(list_flows, catalogue, request) == expected, request


async def test_sources_are_listed_in_order_whatever_the_page(catalogue):
    sources = [
        make_source(label=label, created=at(index % 5), updated=at(-(index % 3)))
        for index, label in enumerate(LABELS)
    ]
    Random(7).shuffle(sources)
    await add_sources(catalogue, *sources)
    for sort, reverse, limit in product(("created", "updated", "label"), (False, True), LIMITS):
        request = PageRequest(limit=limit, sort=sort, reverse=reverse)
        expected = in_order(sources, sort, reverse=reverse)
        assert await walk(list_sources, catalogue, request) == expected, request


async def test_pages_neither_repeat_nor_skip_while_others_write(catalogue):
    flows = [make_flow(created=at(index)) for index in range(6)]
    await add_flows(catalogue, *flows)
    request = PageRequest(limit=2)
    first = await list_flows(catalogue, None, request)
    await add_flows(catalogue, make_flow(created=at(9)))
    await remove_flow(catalogue, flows[4].id)
    rest = await walk(list_flows, catalogue, replace(request, key=first.next_key))
    assert [flow.id for flow in first.items] == [flows[5].id, flows[4].id]
    assert rest == [flows[3].id, flows[2].id, flows[1].id, flows[0].id]


async def test_listed_items_are_whole(catalogue):
    member = make_flow(tags={"a": "b"})
    collector = make_flow(member, created=at(1), tags={"c": ("d",)})
    await add_flows(catalogue, member, collector)
    page = await list_flows(catalogue)
    assert list(page.items) == [
        await get_flow(catalogue, collector.id),
        await get_flow(catalogue, member.id),
    ]
    sources = {source.id: source for source in (await list_sources(catalogue)).items}
    [collected] = sources[collector.source_id].source_collection
    assert collected.id == member.source_id
    assert sources[member.source_id].collected_by == (collector.source_id,)


async def test_an_empty_listing_has_one_empty_page(catalogue):
    for listing in (list_flows, list_sources):
        page = await listing(catalogue)
        assert (list(page.items), page.next_key) == ([], None)


def encoded(text):
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


SOUND = '["flow","created",false,1,"id"]'
BROKEN = [
    "", "1", "garbage", "é", "!!!!", "a" * 5000, "=", "W10", encoded("null"), encoded("[]"),
    encoded(SOUND)[:-2], f"{encoded(SOUND)}!", encoded("[" * 60_000), encoded(SOUND * 2),
    *(
        encoded(SOUND.replace(*change))
        for change in (
            (',"id"', ""), ('"id"', '"id","id"'), ("1", '"1"'), ("1", "null"), ("1", "true"),
            ("1", "1.5"), ("1", str(2**64)), ("false", "0"), ("false", "true"), ("flow", "source"),
            ("created", "metadata_updated"), ("created", "label"), ('"id"', "null"),
            ("id", "\\u0000"), ("id", "\\ud800"), ("id", "i" * 130),
        )
    ),
]  # fmt: skip


async def test_a_broken_or_foreign_key_is_refused(catalogue):
    assert (await list_flows(catalogue, None, PageRequest(limit=5, key=encoded(SOUND)))).items == []
    for key in BROKEN:
        with pytest.raises(Invalid) as refusal:
            await list_flows(catalogue, None, PageRequest(limit=5, key=key))
        assert refusal.value.field == "page"


async def test_a_key_serves_its_own_listing_alone(catalogue):
    await add_flows(catalogue, *(make_flow(label="a") for _ in range(3)))
    page = PageRequest(limit=1, sort="label")
    mine = replace(page, key=(await list_flows(catalogue, None, page)).next_key)
    assert (await list_flows(catalogue, None, mine)).items
    for listing, foreign in (
        (list_flows, replace(mine, reverse=True)),
        (list_flows, replace(mine, sort="created")),
        (list_sources, mine),
    ):
        with pytest.raises(Invalid, match="page"):
            await listing(catalogue, None, foreign)


async def test_a_sort_of_another_listing_is_refused(catalogue):
    for listing, sort in ((list_flows, "updated"), (list_sources, "metadata_updated")):
        with pytest.raises(Invalid, match="sort_by"):
            await listing(catalogue, None, PageRequest(limit=1, sort=sort))


TAGGED = [
    {}, {"a": "x"}, {"a": ("x",)}, {"a": ("y", "x")}, {"a": "y", "b": "z"}, {"a": ""},
    {"a": ("",)}, {"a": ()}, {"A": "x"}, {"a": "X"}, {"a": "xy"}, {"b": ("z", "z")},
    {"é%,.": "\U0001f3ac"}, {"a": LONG}, {"a": f"{LONG}b"}, {LONG: "x"}, {f"{LONG}b": "x"},
]  # fmt: skip
TAG_FILTERS = [
    TagFilter(equals={"a": ("x",)}), TagFilter(equals={"a": ("x", "y")}),
    TagFilter(equals={"a": ("",)}), TagFilter(equals={"a": ()}), TagFilter(equals={"c": ("x",)}),
    TagFilter(equals={"a": ("x", "y"), "b": ("z",)}), TagFilter(exists={"a": True}),
    TagFilter(exists={"a": False}), TagFilter(exists={"a": True, "b": False}),
    TagFilter(equals={"a": ("x", "y", "z")}, exists={"b": True, "c": False}),
    TagFilter(equals={"é%,.": ("\U0001f3ac",)}), TagFilter(equals={"a": (LONG,)}),
    TagFilter(equals={"a": (f"{LONG}b",)}), TagFilter(equals={LONG: ("x",)}),
    TagFilter(exists={f"{LONG}b": True}), TagFilter(exists={LONG: False}), TagFilter(),
]  # fmt: skip


@pytest.mark.parametrize("rare", [tags.RARE, 1])
async def test_tags_are_filtered_as_the_rule_says(catalogue, monkeypatch, rare):
    monkeypatch.setattr(tags, "RARE", rare)
    flows = [make_flow(tags=tags) for tags in TAGGED]
    sources = [make_source(id=flow.source_id, tags=flow.tags) for flow in flows]
    await add_sources(catalogue, *sources)
    await add_flows(catalogue, *flows)
    for wanted in TAG_FILTERS:
        passing = {flow.id for flow in flows if wanted.accepts(flow.tags)}
        page = await list_flows(catalogue, FlowQuery(tags=wanted))
        assert {flow.id for flow in page.items} == passing, wanted
        passing = {source.id for source in sources if wanted.accepts(source.tags)}
        found = await list_sources(catalogue, SourceQuery(tags=wanted))
        assert {source.id for source in found.items} == passing, wanted


async def test_filters_come_before_paging(catalogue):
    flows = [make_flow(created=at(index), tags={"n": str(index % 5)}) for index in range(20)]
    await add_flows(catalogue, *flows)
    query = FlowQuery(tags=TagFilter(equals={"n": ("3",)}))
    found = await walk(list_flows, catalogue, PageRequest(limit=2), query)
    assert found == [flows[index].id for index in (18, 13, 8, 3)]


def video(width, height, **known):
    return VideoParameters(frame_width=width, frame_height=height, vfr=True, **known)


FLOWS = [
    make_flow(source_id=new_id(), label="a", status=FlowStatus.INGESTING, profile_id=new_id()),
    make_flow(format=ContentFormat.VIDEO, essence_parameters=video(1920, 1080)),
    make_flow(format=ContentFormat.VIDEO, essence_parameters=video(1920, 720, init_segments=True)),
    make_flow(format=ContentFormat.VIDEO, essence_parameters=video(1, 1, init_segments=False)),
    make_flow(
        format=ContentFormat.IMAGE,
        essence_parameters=ImageParameters(frame_width=1920, frame_height=1080),
    ),
    make_flow(format=ContentFormat.MULTI, codec=None, essence_parameters=None),
    make_flow(format=ContentFormat.MULTI, essence_parameters=MultiParameters(init_segments=True)),
    make_flow(codec="video/h264", label="A", status=FlowStatus.CLOSED_COMPLETE),
    make_flow(label=f"{LONG}a"),
    make_flow(label=f"{LONG}b"),
]


CASES = [
    (FlowQuery(), range(10)),
    (FlowQuery(source_id=FLOWS[0].source_id), [0]),
    (FlowQuery(source_id=new_id()), []),
    (FlowQuery(format=ContentFormat.VIDEO), [1, 2, 3]),
    (FlowQuery(codec="video/h264"), [7]),
    (FlowQuery(profile_id=FLOWS[0].profile_id), [0]),
    (FlowQuery(label="a"), [0]),
    (FlowQuery(label=""), []),
    (FlowQuery(label=LONG), []),
    (FlowQuery(label=f"{LONG}b"), [9]),
    (FlowQuery(status=FlowStatus.INGESTING), [0]),
    (FlowQuery(frame_width=1920), [1, 2]),
    (FlowQuery(frame_width=1920, frame_height=1080), [1]),
    (FlowQuery(frame_height=1), [3]),
    (FlowQuery(init_segments=True), [2, 6]),
    (FlowQuery(init_segments=False), [0, 1, 3, 4, 5, 7, 8, 9]),
    (FlowQuery(init_segments=False, format=ContentFormat.VIDEO, frame_width=1920), [1]),
]


async def test_flows_are_filtered_by_their_properties(catalogue):
    await add_flows(catalogue, *FLOWS)
    for query, expected in CASES:
        found = {flow.id for flow in (await list_flows(catalogue, query)).items}
        assert found == {FLOWS[index].id for index in expected}, query


async def test_flows_are_filtered_by_the_times_of_their_segments(catalogue):
    empty, early, gapped = make_flow(), make_flow(), make_flow()
    await add_flows(catalogue, empty, early, gapped)
    await register(catalogue, early.id, "[0:0_1:0)", "[1:0_2:0]")
    await register(catalogue, gapped.id, "[-9:0_-8:0)", "[10:0_20:0)")
    everything = {empty.id, early.id, gapped.id}
    for timerange, expected in (
        ("_", everything),
        ("()", {empty.id}),
        ("[2:0_10:0)", {early.id}),
        ("(2:0_10:0)", set()),
        ("(2:0_10:0]", {gapped.id}),
        ("[-8:0_0:0)", set()),
        ("_0:0)", {gapped.id}),
        ("[0:0_", {early.id, gapped.id}),
        ("[20:0_", set()),
        ("_-9:0)", set()),
        ("[15:0]", {gapped.id}),
        ("[99999999999:0_", set()),
        ("_-99999999999:0]", set()),
        ("[-99999999999:0_99999999999:0]", {early.id, gapped.id}),
    ):
        query = FlowQuery(timerange=TimeRange.parse(timerange))
        found = {flow.id for flow in (await list_flows(catalogue, query)).items}
        assert found == expected, timerange


async def test_flows_and_sources_are_filtered_by_their_collectors(catalogue):
    first, second, alone = make_flow(), make_flow(), make_flow()
    one, both = make_flow(first), make_flow(first, second, first)
    await add_flows(catalogue, first, second, alone, one, both)

    async def check(collectors, *expected):
        query = FlowQuery(collected_by=frozenset(flow.id for flow in collectors))
        found = sorted(flow.id for flow in (await list_flows(catalogue, query)).items)
        assert found == sorted(flow.id for flow in expected)
        sources = SourceQuery(collected_by=frozenset(flow.source_id for flow in collectors))
        found = sorted(source.id for source in (await list_sources(catalogue, sources)).items)
        assert found == sorted(flow.source_id for flow in expected)

    await check([one], first)
    await check([one, both], first, second)
    await check([both, make_flow()], first, second)
    await check([make_flow()])
    await check([], alone, one, both)
    await replace_flow(catalogue, replace(both, flow_collection=()))
    await check([], second, alone, one, both)
    await remove_flow(catalogue, one.id)
    unlinked = FlowQuery(collected_by=frozenset())
    found = {flow.id for flow in (await list_flows(catalogue, unlinked)).items}
    assert found == {first.id, second.id, alone.id, both.id}


async def test_sources_are_filtered_by_label_and_format(catalogue):
    named = make_source(label="a", format=ContentFormat.VIDEO)
    shouted = make_source(label="A", format=ContentFormat.VIDEO)
    plain = make_source()
    await add_sources(catalogue, named, shouted, plain)
    for query, expected in (
        (SourceQuery(), {named.id, shouted.id, plain.id}),
        (SourceQuery(label="a"), {named.id}),
        (SourceQuery(format=ContentFormat.VIDEO), {named.id, shouted.id}),
        (SourceQuery(format=ContentFormat.DATA, label="a"), set()),
    ):
        found = {source.id for source in (await list_sources(catalogue, query)).items}
        assert found == expected
