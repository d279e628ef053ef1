"""`/vast`: the vendor's shapes over the same services, one noun a file (docs/dialects.md).

What has the same shape in both is the standard's, or an extension's; what has another shape at a
path of an extension is there with it.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from tams.dialects.base import Dialect, Standard
from tams.dialects.vast import flows, lists, objects, refusals, segments, service, sources
from tams.wire.clock_times import standard_query


def _build(standard: Standard) -> ASGIApp:
    nouns = (service, sources, flows, segments, objects, lists)
    own = [route for noun in nouns for route in noun.router.routes]
    for extension, router in _OF_EXTENSIONS:
        if extension in standard.extensions:
            own += router.routes
    app = standard.application([*own, *standard.extended])
    refusals.install(app)
    return _ByAnyClock(app)


_OF_EXTENSIONS = (
    ("aliases", lists.aliases),
    ("direct-creation", sources.creation),
    ("direct-creation", flows.creation),
    ("direct-creation", objects.creation),
)
"""What is there where an extension is on, which also says who may use it."""


class _ByAnyClock:
    """An application that is told of times in a query as the standard writes them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"]
        if b"timerange=" in query:
            scope = {**scope, "query_string": standard_query(query)}
        await self._app(scope, receive, send)


DIALECTS = {"vast": Dialect(name="vast", build=_build, is_extended=True)}
