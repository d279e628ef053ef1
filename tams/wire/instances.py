"""Instances of Objects: what a client asks for (TAMS 8.2 `objects-instances-post`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from tams.domain.objects import Instance
from tams.domain.patterns import UUID
from tams.domain.targets import host_of
from tams.errors import Invalid
from tams.wire.values import Text, matching, parse

StorageId = Annotated[str, matching(UUID, "it must be the id of a Storage Backend, a UUID")]


class InstancePost(TypedDict, total=False):
    """Either where to copy the Object, or where else it lies; unknown keys are ignored."""

    storage_id: StorageId
    url: Text
    label: Text


_INSTANCE_POST: TypeAdapter[InstancePost] = TypeAdapter(InstancePost)


def parse_instance(body: bytes) -> Instance:
    """Read the body of POST /objects/{objectId}/instances; raises `Invalid`.

    The instance has a `storage_id` alone, or `url` and `label`.
    """
    asked = parse(_INSTANCE_POST, body)
    if "storage_id" in asked:
        if "url" in asked:
            raise Invalid("url", asked["url"], "it must be left out where storage_id is given")
        return Instance(storage_id=asked["storage_id"])
    for name in ("url", "label"):
        if name not in asked:
            raise Invalid(name, None, "url and label must be given, or storage_id")
    host_of("url", asked["url"])
    return Instance(url=asked["url"], label=asked["label"])
