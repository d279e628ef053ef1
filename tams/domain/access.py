"""Who asks, and what that lets them do: the four scopes of application note 0016.

An operation is looked up by method and path, the path as it was sent, not decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    """What a caller may do; `admin` is everything."""

    ADMIN = "tams-api/admin"
    READ = "tams-api/read"
    WRITE = "tams-api/write"
    DELETE = "tams-api/delete"


Scopes = frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation; `name` is None where nobody has to say who they are."""

    name: str | None = None
    scopes: Scopes = frozenset()

    def may(self, sufficient: Scopes) -> bool:
        """Whether one of their scopes is among those that suffice."""
        return Scope.ADMIN in self.scopes or not self.scopes.isdisjoint(sufficient)


ANYONE = Principal(None, frozenset({Scope.ADMIN}))
"""Everybody, where authentication is off."""


class Action(NamedTuple):
    """An operation of the standard and the scopes of which one suffices; HEAD is as GET."""

    method: str
    path: str
    sufficient: Scopes

    def is_at(self, path: str) -> bool:
        """Whether it is an operation on this path, or on one below it."""
        return self.path == path or self.path.startswith(f"{path}/")

    def under(self, alias: str, path: str) -> Action:
        """The same operation where `alias` stands for `path`."""
        return self._replace(path=alias + self.path.removeprefix(path))


_ADMIN = frozenset({Scope.ADMIN})
_READ = _ADMIN | {Scope.READ}
_WRITE = _ADMIN | {Scope.WRITE}
_DELETE = _ADMIN | {Scope.DELETE}
_ANY = frozenset(Scope)

ACTIONS = (
    Action("GET", "/", _ANY),
    Action("GET", "/service", _ANY),
    Action("POST", "/service", _ADMIN),
    Action("GET", "/service/storage-backends", _ANY),
    # Profiles came after the note; its general rule is taken for them.
    Action("GET", "/service/profiles", _READ),
    Action("GET", "/service/profiles/{profileId}", _READ),
    Action("POST", "/service/profiles/{profileId}", _WRITE),
    Action("GET", "/service/webhooks", _READ),
    Action("POST", "/service/webhooks", _WRITE),
    Action("GET", "/service/webhooks/{webhookId}", _READ),
    # The note says read for these two, odd as it looks.
    Action("PUT", "/service/webhooks/{webhookId}", _READ),
    Action("DELETE", "/service/webhooks/{webhookId}", _READ),
    Action("GET", "/sources", _READ),
    Action("GET", "/sources/{sourceId}", _READ),
    Action("GET", "/sources/{sourceId}/tags", _READ),
    Action("GET", "/sources/{sourceId}/tags/{name}", _READ),
    Action("PUT", "/sources/{sourceId}/tags/{name}", _WRITE),
    Action("DELETE", "/sources/{sourceId}/tags/{name}", _WRITE),
    Action("GET", "/sources/{sourceId}/description", _READ),
    Action("PUT", "/sources/{sourceId}/description", _WRITE),
    Action("DELETE", "/sources/{sourceId}/description", _WRITE),
    Action("GET", "/sources/{sourceId}/label", _READ),
    Action("PUT", "/sources/{sourceId}/label", _WRITE),
    Action("DELETE", "/sources/{sourceId}/label", _WRITE),
    Action("GET", "/flows", _READ),
    Action("GET", "/flows/{flowId}", _READ),
    Action("PUT", "/flows/{flowId}", _WRITE),
    Action("DELETE", "/flows/{flowId}", _DELETE),
    Action("GET", "/flows/{flowId}/tags", _READ),
    Action("GET", "/flows/{flowId}/tags/{name}", _READ),
    Action("PUT", "/flows/{flowId}/tags/{name}", _WRITE),
    Action("DELETE", "/flows/{flowId}/tags/{name}", _WRITE),
    Action("GET", "/flows/{flowId}/description", _READ),
    Action("PUT", "/flows/{flowId}/description", _WRITE),
    Action("DELETE", "/flows/{flowId}/description", _WRITE),
    Action("GET", "/flows/{flowId}/label", _READ),
    Action("PUT", "/flows/{flowId}/label", _WRITE),
    Action("DELETE", "/flows/{flowId}/label", _WRITE),
    Action("GET", "/flows/{flowId}/read_only", _READ),
    Action("PUT", "/flows/{flowId}/read_only", _WRITE),
    Action("GET", "/flows/{flowId}/flow_collection", _READ),
    Action("PUT", "/flows/{flowId}/flow_collection", _WRITE),
    Action("DELETE", "/flows/{flowId}/flow_collection", _WRITE),
    Action("GET", "/flows/{flowId}/max_bit_rate", _READ),
    Action("PUT", "/flows/{flowId}/max_bit_rate", _WRITE),
    Action("DELETE", "/flows/{flowId}/max_bit_rate", _WRITE),
    Action("GET", "/flows/{flowId}/avg_bit_rate", _READ),
    Action("PUT", "/flows/{flowId}/avg_bit_rate", _WRITE),
    Action("DELETE", "/flows/{flowId}/avg_bit_rate", _WRITE),
    Action("GET", "/flows/{flowId}/segments", _READ),
    Action("POST", "/flows/{flowId}/segments", _WRITE),
    Action("DELETE", "/flows/{flowId}/segments", _DELETE),
    Action("POST", "/flows/{flowId}/storage", _WRITE),
    Action("GET", "/objects/{objectId}", _READ),
    Action("POST", "/objects/{objectId}/instances", _WRITE),
    Action("DELETE", "/objects/{objectId}/instances", _WRITE),
    Action("GET", "/flow-delete-requests", _ADMIN),
    Action("GET", "/flow-delete-requests/{request-id}", _DELETE),
)

_ELSEWHERE = {"GET": _READ, "PUT": _WRITE, "POST": _WRITE, "DELETE": _DELETE}


@dataclass(slots=True)
class _Step:
    """Where a path leads after some of its parts: on by name, on by any text, or to its end."""

    named: dict[str, _Step] = field(default_factory=dict)
    variable: _Step | None = None
    sufficient: dict[str, Scopes] = field(default_factory=dict)

    def by_template(self, part: str) -> _Step:
        if not part.startswith("{"):
            return self.named.setdefault(part, _Step())
        if self.variable is None:
            self.variable = _Step()
        return self.variable


class ScopeTable:
    """Finds the scopes that suffice for a request; where no row fits, its method decides.

    A row of `changed` takes the place of the row of the same operation in `ACTIONS`.
    """

    def __init__(self, changed: Iterable[Action] = ()) -> None:
        self._root = _Step()
        for action in (*ACTIONS, *changed):
            step = self._root
            for part in action.path.split("/"):
                step = step.by_template(part)
            step.sufficient[action.method] = action.sufficient

    def sufficient(self, method: str, path: str) -> Scopes:
        """The scopes of which one suffices; a method that nothing has is for admins."""
        method = "GET" if method == "HEAD" else method
        step = self._root
        for part in path.split("/"):
            found = step.named.get(part, step.variable)
            if found is None:
                return _ELSEWHERE.get(method, _ADMIN)
            step = found
        return step.sufficient.get(method) or _ELSEWHERE.get(method, _ADMIN)


def webhook_changes_by(scope: Scope) -> list[Action]:
    """The rows by which a Webhook is replaced or deleted with another scope than the note's."""
    sufficient = _ADMIN | {scope}
    path = "/service/webhooks/{webhookId}"
    return [Action(method, path, sufficient) for method in ("PUT", "DELETE")]
