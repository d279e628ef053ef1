"""Every check there is: whoever wants them all imports them here."""

from __future__ import annotations

from tams.conformance import (
    access,
    delete_requests,
    events,
    flow_collections,
    flow_profiles,
    flow_reads,
    flow_versions,
    flows,
    get_urls,
    head,
    init_objects,
    instances,
    objects,
    paging,
    profiles,
    properties,
    read_only,
    registration,
    reuse,
    segment_deletes,
    segment_reads,
    service,
    sorting,
    sources,
    storage,
    storage_backends,
    tags,
    webhooks,
)
from tams.conformance.statements import Check, checks

MODULES = (
    service,
    storage_backends,
    profiles,
    sources,
    flows,
    flow_versions,
    flow_reads,
    flow_profiles,
    properties,
    tags,
    flow_collections,
    segment_reads,
    get_urls,
    registration,
    reuse,
    segment_deletes,
    delete_requests,
    storage,
    objects,
    instances,
    init_objects,
    sorting,
    paging,
    head,
    read_only,
    webhooks,
    events,
    access,
)
"""The files of checks; importing one registers what it holds."""

CHECKS: tuple[Check, ...] = tuple(checks())
"""Every check, in the order of the statements' numbers."""
