"""What may be wrong with a store, and what is done about it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class FaultKind(Enum):
    """A way in which catalogue and storage may disagree; the value is its name in reports."""

    SEGMENT_WITHOUT_FLOW = "segment-without-flow"
    SEGMENT_WITHOUT_OBJECT = "segment-without-object"
    SEGMENT_OF_UNREGISTERED_OBJECT = "segment-of-unregistered-object"
    SEGMENT_OVERLAP = "segment-overlap"
    SEGMENT_REVERSED = "segment-reversed"
    SEGMENT_INIT = "segment-init"
    SEGMENT_ORDINAL = "segment-ordinal"
    FLOW_WITHOUT_SOURCE = "flow-without-source"
    FLOW_WITHOUT_PROFILE = "flow-without-profile"
    FLOW_DELETIONS = "flow-deletions"
    FLOW_ORDINAL = "flow-ordinal"
    FLOW_UPDATED = "flow-updated"
    FLOW_LEFT = "flow-left"
    COLLECTION_ITEM = "collection-item"
    SOURCE_ORDINAL = "source-ordinal"
    OBJECT_WITHOUT_INIT = "object-without-init"
    OBJECT_WITHOUT_INSTANCE = "object-without-instance"
    OBJECT_INSTANCES = "object-instances"
    OBJECT_UNUSED = "object-unused"
    OBJECT_FORGOTTEN = "object-forgotten"
    OBJECT_EXPIRING = "object-expiring"
    OBJECT_LEFT = "object-left"
    PLACE_LEFT = "place-left"
    REQUEST_LEFT = "request-left"
    JOB_UNKNOWN = "job-unknown"
    LOG_BEHIND = "log-behind"
    WEBHOOK_AHEAD = "webhook-ahead"
    BACKEND_UNKNOWN = "backend-unknown"
    BACKEND_FOREIGN = "backend-foreign"
    BYTES_MISSING = "bytes-missing"
    BYTES_DAMAGED = "bytes-damaged"
    BYTES_DIFFER = "bytes-differ"
    BYTES_ORPHANED = "bytes-orphaned"


class Fault(NamedTuple):
    """One thing that is wrong; `key` is the catalogue's own, of one part or two.

    `subject` names it as an operator knows it. Of bytes, `storage_id` and `place` say where they
    lie or should lie, and `object_id` whose they are.
    """

    kind: FaultKind
    key: tuple[int, int]
    subject: str
    storage_id: str | None = None
    place: str | None = None
    object_id: str | None = None

    @property
    def at(self) -> tuple[str | None, str | None]:
        """Where the bytes lie or should lie."""
        return self.storage_id, self.place


BY_HAND = {
    FaultKind.SEGMENT_OF_UNREGISTERED_OBJECT: "delete the Segment, and register it again",
    FaultKind.SEGMENT_OVERLAP: "delete the Segment that is wrong; the check cannot know which",
    FaultKind.SEGMENT_REVERSED: "restore the catalogue, or remove the row",
    FaultKind.FLOW_WITHOUT_SOURCE: "PUT the Flow again, which makes its Source",
    FaultKind.FLOW_WITHOUT_PROFILE: "add the Profile again, or PUT the Flow without profile_id",
    FaultKind.OBJECT_WITHOUT_INIT: "restore the catalogue, or delete the Segments of this Object",
    FaultKind.OBJECT_WITHOUT_INSTANCE: "add an instance, or delete the Segments of this Object",
    FaultKind.JOB_UNKNOWN: "start the newer program that queued it",
    FaultKind.BACKEND_UNKNOWN: "set this Storage Backend up again in TAMS_STORAGE",
    FaultKind.BACKEND_FOREIGN: "see whether these are the bytes of another catalogue",
    FaultKind.BYTES_MISSING: "bring the bytes back, or delete the Segments of this Object",
    FaultKind.BYTES_DAMAGED: "bring the bytes back, or delete the Segments of this Object",
    FaultKind.BYTES_DIFFER: "find out which instance is right, and remove the other",
    FaultKind.BYTES_ORPHANED: "check again when no URL that could write them works any more",
}
"""What an operator can do about what no repair can decide."""

REPAIRS = {
    FaultKind.SEGMENT_WITHOUT_FLOW: "remove the row",
    FaultKind.SEGMENT_WITHOUT_OBJECT: "delete the Segment, which nobody can read",
    FaultKind.SEGMENT_INIT: "name the initialisation Object of its Object",
    FaultKind.SEGMENT_ORDINAL: "raise the ordinal of its Flow",
    FaultKind.FLOW_DELETIONS: "count the open deletion requests again",
    FaultKind.FLOW_ORDINAL: "raise the ordinal",
    FaultKind.FLOW_UPDATED: "say that its Segments changed when its metadata did",
    FaultKind.FLOW_LEFT: "queue the removal of its Segments",
    FaultKind.COLLECTION_ITEM: "remove the item",
    FaultKind.SOURCE_ORDINAL: "raise the ordinal",
    FaultKind.OBJECT_INSTANCES: "show its instances",
    FaultKind.OBJECT_UNUSED: "condemn it; its bytes go one URL lifetime later",
    FaultKind.OBJECT_FORGOTTEN: "let it expire",
    FaultKind.OBJECT_EXPIRING: "keep it",
    FaultKind.OBJECT_LEFT: "queue the removal of its bytes",
    FaultKind.PLACE_LEFT: "queue the copy, or its removal",
    FaultKind.REQUEST_LEFT: "queue the deletion",
    FaultKind.LOG_BEHIND: "go on from the last number that was given",
    FaultKind.WEBHOOK_AHEAD: "go on from the end of the log",
    FaultKind.BYTES_MISSING: "copy them again from another instance",
    FaultKind.BYTES_DAMAGED: "copy them again from another instance",
    FaultKind.BYTES_ORPHANED: "delete the bytes",
}
"""What a repair does."""
