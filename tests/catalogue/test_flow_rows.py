"""Every property of a Flow comes back from the catalogue as it went in."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tams.domain.flows import (
    CollectionItem,
    Flow,
    FlowStatus,
)
from tams.domain.sources import ContentFormat
from tests.catalogue.drawing import (
    ESSENCE,
    FLAG,
    MAPPING,
    MOMENT,
    NATURAL,
    RATIO,
    TAGS,
    TEXT,
    unset_or,
)


@st.composite
def flows(draw):
    """A Flow with every property drawn, but ids that are new and no members."""
    content = draw(st.sampled_from(ContentFormat))
    return draw(
        st.builds(
            Flow,
            id=st.builds(lambda: str(uuid4())),
            source_id=st.builds(lambda: str(uuid4())),
            format=st.just(content),
            container_mapping=unset_or(MAPPING),
            segment_duration=unset_or(RATIO),
            essence_parameters=ESSENCE[content],
            tags=TAGS,
            status=unset_or(st.sampled_from(FlowStatus)),
            read_only=FLAG,
            created=MOMENT,
            metadata_updated=MOMENT,
            segments_updated=unset_or(MOMENT),
            **{name: unset_or(NATURAL) for name in ("avg_bit_rate", "max_bit_rate", "generation")},
            **{
                name: unset_or(TEXT)
                for name in (
                    "codec", "container", "label", "description", "profile_id",
                    "metadata_version", "created_by", "updated_by",
                )
            },
        )
    )  # fmt: skip


ITEMS = st.lists(st.tuples(st.integers(0, 1), unset_or(TEXT), unset_or(MAPPING)), max_size=4)


def collect(flow, members, items):
    return replace(
        flow,
        flow_collection=tuple(
            CollectionItem(id=members[index].id, role=role, container_mapping=mapping)
            for index, role, mapping in items
        ),
    )


async def stored(catalogue, flow_id):
    return await catalogue.read(lambda tx: tx.flows.get(flow_id))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.tuples(flows(), flows(), flows()), flows(), ITEMS, ITEMS)
async def test_a_flow_comes_back_as_it_was_stored(catalogue, three, other, first, second):
    *members, new = three
    new = collect(new, members, first)

    async def add(tx):
        for flow in (*members, new):
            await tx.flows.add(flow)

    await catalogue.write(add)
    assert await stored(catalogue, new.id) == new

    changed = replace(
        collect(other, members, second),
        id=new.id,
        created=new.created,
        segments_updated=new.segments_updated,
    )

    async def change(tx):
        await tx.flows.lock(new.id)
        await tx.flows.replace(changed)

    await catalogue.write(change)
    assert await stored(catalogue, new.id) == changed
