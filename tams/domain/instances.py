"""Which instances an Object may get and lose (TAMS 8.2 `/objects/{objectId}/instances`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from tams.domain.objects import Instance
from tams.errors import Invalid, NotFound


class HeldObject(NamedTuple):
    """A registered Object, locked; `key` is the catalogue's own."""

    key: int
    id: str
    content_type: str | None
    """None where its bytes have only ever lain elsewhere."""
    instances: tuple[Instance, ...]
    incoming: frozenset[str]
    """Ids of the Storage Backends to which a copy is on its way."""

    def check_copy(self, storage_id: str) -> None:
        """Raise `Invalid` if the Object needs no copy in this Storage Backend (statement 235)."""
        if any(instance.storage_id == storage_id for instance in self.instances):
            raise Invalid("storage_id", storage_id, f"Object {self.id} already lies in this one")
        if storage_id in self.incoming:
            raise Invalid(
                "storage_id", storage_id, f"a copy of Object {self.id} is on its way to this one"
            )

    def check_label(self, label: str | None, backend_labels: Collection[str | None]) -> None:
        """Raise `Invalid` if no further instance may have this label (statement 234)."""
        if label in backend_labels:
            raise Invalid("label", label, "it must not be that of a Storage Backend")
        if any(instance.label == label for instance in self.instances):
            raise Invalid("label", label, f"Object {self.id} has an instance with this one")

    def find(
        self,
        storage_id: str | None,
        label: str | None,
        backend_labels: Mapping[str, str | None],
    ) -> Instance:
        """The instance in a Storage Backend if its id is given, else the one shown with a label.

        `backend_labels` are those of the Storage Backends by id. Raises `NotFound` (statement 243).
        """
        for instance in self.instances:
            shown = instance.label
            if instance.storage_id is not None:
                shown = backend_labels.get(instance.storage_id)
            if shown == label if storage_id is None else instance.storage_id == storage_id:
                return instance
        where = f"label {label}" if storage_id is None else f"storage_id {storage_id}"
        raise NotFound("instance", f"of Object {self.id} with {where}")

    def joined_by(self, instance: Instance) -> tuple[Instance, ...]:
        """The instances with one more; those of others come after ours, which are proved."""
        return tuple(sorted((*self.instances, instance), key=lambda each: each.key is None))

    def without(self, instance: Instance) -> tuple[Instance, ...]:
        """What is left when an instance goes; raises `Invalid` if nothing is (statement 240)."""
        rest = tuple(other for other in self.instances if other != instance)
        if not rest:
            field = "label" if instance.storage_id is None else "storage_id"
            raise Invalid(
                field,
                getattr(instance, field),
                "an Object keeps its last instance; delete the Segments that refer to it instead",
            )
        return rest


class PendingCopy(NamedTuple):
    """A copy on its way to a place that is not listed yet."""

    target: Instance
    object: HeldObject | None
    """None once nothing refers to the Object any more: then nobody needs the copy."""
