"""What every extension is, and routes that take over from the standard's where asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from tams.domain.access import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Routes under one switch; `actions` say who may use those that the general rule does not fit.

    A route whose path and method are the standard's is tried before that one.
    """

    name: str
    router: APIRouter
    actions: tuple[Action, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Paths that stand for others of the standard: who may use these may use those."""


class ParameterRoute(APIRoute):
    """A route that is for requests alone whose query has a parameter of one of these names."""

    parameters: ClassVar[frozenset[bytes]] = frozenset()
    prefixes: ClassVar[tuple[bytes, ...]] = ()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As for any route, unless the query leaves the request to the next one."""
        if scope["type"] == "http" and not self._is_asked(scope["query_string"]):
            return Match.NONE, {}
        return super().matches(scope)

    @classmethod
    def _is_asked(cls, query: bytes) -> bool:
        # Names are unquoted as `Query` does: else a way of writing one would get another answer.
        names = (unquote_to_bytes(part.partition(b"=")[0]) for part in query.split(b"&") if part)
        return any(map(cls._is_one, names))

    @classmethod
    def _is_one(cls, name: bytes) -> bool:
        return name in cls.parameters or name.startswith(cls.prefixes)
