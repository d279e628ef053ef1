"""Objects as JSON (TAMS 8.2 `object`)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tams.domain.objects import Object
from tams.domain.storage import Signer
from tams.wire.get_urls import urls_printer
from tams.wire.values import present


def object_json(found: Object, flow_ids: Sequence[str], signer: Signer, *, verbose: bool) -> bytes:
    """The body of GET /objects/{objectId}, with one page of the Flows that refer to it."""
    facts = present(
        {
            "id": found.id,
            "referenced_by_flows": list(flow_ids),
            "first_referenced_by_flow": found.first_referenced_by_flow,
            "timerange": None if found.timerange is None else str(found.timerange),
            "key_frame_count": found.key_frame_count,
        }
    )
    urls = urls_printer(signer, verbose=verbose)
    init = "" if found.init_object is None else urls.init_object("id", found.init_object)
    get_urls = urls.member(None, None, found.instances)
    return f"{json.dumps(facts)[:-1]}{init}{get_urls}}}".encode("ascii")
