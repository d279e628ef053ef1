"""Every operation has its scopes, under every base path and whatever extensions are on."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts

from tams.api.auth import OPEN, Access
from tams.app import web
from tams.app.dialects import NAMES as DIALECTS
from tams.app.extensions import NAMES as EXTENSIONS
from tams.domain.access import ACTIONS, Scope
from tams.settings import IN_MEMORY
from tests.authority import guards
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ, WRITE, DELETE, ADMIN = (
    frozenset({Scope.ADMIN, scope})
    for scope in (Scope.READ, Scope.WRITE, Scope.DELETE, Scope.ADMIN)
)
ANY = frozenset(Scope)
ALIASES = {"/webhooks": "/service/webhooks", "/deletion-requests": "/flow-delete-requests"}
BESIDE = {
    **{("POST", f"/{noun}{batch}"): WRITE
       for noun in ("sources", "flows", "objects") for batch in ("", "/batch")},
    **{("OPTIONS", f"/{noun}"): ANY for noun in ("sources", "flows", "objects")},
    **{("PUT", f"/{noun}/{{}}/tags"): WRITE for noun in ("sources", "flows")},
    **{("DELETE", f"/{noun}/{{}}"): DELETE for noun in ("sources", "objects")},
    **{("POST", f"/{noun}/restore"): DELETE
       for noun in ("sources/{}", "flows/{}", "flows/{}/segments", "objects/{}")},
    ("GET", "/deletions"): ADMIN,
    **{
        (method, path + rest): sufficient
        for path, members in (("/collections", "/flows"), ("/source-collections", "/sources"))
        for method, rest, sufficient in (
            ("GET", "", READ),
            ("POST", "", WRITE),
            ("GET", "/{}", READ),
            ("DELETE", "/{}", DELETE),
            ("GET", f"/{{}}{members}", READ),
            ("PUT", f"/{{}}{members}/{{}}", WRITE),
            ("DELETE", f"/{{}}{members}/{{}}", WRITE),
        )
    },
    ("GET", "/sources/{}/source_collection"): READ,
    ("PUT", "/sources/{}/source_collection"): WRITE,
    ("POST", "/deletion-requests"): DELETE,
    **{("GET", f"/flows/{{}}/segments/{{}}{rest}"): READ
       for rest in ("", "/data", "/url", "/tags", "/tags/{}")},
    **{(method, f"/flows/{{}}/segments/{{}}/tags{rest}"): WRITE
       for method in ("PUT", "DELETE") for rest in ("", "/{}")},
    **{("GET", f"/events{rest}"): READ for rest in ("", "/{}/{}", "/stream", "/ws")},
    **{("GET", f"{path}/{name}"): READ
       for path in ("", "/analytics")
       for name in ("flow-usage", "storage-usage", "time-range-analysis")},
    ("GET", "/analytics/catalog-summary"): READ,
}  # fmt: skip
"""Of operations that the standard does not have, at paths that are no aliases."""
SWITCHES = [
    "all",
    "none",
    *EXTENSIONS,
    *(",".join(one for one in EXTENSIONS if one != off) for off in EXTENSIONS),
]


def _nameless(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


STANDARD = {(one.method, _nameless(one.path)): one.sufficient for one in ACTIONS}


def _decided(method, path):
    """The scopes of the standard's operation, be it under an alias; else what is said above."""
    for alias, known in ALIASES.items():
        if path.startswith(alias):
            found = STANDARD.get((method, known + path.removeprefix(alias)))
            return found or BESIDE.get((method, path))
    return STANDARD.get((method, path)) or BESIDE.get((method, path))


def _operations(app):
    """Methods and templates of all routes that ask who calls."""
    while not hasattr(app, "routes"):
        app = app._app  # a version's routes are behind its translation
    for route in iter_route_contexts(app.routes):
        path = _nameless(route.path)
        if path not in OPEN and not path.startswith("/media/"):
            for method in (route.methods or {"GET"}) - {"HEAD"}:
                yield method, path


@pytest.fixture
def guarded(monkeypatch):
    """What each application is asked through, as it is made."""
    made = []

    class Noted(Access):
        def __init__(self, app, authentication, schemes, table):
            super().__init__(app, authentication, schemes, table)
            made.append((app, table))

    monkeypatch.setattr(web, "Access", Noted)
    return made


@pytest.mark.parametrize("extensions", SWITCHES)
async def test_every_operation_has_the_scopes_that_were_decided_for_it(
    tmp_path, guarded, extensions
):
    chosen = {**guards(tmp_path), "extensions": extensions}
    async with serving(tmp_path, IN_MEMORY, **chosen) as server:
        for base in ("", *(f"/{name}" for name in DIALECTS)):
            (await server.get(f"{base}/nothing")).is_status(401)
        [(_, table), *dialects] = guarded
        assert len(dialects) == len(DIALECTS)
        for app, known in [(server.app, table), *dialects]:
            told = {
                (method, path): known.sufficient(method, path.replace("{}", "x"))
                for method, path in _operations(app)
            }
            assert told == {operation: _decided(*operation) for operation in told}
