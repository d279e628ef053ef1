"""What only the vendor dialect asks of direct creation."""

from __future__ import annotations

import pytest

from tams.catalogue.connect import catalogue as connect
from tams.domain.access import ANYONE
from tams.errors import NotFound
from tams.services.direct_creation import DirectCreation
from tams.services.flows import Flows
from tests.catalogue.building import NOON, add_sources, get_flow, get_source, make_flow, make_source


@pytest.fixture
async def catalogue(catalogue_url):
    opened = connect(catalogue_url, connections=2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def creation(catalogue):
    return DirectCreation(catalogue, lambda: NOON, Flows(catalogue, lambda: NOON))


async def test_a068_a_flow_of_an_unknown_source_is_refused_where_the_source_must_be_there(
    catalogue, creation
):
    source = make_source()
    await add_sources(catalogue, source)
    known, unknown = make_flow(source_id=source.id), make_flow()
    with pytest.raises(NotFound, match=f"there is no Source {unknown.source_id}"):
        await creation.add_flows(ANYONE, [known, unknown], is_batch=True, needs_source=True)
    assert await get_flow(catalogue, known.id) is None
    assert await get_source(catalogue, unknown.source_id) is None
    [made] = await creation.add_flows(ANYONE, [known], needs_source=True)
    assert await get_flow(catalogue, known.id) == made
