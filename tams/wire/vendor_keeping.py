"""What a Flow has that the vendor's shape does not show, or not as exactly: it stays at a PUT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tams.domain.flows import (
    CollectionItem,
    EssenceParameters,
    Flow,
    FlowMetadata,
    MultiParameters,
    Ratio,
    VideoParameters,
)
from tams.wire.vast import ratio


def kept(old: Flow, new: FlowMetadata) -> FlowMetadata:
    """The new metadata of a Flow, with what clients cannot see of the old one.

    They can set a container and its mapping, but not take them away.
    """
    mappings = {item.id: item for item in old.flow_collection}
    return replace(
        new,
        container=new.container or old.container,
        container_mapping=new.container_mapping or old.container_mapping,
        flow_collection=tuple(_mapped(item, mappings) for item in new.flow_collection),
        read_only=new.read_only or (None if old.read_only is None else new.read_only),
        segment_duration=_as_written(old.segment_duration, new.segment_duration),
        essence_parameters=_essence(old.essence_parameters, new.essence_parameters),
    )


def _mapped(item: CollectionItem, before: Mapping[str, CollectionItem]) -> CollectionItem:
    if item.container_mapping is not None or item.id not in before:
        return item
    return replace(item, container_mapping=before[item.id].container_mapping)


def _as_written(old: Ratio | None, new: Ratio | None) -> Ratio | None:
    """A quotient that is shown as the old one is that, be its denominator written or not."""
    return old if ratio(old) == ratio(new) else new


def _essence(
    old: EssenceParameters | None, new: EssenceParameters | None
) -> EssenceParameters | None:
    if new is None:
        return old if old == MultiParameters() else None
    if not (isinstance(old, VideoParameters) and isinstance(new, VideoParameters)):
        return new
    rate = _as_written(old.frame_rate, new.frame_rate)
    if new.vfr is None and rate == old.frame_rate:
        return replace(new, frame_rate=rate, vfr=old.vfr)
    return replace(new, frame_rate=rate)
