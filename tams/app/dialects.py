"""Which dialects there are, which of them this deployment speaks, and the way to each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from starlette.types import ASGIApp, Receive, Scope, Send

from tams.api.paging import BASE_PATH
from tams.app import choices
from tams.dialects.base import Dialect
from tams.errors import BadSettings

_FILES = {
    **dict.fromkeys(("v6.0", "v7.0", "v8.0", "v8.1", "v8.2"), "versions"),
    "vast": "vast",
}
"""The file of `tams/dialects` that holds each."""

NAMES = tuple(_FILES)
"""Every dialect."""

_STANDARD = "standard"
_OURS = ("/media/", "/health", "/metrics", "/docs", "/redoc", "/openapi.json", "/token", "/ui")
"""What stays at the root, whatever is spoken there."""


def chosen(setting: str) -> Sequence[str]:
    """The names that `TAMS_DIALECTS` stands for; raises `BadSettings`."""
    return choices.chosen("TAMS_DIALECTS", setting, NAMES)


def chosen_root(setting: str) -> str | None:
    """The dialect that `TAMS_ROOT_DIALECT` wants at the root, None for the standard.

    Raises `BadSettings`.
    """
    if setting not in (_STANDARD, *NAMES):
        raise BadSettings(
            f"TAMS_ROOT_DIALECT: it must be {_STANDARD}, {' or '.join(NAMES)}, not {setting!r}"
        )
    return None if setting == _STANDARD else setting


def load(name: str) -> Dialect:
    """A dialect, with its code."""
    dialect: Dialect = import_module(f"tams.dialects.{_FILES[name]}").DIALECTS[name]
    return dialect


class BasePaths:
    """Leads what lies below `/{name}` to that dialect, without the name, and the rest on.

    What lies below no name goes to the dialect `root`, if one is spoken there. `build` makes an
    application at the first request for it; others cost the look at their path.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Sequence[str],
        build: Callable[[Dialect], ASGIApp],
        root: str | None = None,
    ) -> None:
        self._app = app
        self._prefixes = tuple(f"/{name}" for name in names)
        self._build = build
        self._root = root
        self._built: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to whoever speaks as it does."""
        is_asked = scope["type"] in ("http", "websocket")
        if is_asked and scope["path"].startswith(self._prefixes):
            name, _, rest = scope["path"][1:].partition("/")
            base_path = f"/{name}"
            if base_path in self._prefixes:
                scope = {**scope, "path": f"/{rest}", BASE_PATH: base_path}
                await self._dialect(name)(scope, receive, send)
                return
        if self._root and is_asked and not scope["path"].startswith(_OURS):
            await self._dialect(self._root)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _dialect(self, name: str) -> ASGIApp:
        if name not in self._built:
            self._built[name] = self._build(load(name))
        return self._built[name]
