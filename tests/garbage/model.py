"""What must be in the store, in plain Python: the rules that clients rely on, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from tams.domain.storage import MediaUrl
from tests.services.conftest import OBJECT_TIMEOUT, URL_LIFETIME

GRACE = timedelta(seconds=60)
LINK = "elsewhere"
"""The label of uncontrolled instances."""

Outcome = Literal["done", "not found", "refused"]


@dataclass
class FlowLife:
    """One life of a Flow's id; `doomed` are the slots that open deletion requests are to empty."""

    number: int
    uses_init: bool
    slots: dict[int, str] = field(default_factory=dict)
    doomed: set[int] = field(default_factory=set)
    requests: int = 0


@dataclass
class Buried:
    """What a soft deletion keeps: a Flow, or some slots of one."""

    name: str
    flow: FlowLife
    at: datetime
    slots: dict[int, str] | None = None

    @property
    def objects(self) -> Iterable[str]:
        """The Objects that it holds."""
        return (self.flow.slots if self.slots is None else self.slots).values()


@dataclass
class ObjectLife:
    """One life of an Object's id, from its allocation until its bytes are gone.

    `own` is the backend that its PUT URL writes to, while that instance is listed; `written` are
    the listed instances that have bytes. `lost` is when it became unknown for good, `recorded` when
    that was known to the clean-up at the latest.
    """

    state: Literal["allocated", "media", "init"]
    allocated_for: int | None = None
    expires: datetime | None = None
    own: str | None = None
    content: str | None = None
    init: str | None = None
    places: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    incoming: set[str] = field(default_factory=set)
    outgoing: dict[str, datetime] = field(default_factory=dict)
    lost: datetime | None = None
    recorded: datetime | None = None

    @property
    def respite(self) -> timedelta:
        """How long its bytes stay once it is unknown: URLs are given out of known ones alone."""
        return timedelta() if self.state == "allocated" else URL_LIFETIME


class Held(NamedTuple):
    """The instances of an Object as clients see them: what lies in each backend, and the labels."""

    places: dict[str, str | None]
    labels: set[str]
    incoming: set[str]


class Seen(NamedTuple):
    """What the store says of itself at one moment."""

    flows: dict[str, dict[int, str]]
    requests: dict[str, int]
    taken: set[str]
    held: dict[str, Held]
    contents: dict[str, list[str]]


class Handed(NamedTuple):
    """A URL that was given out, and what it reads until it expires."""

    url: MediaUrl
    content: str


