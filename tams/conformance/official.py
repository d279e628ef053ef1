"""The official document of a version of TAMS, and what it says of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tams.errors import TamsError

if TYPE_CHECKING:
    import jsonschema_rs

VERSIONS = ("6.0", "7.0", "8.0", "8.1", "8.2")
VERSION = "8.2"
"""That of the statements."""
DOCUMENT = "TimeAddressableMediaStore.yaml"

NULLABLE = ("label", "description", "max_bit_rate", "avg_bit_rate")
"""GET of one of these is null where it is not set (decision on statement 94), since 8.1."""
_NEVER_NULL = ("6.0", "7.0", "8.0")

UNDECLARED = frozenset({401, 405, 408, 413, 429, 503})
"""Statuses that any operation may have, though the document names them nowhere."""

LACKING_SCOPE = 403
"""A status that any operation may have whose caller may not do everything."""

DECIDED = {
    ("GET", "/service/storage-backends", 400): "statements 254 and 258",
    ("HEAD", "/service/storage-backends", 400): "statements 254 and 258",
    ("GET", "/service/webhooks", 400): "statements 254 and 258",
    ("HEAD", "/service/webhooks", 400): "statements 254 and 258",
    ("GET", "/flow-delete-requests", 400): "statements 244, 254 and 258",
    ("HEAD", "/flow-delete-requests", 400): "statements 244, 254 and 258",
    ("DELETE", "/flows/{flowId}/avg_bit_rate", 400): "statement 34",
    ("DELETE", "/flows/{flowId}/label", 403): "statement 298; declared since 8.0",
}
"""Statuses of an operation that the document does not name, and what brings them."""


def read(folder: Path, version: str = VERSION) -> OfficialDocument:
    """The document of a version, from `folder` or from one below it that has the version's name.

    Raises `TamsError` if it is in neither, or where the packages for it are not installed.
    """
    document = OfficialDocument(find(folder, version))
    if document.version != version:
        raise TamsError(f"{folder}: the document is of {document.version}, not of {version}")
    return document


def find(folder: Path, version: str = VERSION) -> Path:
    """Where the documents of a version lie: in `folder`, or in one below it that has its name.

    Raises `TamsError` if in neither.
    """
    for place in (folder, folder / version):
        if (place / DOCUMENT).is_file():
            return place.resolve()
    raise TamsError(f"{folder}: there is no {DOCUMENT} here, nor below {version}")


class OfficialDocument:
    """Operations by method and path, and the schemas of their answers.

    `folder` is what `find` gave. Raises `TamsError` where the packages for it are not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._uri = (folder / DOCUMENT).as_uri()
        self.content: dict[str, Any] = _read(self._uri)
        self.version: str = self.content["info"]["version"]
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
        self,
        method: str,
        path: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        limited: bool = False,
    ) -> Iterator[str]:
        """Everything in which an answer differs from what the document promises of it.

        If `limited`, the caller may not do everything.
        """
        template = self.path_of(path)
        if template is None or method == "OPTIONS":
            return
        if (method == "HEAD" or status == 204) and body:
            yield f"a body came: {body[:60]!r}"
        operation = self.paths[template].get(method.lower())
        if operation is not None:
            declared = operation["responses"].get(str(status))
            if declared is not None:
                yield from self._of_answer(template, declared, headers, body)
            elif not _is_admitted(method, template, status, limited=limited):
                yield f"status {status} is not declared"
        elif status < 400:
            yield f"the document has no such operation, and yet {status} came"

    def _of_answer(
        self, template: str, declared: Mapping[str, Any], headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        yield from self._of_headers(declared.get("headers", {}), headers)
        content = declared.get("content", {}).get("application/json")
        if body and content:
            yield from self._of_body(template, content["schema"], headers, body)

    def _of_headers(self, declared: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[str]:
        for name in declared.keys() & headers.keys():
            schema = declared[name]["schema"]
            try:
                value = headers[name] if schema["type"] == "string" else json.loads(headers[name])
            except ValueError:
                yield f"{name}: {headers[name]!r} is no {schema['type']}"
                continue
            yield from (f"{name}: {found}" for found in self.differences(schema, value))

    def _of_body(
        self, template: str, schema: Mapping[str, Any], headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        media_type = headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type != "application/json":
            yield f"Content-Type is {media_type or 'missing'}"
        try:
            value = json.loads(body)
        except ValueError:
            yield f"the body is no JSON: {body[:60]!r}"
            return
        may_be_null = self.version not in _NEVER_NULL and template.rpartition("/")[2] in NULLABLE
        if value is not None or not may_be_null:
            yield from self.differences(schema, value)

    def differences(self, schema: Mapping[str, Any], value: object) -> Iterator[str]:
        """In which places a value differs from a schema of the document."""
        key = json.dumps(schema)
        if key not in self._validators:
            # What it refers to within the document is found there, not within the schema itself.
            found = json.loads(key.replace('"#/', f'"{DOCUMENT}#/'))
            self._validators[key] = _validator({"$id": f"{self._uri}.schema", **found})
        for error in self._validators[key].iter_errors(value):
            yield f"{'/'.join(map(str, error.instance_path))}: {error.message}"


def _is_admitted(method: str, template: str, status: int, *, limited: bool) -> bool:
    admitted = UNDECLARED | {LACKING_SCOPE} if limited else UNDECLARED
    return status in admitted or (method, template, status) in DECIDED


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    try:
        import jsonschema_rs
    except ImportError as error:
        raise _not_installed(error) from None
    # Under a name beside the document's, the schema's references lead to the files there.
    return jsonschema_rs.Draft202012Validator(schema, retriever=_read, validate_formats=True)


def _read(uri: str) -> Any:  # noqa: ANN401 - a JSON value is anything
    text = Path(urlsplit(uri).path).read_text()
    return _read_yaml(text) if uri.endswith(".yaml") else json.loads(text)


def _read_yaml(text: str) -> object:
    try:
        import yaml
    except ImportError as error:
        raise _not_installed(error) from None

    class Loader(yaml.CSafeLoader):
        """YAML with the types of JSON: what looks like a date stays a string."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(text, Loader)  # noqa: S506 - a safe loader all the same


def _not_installed(error: ImportError) -> TamsError:
    return TamsError(
        f"validating against the official document needs {error.name}: "
        f"pip install 'tams-server[conformance]'"
    )
