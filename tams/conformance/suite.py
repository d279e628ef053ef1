"""Every check there is: whoever wants them all imports them here."""

from __future__ import annotations

from tams.conformance import (
    flow_collections,
    flow_reads,
    flow_versions,
    flows,
    properties,
    read_only,
    segment_reads,
    service,
    sources,
    storage_backends,
    tags,
)
from tams.conformance.statements import Check, checks

MODULES = (
    service,
    storage_backends,
    sources,
    flows,
    flow_versions,
    flow_reads,
    properties,
    tags,
    flow_collections,
    segment_reads,
    read_only,
)
"""The files of checks; importing one registers what it holds."""

CHECKS: tuple[Check, ...] = tuple(checks())
"""Every check, in the order of the statements' numbers."""