class Model:
    """Flows and Objects as they must be."""

    def __init__(self) -> None:
        self.flows: dict[str, FlowLife] = {}
        self.objects: dict[str, ObjectLife] = {}
        self.handed: list[Handed] = []
        self.trash: list[Buried] = []
        self.is_unsure = False
        self._lives = 0

    def new_life(self) -> int:
        """A number that no Flow had before."""
        self._lives += 1
        return self._lives

    def known(self, object_id: str | None) -> ObjectLife | None:
        """A registered Object that is referred to."""
        life = self.objects.get(object_id or "")
        if life is None or life.state == "allocated" or life.lost or self.is_hidden(object_id):
            return None
        return life

    def is_hidden(self, object_id: str | None) -> bool:
        """Whether this is a registered Object that only soft deletions hold."""
        life = self.objects.get(object_id or "")
        if life is None or life.state == "allocated":
            return False
        return object_id not in self._used_by(flow.slots.values() for flow in self.flows.values())

    def _used_by(self, uses: Iterable[Iterable[str]]) -> set[str]:
        """The Objects of these uses, and those that they name as initialisation Objects."""
        media = {object_id for each in uses for object_id in each}
        return media | {self.objects[object_id].init or "" for object_id in media}

    def empty_graves(self, flow: FlowLife) -> None:
        """Keep no slots any more of a Flow that is gone for good."""
        self.trash = [each for each in self.trash if each.slots is None or each.flow is not flow]

    def lose(self, now: datetime, *, recorded: bool) -> None:
        """Let Objects be lost to which nothing refers any more.

        `recorded` says that Segments went, and not whole Flows. What is lost with an initialisation
        Object may still be named by Media Objects that a Flow took along.
        """
        living = [flow.slots.values() for flow in self.flows.values()]
        referred = self._used_by([*living, *(each.objects for each in self.trash)])
        for object_id, life in self.objects.items():
            if life.state != "allocated" and life.lost is None and object_id not in referred:
                life.lost = now
                life.recorded = now if recorded and life.state == "media" else None

    def expire(self, now: datetime) -> None:
        """Let allocations be lost that were not registered in time."""
        for life in self.objects.values():
            if life.state == "allocated" and life.lost is None and life.expires <= now:
                life.lost = life.recorded = now

    def catch_up(self, seen: Seen, now: datetime) -> None:
        """Take over what workers may have done by now, and nothing else."""
        for flow_id, flow in self.flows.items():
            there = seen.flows.get(flow_id, {})
            flow.requests = seen.requests.get(flow_id, 0)
            for slot in sorted(flow.doomed - there.keys()):
                del flow.slots[slot]
                flow.doomed.discard(slot)
        self.lose(now, recorded=True)
        for object_id in sorted(self.objects.keys() - seen.taken):
            life = self.objects[object_id]
            if life.lost is not None and now >= life.lost + life.respite:
                del self.objects[object_id]
        for object_id, held in seen.held.items():
            life = self.known(object_id)
            if life is not None:
                arrived = life.incoming & held.places.keys() if life.written else set()
                life.places |= arrived
                life.written |= arrived
                is_unsure = self.is_unsure or not life.written
                given_up = life.incoming - held.incoming if is_unsure else set()
                life.incoming -= arrived | given_up
        self.is_unsure = False

    def differences(self, seen: Seen) -> list[str]:
        """Where the store is other than it must be."""
        return [
            *_unlike("slots", {name: flow.slots for name, flow in self.flows.items()}, seen.flows),
            *_unlike("ids that are taken", set(self.objects), seen.taken),
            *_unlike("known Objects", self._held(), {k: _listed(v) for k, v in seen.held.items()}),
            *self._missing(seen),
            *self._orphans(seen),
        ]

    def _held(self) -> dict[str, object]:
        return {
            object_id: (life.places, life.labels, life.incoming)
            for object_id, life in self.objects.items()
            if self.known(object_id)
        }

    def _missing(self, seen: Seen) -> Iterable[str]:
        """Bytes that must be there, of known Objects and of those that may be known again."""
        for object_id, held in seen.held.items():
            life = self.objects.get(object_id, ObjectLife("media"))
            for place in life.places & life.written:
                if held.places.get(place) != life.content:
                    yield f"{object_id} in {place}: {held.places.get(place)} for {life.content}"
        for object_id, life in self.objects.items():
            if not life.lost and self.known(object_id) is None:
                for place in life.written:
                    if life.content not in seen.contents[place]:
                        yield f"{object_id} in {place}: {life.content} is missing"

    def _orphans(self, seen: Seen) -> Iterable[str]:
        belongs = {life.content for life in self.objects.values()}
        for place, contents in seen.contents.items():
            yield from (f"{content} is left in {place}" for content in set(contents) - belongs)

    def overdue(self, seen: Seen, now: datetime) -> Iterable[str]:
        """What is left undone where all jobs that are due are done, and nothing has gone wrong."""
        for flow_id, flow in self.flows.items():
            yield from (f"slot {slot} of {flow_id} is to be emptied" for slot in flow.doomed)
        for object_id, life in self.objects.items():
            if life.lost is not None:
                life.recorded = life.recorded or now
                if now >= life.recorded + life.respite:
                    yield f"{object_id} was lost at {life.recorded}, and is there at {now}"
            elif life.written and self.known(object_id):
                yield from (f"{object_id} is not in {place} yet" for place in life.incoming)
            for place, since in life.outgoing.items():
                is_back = place in life.places | life.incoming
                is_due = now >= since + URL_LIFETIME
                if is_due and not is_back and life.content in seen.contents[place]:
                    yield f"{object_id} was to leave {place} at {since}"

    def whole(self) -> dict[str, list[str]]:
        """What each backend holds once nothing is on its way any more."""
        places = {place for life in self.objects.values() for place in life.places}
        return {
            place: sorted(
                life.content
                for object_id, life in self.objects.items()
                if place in life.written and life.state != "allocated" and not life.lost
            )
            for place in places
        }


def _listed(held: Held) -> tuple[set[str], set[str], set[str]]:
    return set(held.places), held.labels, held.incoming


def _unlike(what: str, wanted: object, found: object) -> Iterable[str]:
    if wanted != found:
        yield f"{what}: {wanted} expected, {found} found"


def lifetime() -> timedelta:
    """How long an allocation is kept that is not registered."""
    return OBJECT_TIMEOUT + GRACE
