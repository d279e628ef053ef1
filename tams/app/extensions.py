"""Which extensions there are, and which of them this deployment has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module

from starlette.routing import BaseRoute, Route

from tams.app import choices
from tams.extensions.base import Extension

NAMES = (
    "whole-tags",
    "direct-creation",
    "soft-deletion",
    "collections",
    "aliases",
    "multipart-upload",
    "segment-media",
    "segment-tags",
    "event-stream",
    "analytics",
)
"""Every extension, in the order in which the service lists them."""


def chosen(setting: str) -> Sequence[str]:
    """The names that `TAMS_EXTENSIONS` stands for; raises `BadSettings`."""
    return choices.chosen("TAMS_EXTENSIONS", setting, NAMES)


def load(names: Iterable[str]) -> list[Extension]:
    """The code of these extensions; that of others is not loaded."""
    modules = (import_module(f"tams.extensions.{name.replace('-', '_')}") for name in names)
    return [module.EXTENSION for module in modules]


def add_routes(routes: list[BaseRoute], extensions: Iterable[Extension]) -> None:
    """Put each route before the standard's of the same path and method, or else last."""
    standard = [route for route in routes if isinstance(route, Route)]
    for extension in extensions:
        for route in extension.router.routes:
            before = next((one for one in standard if _is_same(one, route)), None)
            routes.insert(len(routes) if before is None else routes.index(before), route)


def _is_same(one: Route, other: BaseRoute) -> bool:
    return (
        isinstance(other, Route)
        and one.path_regex.pattern == other.path_regex.pattern
        and not (one.methods or set()).isdisjoint(other.methods or set())
    )
