"""What every dialect is, and what it is built of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from tams.api import errors
from tams.domain.access import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The standard's operations, `routes`, and the `state` that they look into.

    `state` is that of the application at the root; `extended` are the operations of the
    `extensions` that are on.
    """

    routes: Sequence[BaseRoute]
    extensions: Sequence[str]
    extended: Sequence[BaseRoute]
    state: State

    def application(self, first: Sequence[BaseRoute] = ()) -> FastAPI:
        """An application of these routes, with others before them."""
        app = FastAPI(openapi_url=None, redirect_slashes=False)
        app.state = self.state
        errors.install(app)
        app.router.routes.extend([*first, *self.routes])
        return app


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A shape of the API under the base path `/{name}`.

    What `build` makes is asked for paths without that; whoever asks has been let in before.
    `actions` say who may use operations that the standard does not have; those of extensions are
    known where it `is_extended`.
    """

    name: str
    build: Callable[[Standard], ASGIApp]
    is_extended: bool = False
    actions: tuple[Action, ...] = ()
