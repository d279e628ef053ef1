"""The official document of TAMS 8.2 as the tests find it, and what we promise beyond it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tams.conformance.official import DOCUMENT, VERSION, OfficialDocument

MISSING = "the official documents are not there: set TAMS_SPEC_DIR"


class OurDocument(OfficialDocument):
    """Of our own server we ask more: every answer is called JSON, every refusal has one body."""

    def complaints(
        self,
        method: str,
        path: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        limited: bool = False,
    ) -> Iterator[str]:
        template = self.path_of(path)
        if template is None or method == "OPTIONS":
            return
        if method.lower() not in self.paths[template] and status not in (401, 404, 405):
            yield f"there is no such operation, and yet {status} came"
        if headers.get("Content-Type") != "application/json":
            yield f"Content-Type is {headers.get('Content-Type')}"
        if status >= 400 and method != "HEAD":
            yield from self.differences({"$ref": "schemas/error.json"}, json.loads(body))
        yield from super().complaints(method, path, status, headers, body, limited=limited)


def folder() -> Path | None:
    """Where the official documents lie: as the environment says, else beside the project."""
    root = Path(__file__).parent.parent
    named = os.environ.get("TAMS_SPEC_DIR")
    found = (Path(named) if named else root.parent / "shared" / "tams-spec") / VERSION
    return found if (found / DOCUMENT).is_file() else None


@cache
def document() -> OurDocument | None:
    """The document, read once; None if it is not there."""
    found = folder()
    return None if found is None else OurDocument(found)
