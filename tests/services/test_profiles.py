"""Flows that are made from Profiles: what they take over, keep, refuse, and tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tams.domain.access import ANYONE, Principal
from tams.domain.flows import (
    ContainerMapping,
    DataParameters,
    FlowCommon,
    FlowMetadata,
    FlowTechnical,
    ImageParameters,
    Ratio,
)
from tams.domain.profiles import TECHNICAL, ProfileMetadata
from tams.domain.records import values_of
from tams.domain.sources import ContentFormat
from tams.errors import FlowReadOnly, Invalid, NotFound
from tams.services.profiles import Profiles
from tests.catalogue.building import get_flow, new_id

TEXTS = FlowTechnical(
    format=ContentFormat.DATA,
    codec="text/plain",
    container="text/plain",
    avg_bit_rate=5,
    essence_parameters=DataParameters(data_type="words"),
)
IMAGES = replace(
    TEXTS,
    format=ContentFormat.IMAGE,
    essence_parameters=ImageParameters(frame_width=4, frame_height=3),
)
FULLER = replace(
    TEXTS,
    segment_duration=Ratio(numerator=2),
    container_mapping=ContainerMapping(track_index=1),
)


@pytest.fixture
def profiles(house):
    return Profiles(house.catalogue, house.clock)


async def make(profiles, technical=TEXTS, **known):
    return await profiles.create(
        ANYONE, ProfileMetadata(id=new_id(), flow_metadata=technical, **known)
    )


def of(profile, **known):
    """The PUT of a Flow of a Profile."""
    ids = {"id": new_id(), "source_id": new_id()}
    return FlowCommon(**ids | {"profile_id": profile.id} | known)


def whole(flow, **changes):
    """The PUT of the same Flow with its technical properties, and no word of a Profile."""
    return replace(FlowMetadata(**values_of(FlowMetadata, flow)), **{"profile_id": None} | changes)


async def test_a_new_flow_is_told_of_with_all_that_its_profile_says(house, profiles):
    put = of(await make(profiles, tags={"of the": "Profile"}), label="words")
    created = await house.flows.put(ANYONE, put)
    [event] = await house.events(put.id)
    assert (event.type, event.flow) == ("flows/created", created)
    assert created == await get_flow(house.catalogue, put.id)
    assert {name: getattr(created, name) for name in TECHNICAL} == values_of(FlowTechnical, TEXTS)
    assert (created.label, created.profile_id, created.tags) == ("words", put.profile_id, {})


async def test_a_change_of_what_is_common_is_told_of_once(house, profiles):
    put = of(await make(profiles))
    await house.flows.put(ANYONE, put)
    await house.flows.put(ANYONE, put)
    await house.flows.put(ANYONE, replace(put, label="new"))
    told = [event.type for event in await house.events(put.id)]
    assert told == ["flows/created", "flows/updated"]
    assert (await house.flows.get(put.id)).codec == TEXTS.codec


@pytest.mark.parametrize("name", TECHNICAL)
async def test_what_is_inherited_changes_only_by_leaving_the_profile(house, profiles, name):
    created = await house.flows.put(ANYONE, of(await make(profiles)))
    change = {
        "format": ContentFormat.IMAGE,
        "essence_parameters": DataParameters(data_type="letters"),
        "segment_duration": None,
        "container_mapping": None,
    }
    if getattr(TEXTS, name) is None:
        created = await house.flows.put(ANYONE, of(await make(profiles, FULLER)))
    new = change.get(name, 7 if name == "avg_bit_rate" else "text/html")
    with pytest.raises(Invalid, match=rf'^{name}: .*PUT the Flow with profile_id ""'):
        await house.flows.put(ANYONE, whole(created, **{name: new}))
    assert await house.flows.get(created.id) == created
    if name != "format":
        await house.flows.put(ANYONE, whole(created, profile_id="", **{name: new}))
        left = await house.flows.get(created.id)
        assert (getattr(left, name), left.profile_id) == (new, None)


async def test_what_repeats_the_profile_keeps_the_link(house, profiles):
    created = await house.flows.put(ANYONE, of(await make(profiles)))
    await house.flows.put(ANYONE, whole(created))
    assert await house.flows.get(created.id) == created
    await house.flows.put(ANYONE, whole(created, label="new"))
    assert (await house.flows.get(created.id)).profile_id == created.profile_id


async def test_a_flow_may_move_to_another_profile_of_its_format(house, profiles):
    created = await house.flows.put(ANYONE, of(await make(profiles)))
    put = FlowCommon(id=created.id, source_id=created.source_id)
    other = await make(profiles, replace(TEXTS, codec="text/html", avg_bit_rate=None))
    await house.flows.put(ANYONE, replace(put, profile_id=other.id))
    moved = await house.flows.get(created.id)
    assert (moved.codec, moved.avg_bit_rate, moved.profile_id) == ("text/html", None, other.id)
    images = await make(profiles, IMAGES)
    with pytest.raises(Invalid, match=r"^format: "):
        await house.flows.put(ANYONE, replace(put, profile_id=images.id))


async def test_an_unknown_profile_changes_nothing(house, profiles):
    created = await house.flows.put(ANYONE, of(await make(profiles)))
    for put in (created, FlowCommon(id=new_id(), source_id=new_id())):
        unknown = FlowCommon(id=put.id, source_id=put.source_id, profile_id=new_id())
        with pytest.raises(Invalid, match=r"^profile_id: .*a Profile of this store"):
            await house.flows.put(ANYONE, unknown)
    assert await house.flows.get(created.id) == created
    with pytest.raises(NotFound):
        await house.flows.get(unknown.id)


async def test_the_source_must_hold_what_the_profile_says(house, profiles):
    texts = await house.flows.put(ANYONE, of(await make(profiles)))
    images = of(await make(profiles, IMAGES), source_id=texts.source_id)
    with pytest.raises(Invalid, match=r"^format: "):
        await house.flows.put(ANYONE, images)


async def test_a_read_only_flow_is_refused_before_its_profile_is_looked_for(house, profiles):
    put = of(await make(profiles), read_only=True)
    await house.flows.put(ANYONE, put)
    with pytest.raises(FlowReadOnly):
        await house.flows.put(ANYONE, replace(put, profile_id=new_id()))


async def test_who_creates_a_profile_is_noted_unless_it_says_so(house, profiles):
    house.clock.now += timedelta(seconds=1)
    asked = ProfileMetadata(id=new_id(), flow_metadata=TEXTS)
    noted = await profiles.create(Principal(name="somebody"), asked)
    assert (noted.created_by, noted.created) == ("somebody", house.clock.now)
    said = replace(asked, id=new_id(), created_by="another store")
    assert (await profiles.create(Principal(name="somebody"), said)).created_by == "another store"
    with pytest.raises(Invalid, match=r"^id: it must be new"):
        await profiles.create(ANYONE, said)
    with pytest.raises(NotFound, match="Profile"):
        await profiles.get(new_id())
