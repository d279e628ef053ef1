"""What may happen, drawn at random from few names, so that it meets."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from hypothesis import strategies as st

from tams.services.queue import LEASE, LONG_LEASE
from tests.garbage.model import lifetime
from tests.garbage.operations import (
    FLOWS,
    OBJECTS,
    SLOTS,
    WITH_INIT,
    AddInstance,
    Allocate,
    DeleteFlow,
    DeleteSegments,
    Expire,
    HandOut,
    Operation,
    PutFlow,
    Register,
    RemoveInstance,
    Upload,
)
from tests.garbage.store import BACKENDS
from tests.services.conftest import URL_LIFETIME

flows, slots, objects = (st.sampled_from(pool) for pool in (sorted(FLOWS), SLOTS, OBJECTS))
backends = st.sampled_from(sorted(BACKENDS))
with_init = st.sampled_from(sorted(WITH_INIT))
inits = st.none() | objects
TIMES = (
    timedelta(seconds=1),
    LEASE,
    LONG_LEASE,
    URL_LIFETIME / 2,
    URL_LIFETIME,
    lifetime() - URL_LIFETIME,
)
waits = st.sampled_from(TIMES)
moments = st.integers(0, 12)
# So far has the event loop to turn round before the second of two that compete begins.
turns = st.integers(0, 200)
any_of = st.integers(0, 19)
deletions = st.one_of(
    st.builds(DeleteFlow, flows),
    st.builds(DeleteSegments, flows, slots, st.just(SLOTS[-1]), st.none() | objects),
    st.builds(DeleteSegments, flows, st.just(0), slots),
)
changes = st.one_of(
    st.builds(Register, flows, slots, objects, inits),
    st.builds(Allocate, flows, objects, backends),
    deletions,
    st.builds(AddInstance, objects, st.none() | backends),
    st.builds(AddInstance, objects, backends),
    st.builds(RemoveInstance, objects, st.none() | backends),
    st.just(Expire()),
)
single = st.one_of(
    changes,
    st.builds(PutFlow, flows),
    st.builds(Upload, objects),
    st.builds(Register, flows, slots, objects, inits, st.booleans()),
    st.builds(HandOut, objects),
)


def _bring(flow: str, media: list[str], init: str, backend: str) -> list[Operation]:
    """All that Segments need, and that clients are then given."""
    named = init if flow in WITH_INIT else None
    needed = [each for each in (named, *media) if each is not None]
    return [
        PutFlow(flow),
        *(Allocate(flow, each, backend) for each in needed),
        *map(Upload, needed),
        *(Register(flow, slot, each, named) for slot, each in enumerate(media)),
        *map(HandOut, needed),
    ]


media = st.lists(objects, min_size=1, max_size=len(SLOTS), unique=True)
bringing = st.builds(_bring, flows, media, objects, backends)
deeds = st.one_of(bringing, bringing, *[single.map(lambda each: [each])] * 4)
operations = st.lists(deeds, min_size=1, max_size=4).map(lambda each: list(chain(*each)))
