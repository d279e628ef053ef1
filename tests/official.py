"""The official document of TAMS 8.2, and what it says of an answer that a test received."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import yaml

VERSION = "8.2"
DOCUMENT = "TimeAddressableMediaStore.yaml"
MISSING = "the official documents are not there: set TAMS_SPEC_DIR"

NULLABLE = ("label", "description", "max_bit_rate", "avg_bit_rate")
"""GET of one of these is null where it is not set (decision on statement 94)."""

UNDECLARED = frozenset({405, 413, 503})
"""Statuses that any operation may have, though the document names them nowhere."""

BAD_PAGING = "/service/storage-backends"
"""Its GET declares no 400, yet a bad `limit` or `page` is one (statements 254 and 258)."""


def folder() -> Path | None:
    """Where the official documents lie: as the environment says, else beside the project."""
    root = Path(__file__).parent.parent
    named = os.environ.get("TAMS_SPEC_DIR")
    found = (Path(named) if named else root.parent / "shared" / "tams-spec") / VERSION
    return found if (found / DOCUMENT).is_file() else None


class _Loader(yaml.CSafeLoader):
    """YAML with the types of JSON: what looks like a date stays a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class OfficialDocument:
    """Operations by method and path, and the schemas of their answers."""

    def __init__(self, folder: Path) -> None:
        self._uri = (folder / DOCUMENT).as_uri()
        self.content: dict[str, Any] = _read(self._uri)
        self.paths: dict[str, dict[str, Any]] = self.content["paths"]
        self._patterns = {
            re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)): path for path in self.paths
        }
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def path_of(self, path: str) -> str | None:
        """The document's template of an undecoded path."""
        found = (
            template for pattern, template in self._patterns.items() if pattern.fullmatch(path)
        )
        return next(found, None)

    def complaints(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        """Everything in which an answer differs from what the document promises of it."""
        template = self.path_of(path)
        if template is None or method == "OPTIONS":
            return
        if headers.get("Content-Type") != "application/json":
            yield f"Content-Type is {headers.get('Content-Type')}"
        if (method == "HEAD" or status == 204) and body:
            yield f"a body came: {body[:60]!r}"
        if status >= 400 and method != "HEAD":
            yield from self._differences({"$ref": "schemas/error.json"}, json.loads(body))
        operation = self.paths[template].get(method.lower())
        if operation is not None:
            yield from self._of_status(template, operation["responses"], status, headers, body)
        elif status not in (404, 405):
            yield f"the document has no such operation, and yet {status} came"

    def _of_status(
        self,
        template: str,
        responses: Mapping[str, Any],
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Iterator[str]:
        declared = responses.get(str(status))
        if declared is None:
            if status not in UNDECLARED and (template, status) != (BAD_PAGING, 400):
                yield f"status {status} is not declared"
            return
        yield from self._of_headers(declared.get("headers", {}), headers)
        content = declared.get("content", {}).get("application/json")
        if body and content:
            value = json.loads(body)
            if value is not None or template.rpartition("/")[2] not in NULLABLE:
                yield from self._differences(content["schema"], value)

    def _of_headers(self, declared: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[str]:
        for name in declared.keys() & headers.keys():
            schema = declared[name]["schema"]
            value = headers[name] if schema["type"] == "string" else json.loads(headers[name])
            yield from (f"{name}: {found}" for found in self._differences(schema, value))

    def _differences(self, schema: Mapping[str, Any], value: object) -> Iterator[str]:
        key = json.dumps(schema)
        validator = self._validators.get(key)
        if validator is None:
            # Under the document's own name, the schema's references lead to the files beside it.
            validator = jsonschema_rs.Draft202012Validator(
                {"$id": self._uri, **schema}, retriever=_read, validate_formats=True
            )
            self._validators[key] = validator
        for error in validator.iter_errors(value):
            yield f"{'/'.join(map(str, error.instance_path))}: {error.message}"


def _read(uri: str) -> Any:
    text = Path(urlsplit(uri).path).read_text()
    return yaml.load(text, _Loader) if uri.endswith(".yaml") else json.loads(text)


@cache
def document() -> OfficialDocument | None:
    """The document, read once; None if it is not there."""
    found = folder()
    return None if found is None else OfficialDocument(found)
