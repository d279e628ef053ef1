"""The web application: routes, and what every request passes before them."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

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
from tams.app.extensions import add_routes, load
from tams.domain.access import Scope, ScopeTable, webhook_changes_by
from tams.extensions.base import Extension
from tams.settings import Settings, listed
from tams.workers.loop import Worker

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
]
"""Headers that a browser lets scripts read (statement 259)."""


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
    often = (service, segments, storage, objects, media, flows, sources)
    for module in (*often, instances, profiles, deletions, webhooks, health, token):
        # Not include_router, which would match every request in two steps.
        app.router.routes.extend(module.router.routes)
    extensions = load(services.service.promises.extensions)
    add_routes(app.router.routes, extensions)
    app.state.extensions = extensions
    app.add_middleware(
        Access,
        authentication=services.authentication,
        schemes=Schemes(settings.auth_schemes),
        table=_scopes(settings, extensions),
    )
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


def _scopes(settings: Settings, extensions: Iterable[Extension]) -> ScopeTable:
    changed = webhook_changes_by(Scope[settings.webhook_changes_by.upper()])
    return ScopeTable([*changed, *(action for each in extensions for action in each.actions)])
