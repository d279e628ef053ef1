"""`/vast`: the vendor's shapes over the same services, one noun a file (docs/dialects.md).

What has the same shape in both is the standard's, or an extension's; the lists at paths that are an
extension's are there with it.
"""

from __future__ import annotations

from starlette.types import ASGIApp

from tams.dialects.base import Dialect, Standard
from tams.dialects.vast import flows, lists, objects, refusals, segments, service, sources


def _build(standard: Standard) -> ASGIApp:
    nouns = (service, sources, flows, segments, objects, lists)
    own = [route for noun in nouns for route in noun.router.routes]
    if "aliases" in standard.extensions:
        own += lists.aliases.routes
    app = standard.application([*own, *standard.extended])
    refusals.install(app)
    return app


DIALECTS = {"vast": Dialect(name="vast", build=_build, is_extended=True)}
