"""The official documents of TAMS as the tests find them, and what we promise beyond them."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from tams.conformance.official import DOCUMENT, VERSION, VERSIONS, OfficialDocument

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
            present = document() or self  # 6.0 has no schema of errors
            yield from present.differences({"$ref": "schemas/error.json"}, json.loads(body))
        yield from super().complaints(method, path, status, headers, body, limited=limited)


def folder(version: str = VERSION) -> Path | None:
    """Where the official documents lie: as the environment says, else beside the project."""
    root = Path(__file__).parent.parent
    named = os.environ.get("TAMS_SPEC_DIR")
    found = (Path(named) if named else root.parent / "shared" / "tams-spec") / version
    return found if (found / DOCUMENT).is_file() else None


@cache
def document(version: str = VERSION) -> OurDocument | None:
    """The document of a version, read once; None if it is not there."""
    found = folder(version)
    return None if found is None else OurDocument(found)


def held_against(path: str, dialects: Collection[str]) -> tuple[OurDocument | None, str]:
    """The document that answers on an undecoded path are held against, and the path in it.

    `dialects` are those that are spoken.
    """
    base, _, rest = path[1:].partition("/")
    version = base.removeprefix("v")
    if base in dialects and version in VERSIONS:
        return document(version), f"/{rest}"
    return document(), path
