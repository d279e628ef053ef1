"""The web application: routes, and what every request passes before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from tams import __version__
from tams.api import (
    deletions,
    errors,
    flows,
    health,
    instances,
    media,
    objects,
    profiles,
    segments,
    service,
    sources,
    storage,
    token,
    webhooks,
)
from tams.api.auth import Access, Schemes
from tams.api.deps import Services
from tams.api.paging import PageSizes
from tams.api.patience import Patience
from tams.api.routing import StandardPaths
from tams.app import dialects
from tams.app.extensions import add_routes, load
from tams.dialects.base import Dialect, Standard
from tams.domain.access import ACTIONS, Action, Scope, ScopeTable, webhook_changes_by
from tams.extensions.base import Extension
from tams.settings import Settings, listed
from tams.workers.loop import Worker

_OFTEN = (service, segments, storage, objects)
_SELDOM = (flows, sources, instances, profiles, deletions, webhooks)
"""Together with the former all that the standard has."""

EXPOSED = [
    "Link",
    "Location",
    "WWW-Authenticate",
    "Content-Range",
    "ETag",
    "X-Paging-Limit",
    "X-Paging-NextKey",
    "X-Paging-Count",
    "X-Paging-Reverse-Order",
    "X-Paging-Timerange",
    "X-TAMS-Last-Event-Id",
]
"""Headers that a browser lets scripts read (statement 259, and those of extensions)."""


def build_application(settings: Settings, services: Services, worker: Worker) -> FastAPI:
    """The routes over the services, behind the layers that every request passes."""
    app = FastAPI(
        title="TAMS",
        summary="The store for time-addressable media",
        version=__version__,
        separate_input_output_schemas=False,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.page_sizes = PageSizes(settings.page_default, settings.page_max)
    app.state.public_url = settings.public_url
    app.state.worker = worker
    errors.install(app)
    # What is asked most comes first: routes are tried in turn.
    for module in (*_OFTEN, media, *_SELDOM, health, token):
        # Not include_router, which would match every request in two steps.
        app.router.routes.extend(module.router.routes)
    extensions = load(services.service.promises.extensions)
    add_routes(app.router.routes, extensions)
    app.state.extensions = extensions
    access = partial(
        Access, authentication=services.authentication, schemes=Schemes(settings.auth_schemes)
    )
    app.add_middleware(access, table=_scopes(settings, extensions))
    _add_dialects(app, settings, access)
    app.add_middleware(StandardPaths)
    app.add_middleware(Patience, seconds=settings.client_timeout)
    _let_pages_ask(app, settings)
    return app


def _let_pages_ask(app: FastAPI, settings: Settings) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=listed(settings.cors_origins),
        allow_methods=listed(settings.cors_methods),
        allow_headers=listed(settings.cors_headers),
        allow_credentials=settings.cors_credentials,
        expose_headers=EXPOSED,
        max_age=3600,
    )


def _add_dialects(app: FastAPI, settings: Settings, access: Callable[..., ASGIApp]) -> None:
    """Let the base paths that are on lead to the standard's operations in other shapes."""
    names = dialects.chosen(settings.dialects)
    routes = [route for module in (*_OFTEN, *_SELDOM) for route in module.router.routes]
    extensions: list[Extension] = app.state.extensions
    extended = [route for each in extensions for route in each.router.routes]
    standard = Standard(
        routes=routes,
        extensions=[each.name for each in extensions],
        extended=extended,
        state=app.state,
    )

    def build(dialect: Dialect) -> ASGIApp:
        table = _scopes(settings, extensions if dialect.is_extended else (), dialect.actions)
        return access(dialect.build(standard), table=table)

    root = dialects.chosen_root(settings.root_dialect)
    app.state.dialects = names
    if names or root:
        app.add_middleware(dialects.BasePaths, names=names, build=build, root=root)


def _scopes(
    settings: Settings, extensions: Iterable[Extension], actions: Iterable[Action] = ()
) -> ScopeTable:
    changed = webhook_changes_by(Scope[settings.webhook_changes_by.upper()])
    for extension in extensions:
        for alias, path in extension.aliases.items():
            changed += [one.under(alias, path) for one in (*ACTIONS, *changed) if one.is_at(path)]
        changed += extension.actions
    return ScopeTable([*changed, *actions])
