"""What the Flows of one Source collect, merged."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tams.domain.sources import SourceMember, derived_collection


def collecting(ids, role=None):
    return [SourceMember(id=source_id, role=role) for source_id in ids]


def merged(*collections):
    return "".join(member.id for member in derived_collection([*map(collecting, collections)]))


@pytest.mark.parametrize(
    ("collections", "expected"),
    [
        ([], ""),
        (["cab"], "cab"),
        (["ab", "bc"], "abc"),
        (["ab", "cd"], "abcd"),
        (["aba"], "ab"),
        (["a", "b", "ba"], "ba"),
        (["ac", "ab", "bc"], "abc"),
    ],
)
def test_members_keep_every_order_and_else_that_of_their_first_appearance(collections, expected):
    assert merged(*collections) == expected


@pytest.mark.parametrize("collections", [["ab", "ba"], ["ab", "bc", "ca"]])
def test_contradicting_orders_are_refused_whichever_comes_first(collections):
    for given_order in permutations(collections):
        with pytest.raises(ValueError, match="same order"):
            merged(*given_order)


def test_contradicting_roles_are_refused():
    with pytest.raises(ValueError, match="same role"):
        derived_collection([collecting("ab", "left"), collecting("b", "right")])


@given(st.lists(st.text("abcd", max_size=4), max_size=4), st.randoms())
def test_whether_flows_agree_does_not_depend_on_their_order(collections, random):
    def agree(given_order):
        try:
            return sorted(merged(*given_order))
        except ValueError:
            return None

    shuffled = random.sample(collections, len(collections))
    assert agree(shuffled) == agree(collections)
