"""What clients do, and what must come of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from tams.domain.access import ANYONE
from tams.domain.flows import DataParameters, FlowMetadata
from tams.domain.objects import Instance
from tams.domain.pages import PageRequest
from tams.domain.segments import NewSegment, SegmentQuery
from tams.domain.sources import ContentFormat
from tams.domain.storage import MediaUrl, StorageRequest, UrlFilter
from tams.domain.tags import TagFilter
from tams.domain.timerange import SECOND, TimeRange
from tams.errors import Conflict, Invalid, MediaRefused, NotFound
from tests.catalogue.building import new_id
from tests.garbage.model import LINK, FlowLife, Handed, Model, ObjectLife, Outcome, lifetime
from tests.garbage.store import THRESHOLD, Store
from tests.services.conftest import BASE, once

FLOWS = {name: new_id() for name in "ABCD"}
SOURCES = {name: new_id() for name in FLOWS}
WITH_INIT = frozenset("CD")
SLOTS = range(5)
OBJECTS = "abcdef"
URL = "https://media.example/a"


async def outcome(asked: Awaitable[object]) -> Outcome:
    """What a client is told."""
    try:
        await asked
    except NotFound:
        return "not found"
    except (Invalid, Conflict, MediaRefused):
        return "refused"
    return "done"


class Operation(ABC):
    """Something that a client does; it is done, and then compared with what the model expects."""

    @abstractmethod
    async def perform(self, store: Store) -> Outcome:
        """Do it."""

    @abstractmethod
    def expect(self, model: Model, store: Store) -> Outcome:
        """Do it to the model, and return what the client must have been told."""


@dataclass(frozen=True)
class PutFlow(Operation):
    """Create a Flow, or leave it as it is."""

    flow: str

    async def perform(self, store: Store) -> Outcome:
        flow = FlowMetadata(
            id=FLOWS[self.flow],
            source_id=SOURCES[self.flow],
            format=ContentFormat.DATA,
            codec="application/json",
            container="application/json",
            essence_parameters=DataParameters(init_segments=self.flow in WITH_INIT or None),
        )
        return await outcome(store.flows.put(ANYONE, flow))

    def expect(self, model: Model, store: Store) -> Outcome:
        if self.flow not in model.flows:
            model.flows[self.flow] = FlowLife(model.new_life(), self.flow in WITH_INIT)
        return "done"


@dataclass(frozen=True)
class DeleteFlow(Operation):
    flow: str

    async def perform(self, store: Store) -> Outcome:
        return await outcome(store.deletions.delete_flow(ANYONE, FLOWS[self.flow]))

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.flows.pop(self.flow, None)
        if life is None:
            return "not found"
        model.empty_graves(life)
        model.lose(store.clock.now, recorded=False)
        return "done"


@dataclass(frozen=True)
class Allocate(Operation):
    flow: str
    object: str
    backend: str

    async def perform(self, store: Store) -> Outcome:
        request = StorageRequest(object_ids=(self.object,), storage_id=self.backend)
        try:
            [new] = await store.allocation.allocate(ANYONE, BASE, FLOWS[self.flow], request)
        except (NotFound, Invalid) as refusal:
            return "not found" if isinstance(refusal, NotFound) else "refused"
        store.put_urls[self.object] = media_url(new.put_url.url)
        return "done"

    def expect(self, model: Model, store: Store) -> Outcome:
        flow = model.flows.get(self.flow)
        if flow is None:
            return "not found"
        if self.object in model.objects:
            return "refused"
        model.objects[self.object] = ObjectLife(
            "allocated",
            allocated_for=flow.number,
            expires=store.clock.now + lifetime(),
            own=self.backend,
            places={self.backend},
        )
        return "done"


@dataclass(frozen=True)
class Upload(Operation):
    """Write to the last PUT URL of an id, if that works still; the bytes tell their key."""

    object: str

    async def perform(self, store: Store) -> Outcome:
        url = store.put_urls.get(self.object)
        if url is None or int(url.expires) <= store.clock.now.timestamp():
            return "refused"
        return await outcome(store.media.store(url, {}, once(url.key.encode())))

    def expect(self, model: Model, store: Store) -> Outcome:
        url = store.put_urls.get(self.object)
        if url is None or int(url.expires) <= store.clock.now.timestamp():
            return "refused"
        life = model.objects[self.object]
        life.content = url.key
        if life.own is not None:
            life.written.add(life.own)
        return "done"


@dataclass(frozen=True)
class Register(Operation):
    """Register a Segment of one second; an Object is used from its beginning, wherever it plays."""

    flow: str
    slot: int
    object: str
    init: str | None = None
    external: bool = False

    async def perform(self, store: Store) -> Outcome:
        start = self.slot * SECOND
        post = NewSegment(
            object_id=self.object,
            timerange=TimeRange(start, start + SECOND),
            ts_offset=start,
            init_object_id=self.init,
            get_urls=(Instance(url=URL, label=LINK),) if self.external else (),
        )
        try:
            refused = await store.segments.add(ANYONE, FLOWS[self.flow], [post])
        except NotFound:
            return "not found"
        return "refused" if refused else "done"

    def expect(self, model: Model, store: Store) -> Outcome:
        flow = model.flows.get(self.flow)
        if flow is None:
            return "not found"
        if self.slot in flow.doomed:
            flow.doomed.discard(self.slot)
            del flow.slots[self.slot]
            model.lose(store.clock.now, recorded=True)
        life = model.objects.get(self.object)
        if self.slot in flow.slots:
            is_same = flow.slots[self.slot] == self.object and self.init in (None, life.init)
            return "done" if is_same else "refused"
        if not self._is_fit(model, flow, life):
            return "refused"
        self._take(model, flow, life)
        return "done"

    def _is_fit(self, model: Model, flow: FlowLife, life: ObjectLife | None) -> bool:
        if life is None:
            return self.external and self._has_fit_init(model, flow)
        if life.lost or self.external or life.state == "init" or model.is_hidden(self.object):
            return False
        if life.state == "media":
            return self.init in (None, life.init) and flow.uses_init == (life.init is not None)
        return life.allocated_for == flow.number and self._has_fit_init(model, flow)

    def _has_fit_init(self, model: Model, flow: FlowLife) -> bool:
        if self.init is None or not flow.uses_init:
            return self.init is None and not flow.uses_init
        init = model.objects.get(self.init)
        if init is None or init.lost or self.init == self.object or model.is_hidden(self.init):
            return False
        return init.state == "init" or (
            init.state == "allocated" and init.allocated_for == flow.number
        )

    def _take(self, model: Model, flow: FlowLife, life: ObjectLife | None) -> None:
        if life is None:
            life = model.objects[self.object] = ObjectLife("allocated", labels={LINK})
        if life.state == "allocated":
            life.state, life.init = "media", self.init
        if self.init is not None:
            model.objects[self.init].state = "init"
        flow.slots[self.slot] = self.object


@dataclass(frozen=True)
class DeleteSegments(Operation):
    flow: str
    first: int
    last: int
    object: str | None = None

    async def perform(self, store: Store) -> Outcome:
        timerange = TimeRange(self.first * SECOND, (self.last + 1) * SECOND)
        query = SegmentQuery(timerange, self.object)
        return await outcome(store.deletions.delete_segments(ANYONE, FLOWS[self.flow], query))

    def expect(self, model: Model, store: Store) -> Outcome:
        flow = model.flows.get(self.flow)
        if flow is None:
            return "not found"
        met = {
            slot
            for slot, object_id in flow.slots.items()
            if self.first <= slot <= self.last and self.object in (None, object_id)
        }
        if len(met) > THRESHOLD:
            flow.doomed |= met
            flow.requests += 1
            return "done"
        for slot in met:
            del flow.slots[slot]
            flow.doomed.discard(slot)
        model.lose(store.clock.now, recorded=True)
        return "done"


@dataclass(frozen=True)
class AddInstance(Operation):
    """Ask for a copy in a backend, or list a URL where there is none."""

    object: str
    backend: str | None

    async def perform(self, store: Store) -> Outcome:
        asked = Instance(url=URL, label=LINK)
        if self.backend is not None:
            asked = Instance(storage_id=self.backend)
        return await outcome(store.instances.add(ANYONE, self.object, asked))

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.known(self.object)
        if life is None:
            return "not found"
        if self.backend is None:
            if LINK in life.labels:
                return "refused"
            life.labels.add(LINK)
            return "done"
        if self.backend in life.places | life.incoming:
            return "refused"
        life.incoming.add(self.backend)
        return "done"


@dataclass(frozen=True)
class RemoveInstance(Operation):
    """Remove what lies in a backend, or the URL where there is none."""

    object: str
    backend: str | None

    async def perform(self, store: Store) -> Outcome:
        label = LINK if self.backend is None else None
        return await outcome(
            store.instances.remove(ANYONE, self.object, storage_id=self.backend, label=label)
        )

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.known(self.object)
        if life is None or (self.backend or LINK) not in life.places | life.labels:
            return "not found"
        if len(life.places) + len(life.labels) == 1:
            return "refused"
        if self.backend is None:
            life.labels.discard(LINK)
            return "done"
        life.places.discard(self.backend)
        life.written.discard(self.backend)
        life.outgoing[self.backend] = store.clock.now
        if life.own == self.backend:
            life.own = None
        return "done"


@dataclass(frozen=True)
class HandOut(Operation):
    """Give a client the URLs of an Object, which then work as long as they say."""

    object: str

    async def perform(self, store: Store) -> Outcome:
        store.given = []
        page = PageRequest(1)
        try:
            found, _, signer = await store.objects.get(
                BASE, self.object, TagFilter(), page, UrlFilter()
            )
        except NotFound:
            return "not found"
        controlled = [each for each in found.instances if each.storage_id is not None]
        store.given = [
            media_url(signer.sign_gets(each.storage_id)(each.key)) for each in controlled
        ]
        return "done"

    def expect(self, model: Model, store: Store) -> Outcome:
        life = model.known(self.object)
        if life is None:
            return "not found"
        model.handed += [
            Handed(url, life.content) for url in store.given if url.storage_id in life.written
        ]
        return "done"


@dataclass(frozen=True)
class Expire(Operation):
    """Let the worker look for allocations that were not registered in time."""

    async def perform(self, store: Store) -> Outcome:
        while await store.cleanup.condemn_expired():
            continue
        return "done"

    def expect(self, model: Model, store: Store) -> Outcome:
        model.expire(store.clock.now)
        return "done"


def media_url(text: str) -> MediaUrl:
    """Take a URL apart that our own storage signed."""
    parts = urlsplit(text)
    storage_id, key = parts.path.removeprefix("/media/").split("/", 1)
    signed = dict(parse_qsl(parts.query))
    kind = signed.get("content-type", "")
    return MediaUrl(storage_id, key, signed["expires"], signed["signature"], kind)
