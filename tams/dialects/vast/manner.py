"""How a DELETE that says nothing of it deletes, and whether lists show what was deleted.

If nothing is said, it can be taken back and takes dependents along.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from tams.api.deps import Services, ServicesDep, WhoDep
from tams.api.manner import deleted_shown, manner
from tams.api.query import Query
from tams.domain.trash import Manner, Shown
from tams.errors import Invalid

_EXTENSION = "soft-deletion"


async def _manner(request: Request, services: ServicesDep) -> Manner:
    """Without the extension that takes deletions back it is for good; raises `Invalid`."""
    can_be_soft = _is_on(services)
    asked = manner(Query(request.scope["query_string"]), soft=can_be_soft, cascade=True)
    if asked.soft and not can_be_soft:
        rule = f"it must be false where the extension {_EXTENSION} is off: nothing can be restored"
        raise Invalid("soft_delete", "true", rule)
    return asked


async def _shown(request: Request, services: ServicesDep, who: WhoDep) -> Shown | None:
    """None where only what lives is to be shown; raises `Invalid` and `Forbidden`."""
    query = Query(request.scope["query_string"])
    asked = query.text("deleted")
    if asked is None:
        return None
    if not _is_on(services):
        raise Invalid("deleted", asked, f"it needs the extension {_EXTENSION}, which is off")
    return deleted_shown(query, who)


def _is_on(services: Services) -> bool:
    return _EXTENSION in services.service.promises.extensions


MannerDep = Annotated[Manner, Depends(_manner)]
ShownDep = Annotated[Shown | None, Depends(_shown)]
