"""The file that TAMS_STORAGE names: its tables of backends, and where each of them begins."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tams.errors import BadSettings

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*(?:backend|\"backend\"|'backend')[ \t]*\]\]", re.MULTILINE)
_BETWEEN = re.compile(r"[\s,]*")


class Table(NamedTuple):
    """What is set for one backend, whatever it may be; `place` is how an error names it."""

    place: str
    content: Any


def read_tables(path: Path) -> Sequence[Table]:
    """The `[[backend]]` tables of a TOML file, or those of a JSON list, alone or under `backend`.

    Raises `BadSettings`, which names the file, and the line where there is one.
    """
    try:
        text = path.read_text()
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadSettings(f"TAMS_STORAGE {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadSettings(f"TAMS_STORAGE {path}: {error}") from error
    if isinstance(content, dict) and set(content) == {"backend"}:
        content = content["backend"]
    if not isinstance(content, list) or not content:
        raise BadSettings(f"TAMS_STORAGE {path}: it must hold [[backend]] tables and nothing else")
    starts = _json_starts(text) if path.suffix == ".json" else _toml_starts(text)
    if len(starts) != len(content):
        # Tables within a line, or what looks like a header within a text: no line is told.
        return [Table(f"{path}: {_called(number, one)}", one) for number, one in _counted(content)]
    return [
        Table(f"{path}, line {text.count(chr(10), 0, start) + 1}: {_called(number, one)}", one)
        for start, (number, one) in zip(starts, _counted(content), strict=True)
    ]


def _counted(content: Sequence[Any]) -> Sequence[tuple[int, Any]]:
    return list(enumerate(content, 1))


def _called(number: int, content: object) -> str:
    if not isinstance(content, dict):
        return f"backend {number} (no table)"
    label = content.get("label")
    return f"backend {number} ({label})" if label else f"backend {number}"


def _toml_starts(text: str) -> Sequence[int]:
    return [found.start() for found in _HEADER.finditer(text)]


def _json_starts(text: str) -> Sequence[int]:
    """Where each item of the one list of a JSON text begins, which is its first bracket."""
    decoder = json.JSONDecoder()
    starts = []
    at = _skip(text, text.index("[") + 1)
    while text[at] != "]":
        starts.append(at)
        _, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
    return starts


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at
