"""Profiles are kept as they came, once, and listed by what they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tams.domain.flows import DataParameters, FlowQuery, FlowTechnical, ImageParameters
from tams.domain.pages import PageRequest
from tams.domain.profiles import Profile, ProfileQuery
from tams.domain.sources import ContentFormat
from tams.errors import Invalid
from tests.catalogue.building import NOON, add_flows, at, make_flow, new_id
from tests.catalogue.drawing import ESSENCE, MAPPING, MOMENT, NATURAL, RATIO, TAGS, TEXT, unset_or

ESSENCES = [content for content in ContentFormat if content is not ContentFormat.MULTI]
LONG = "\U0001f3ac" * 200


@st.composite
def profiles(draw):
    """A Profile with every property drawn, but an id that is new."""
    content = draw(st.sampled_from(ESSENCES))
    technical = st.builds(
        FlowTechnical,
        format=st.just(content),
        codec=TEXT,
        container=unset_or(TEXT),
        container_mapping=unset_or(MAPPING),
        segment_duration=unset_or(RATIO),
        avg_bit_rate=unset_or(NATURAL),
        essence_parameters=ESSENCE[content],
    )
    texts = {name: unset_or(TEXT) for name in ("label", "description", "created_by")}
    new = st.builds(lambda: str(uuid4()))
    return draw(
        st.builds(Profile, id=new, flow_metadata=technical, tags=TAGS, created=MOMENT, **texts)
    )


def make_profile(**known):
    """A Profile with the least that it needs; what is technical is its Flows'."""
    technical = {
        "format": ContentFormat.DATA,
        "codec": "application/json",
        "essence_parameters": DataParameters(),
    }
    technical |= {name: known.pop(name) for name in technical.keys() & known.keys()}
    values = {"id": new_id(), "created": NOON, "flow_metadata": FlowTechnical(**technical)}
    return Profile(**values | known)


async def add(catalogue, *new):
    return [await catalogue.write(lambda tx, one=one: tx.profiles.add(one)) for one in new]


async def get(catalogue, profile_id):
    return await catalogue.read(lambda tx: tx.profiles.get(profile_id))


async def page_of(catalogue, query=None, request=None):
    query, request = query or ProfileQuery(), request or PageRequest(limit=1000)
    return await catalogue.read(lambda tx: tx.profiles.list(query, request))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(profiles())
async def test_a_profile_comes_back_as_it_was_added(catalogue, profile):
    assert await add(catalogue, profile) == [True]
    assert await get(catalogue, profile.id) == profile
    found = (await page_of(catalogue, ProfileQuery(label=profile.label))).items
    assert profile in found


async def test_an_unknown_profile_is_nowhere(catalogue):
    assert await get(catalogue, new_id()) is None
    assert (await page_of(catalogue)).items == []


async def test_an_id_is_taken_once_whoever_else_wants_it_at_the_same_time(catalogue):
    profile = make_profile(label="0")
    same = [replace(profile, label=str(number)) for number in range(8)]
    added = await asyncio.gather(*(add(catalogue, one) for one in same))
    assert sum(won for [won] in added) == 1
    winner = same[added.index([True])]
    assert await get(catalogue, profile.id) == winner
    assert await add(catalogue, profile) == [False]
    assert list((await page_of(catalogue)).items) == [winner]


async def test_a_work_that_meets_a_taken_id_goes_on(catalogue):
    taken, other = make_profile(), make_profile()
    await add(catalogue, taken)

    async def work(tx):
        return await tx.profiles.add(taken), await tx.profiles.add(other)

    assert await catalogue.write(work) == (False, True)
    assert await get(catalogue, other.id) == other


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_profiles_are_listed_newest_first_page_by_page(catalogue, limit):
    made = [make_profile(created=at(index % 3)) for index in range(7)]
    await add(catalogue, *made)
    by_id = sorted(made, key=lambda one: one.id)
    expected = sorted(by_id, key=lambda one: one.created, reverse=True)
    found, request = [], PageRequest(limit=limit)
    while True:
        page = await page_of(catalogue, request=request)
        found += page.items
        if page.next_key is None:
            break
        assert len(page.items) == limit
        request = replace(request, key=page.next_key)
    assert found == expected


async def test_a_key_of_another_listing_is_refused(catalogue):
    await add_flows(catalogue, make_flow(), make_flow())
    one = PageRequest(limit=1)

    async def flows(tx):
        return await tx.flows.list(FlowQuery(), one)

    foreign = (await catalogue.read(flows)).next_key
    for key in (foreign, "", "abc"):
        with pytest.raises(Invalid, match="page"):
            await page_of(catalogue, request=replace(one, key=key))


KINDS = [
    make_profile(label="a"),
    make_profile(
        label="a",
        format=ContentFormat.IMAGE,
        codec="image/jpeg",
        essence_parameters=ImageParameters(frame_width=4, frame_height=3),
    ),
    make_profile(label="ab", codec="text/plain"),
    make_profile(label=LONG),
    make_profile(label=f"{LONG}b"),
    make_profile(label=""),
    make_profile(),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ProfileQuery(), range(7)),
        (ProfileQuery(label="a"), [0, 1]),
        (ProfileQuery(label="A"), []),
        (ProfileQuery(label=LONG), [3]),
        (ProfileQuery(label=""), [5]),
        (ProfileQuery(format=ContentFormat.IMAGE), [1]),
        (ProfileQuery(format=ContentFormat.MULTI), []),
        (ProfileQuery(codec="text/plain"), [2]),
        (ProfileQuery(format=ContentFormat.IMAGE, codec="text/plain"), []),
        (ProfileQuery(format=ContentFormat.DATA, codec="application/json", label="a"), [0]),
    ],
)
async def test_filters_must_all_hold(catalogue, query, expected):
    await add(catalogue, *KINDS)
    found = {one.id for one in (await page_of(catalogue, query)).items}
    assert found == {KINDS[index].id for index in expected}
