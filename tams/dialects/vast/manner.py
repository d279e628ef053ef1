"""How a DELETE that says nothing of it deletes: so that it can be taken back, with dependents."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from tams.api.deps import ServicesDep
from tams.api.manner import manner
from tams.api.query import Query
from tams.domain.trash import Manner
from tams.errors import Invalid

_EXTENSION = "soft-deletion"


async def _manner(request: Request, services: ServicesDep) -> Manner:
    """Without the extension that takes deletions back it is for good; raises `Invalid`."""
    can_be_soft = _EXTENSION in services.service.promises.extensions
    asked = manner(Query(request.scope["query_string"]), soft=can_be_soft, cascade=True)
    if asked.soft and not can_be_soft:
        rule = f"it must be false where the extension {_EXTENSION} is off: nothing can be restored"
        raise Invalid("soft_delete", "true", rule)
    return asked


MannerDep = Annotated[Manner, Depends(_manner)]
