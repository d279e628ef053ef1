from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tams.domain import patterns
from tams.domain.segment_ids import segment_id, segment_start
from tams.domain.timerange import LIMIT

FLOW = "4fe2a4c2-27c8-4a5b-8a3c-0f6a26dbf4f5"
flows = st.uuids(version=4).map(str)
starts = st.integers(-LIMIT, LIMIT)


@given(flows, starts)
def test_an_id_leads_back_to_the_start_and_is_a_uuid_of_version_5(flow_id, start):
    made = segment_id(flow_id, start)
    assert segment_start(flow_id, made) == start
    assert patterns.UUID.fullmatch(made)
    assert (UUID(made).version, UUID(made).variant) == (5, "specified in RFC 4122")


@given(flows, flows, starts)
def test_an_id_is_of_one_flow(flow_id, other, start):
    made = segment_id(flow_id, start)
    assert (segment_start(other, made) == start) is (flow_id == other)


@given(flows, starts, starts)
def test_ids_of_a_flow_are_ordered_as_their_starts(flow_id, one, other):
    assert (segment_id(flow_id, one) < segment_id(flow_id, other)) is (one < other)


@given(flows, starts, st.integers(0, 127))
def test_every_bit_counts(flow_id, start, bit):
    changed = str(UUID(int=UUID(segment_id(flow_id, start)).int ^ 1 << bit))
    assert segment_start(flow_id, changed) != start


@pytest.mark.parametrize(
    "text",
    ["", "take-1", FLOW, "4f6c1e0a-5b1f-4c8e-9a57-3f0a6f0c7d11", segment_id(FLOW, 0).upper()],
)
def test_other_texts_are_no_ids_of_segments(text):
    assert segment_start(FLOW, text) is None


def test_ids_stay_what_they_are():
    assert segment_id(FLOW, 0).startswith("80000000-0000-5000-")
    assert segment_id(FLOW, -LIMIT).startswith("0000")
