"""Which extensions there are, and which of them this deployment has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module

from starlette.routing import BaseRoute, Route

from tams.errors import BadSettings
from tams.extensions.base import Extension

NAMES = ("whole-tags", "analytics")
"""Every extension, in the order in which the service lists them."""


def chosen(setting: str) -> Sequence[str]:
    """The names that `TAMS_EXTENSIONS` stands for; raises `BadSettings`."""
    asked = [name for part in setting.split(",") if (name := part.strip())]
    if asked in (["all"], ["none"]):
        return NAMES if asked == ["all"] else ()
    unknown = [name for name in asked if name not in NAMES]
    if unknown or not asked:
        raise BadSettings(
            f"TAMS_EXTENSIONS: it must be all, none, or a comma list of {', '.join(NAMES)}, "
            f"not {setting!r}"
        )
    return [name for name in NAMES if name in asked]


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
