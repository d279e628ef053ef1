"""Locking a Flow to change what it holds."""

from __future__ import annotations

from tams.catalogue.base import Transaction
from tams.domain.flows import LockedFlow
from tams.errors import FlowReadOnly, Invalid, NotFound


async def lock(tx: Transaction, flow_id: str) -> LockedFlow:
    """Lock a Flow; raises `NotFound`."""
    flow = await tx.flows.lock(flow_id)
    if flow is None:
        raise NotFound("Flow", flow_id)
    return flow


async def lock_writable(tx: Transaction, flow_id: str) -> LockedFlow:
    """Lock a Flow; raises `NotFound`, and `FlowReadOnly` if it must not change."""
    flow = await lock(tx, flow_id)
    require_writable(flow)
    return flow


def require_writable(flow: LockedFlow) -> None:
    """Raise `FlowReadOnly` if the Flow must not change."""
    if flow.read_only:
        raise FlowReadOnly(flow.id)


def container_of(flow: LockedFlow) -> str:
    """The MIME type of the Flow's Objects; raises `Invalid` if it has none (statement 161)."""
    if flow.container is None:
        raise Invalid("container", None, f"Flow {flow.id} needs one to have Segments; PUT it first")
    return flow.container
