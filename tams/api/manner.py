"""How something is to be deleted, and whether that is shown, as a query says it."""

from __future__ import annotations

from tams.api.query import Query
from tams.domain.access import Principal, Scope
from tams.domain.trash import Manner, Shown
from tams.errors import Forbidden, Invalid

_LONGEST_NAME = 255
_NAMES = {name.replace("_", ""): name for name in ("soft_delete", "cascade", "deleted_by")} | {
    "soft": "soft_delete"
}


def meant(name: str) -> str | None:
    """The parameter of a `manner` that such a name must mean, however it is spelt."""
    return _NAMES.get(name.lower().replace("-", "").replace("_", ""))


def manner(query: Query, *, soft: bool = False, cascade: bool) -> Manner:
    """Read `soft_delete`, `cascade` and `deleted_by`; `soft` and `cascade` are the defaults.

    Raises `Invalid`, also for their names in another spelling: what a slip of the pen deletes for
    good is lost.
    """
    for name in query.names:
        if meant(name) not in (None, name):
            raise Invalid(name, name, f"it is written {meant(name)}")
    deleted_by = query.text("deleted_by")
    if deleted_by is not None and not 0 < len(deleted_by) <= _LONGEST_NAME:
        rule = f"it must have 1 to {_LONGEST_NAME} characters"
        raise Invalid("deleted_by", deleted_by, rule)
    asked_soft, asked_cascade = query.flag("soft_delete"), query.flag("cascade")
    return Manner(
        soft=soft if asked_soft is None else asked_soft,
        cascade=cascade if asked_cascade is None else asked_cascade,
        deleted_by=deleted_by,
    )


def deleted_shown(query: Query, who: Principal) -> Shown:
    """Read `deleted`, by which a list shows what was deleted too, or alone.

    Raises `Invalid`, and `Forbidden` for all but admins.
    """
    if not who.may(frozenset({Scope.ADMIN})):
        raise Forbidden(f"deleted: what was deleted is shown to {Scope.ADMIN} alone")
    match query.text("deleted"):
        case "include":
            return "include"
        case "only":
            return "only"
        case other:
            raise Invalid("deleted", other, "it must be include or only")
