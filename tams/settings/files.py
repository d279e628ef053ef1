"""Files that hold settings: `.env` as shells write it, and a table in JSON or TOML."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG

from tams.errors import BadSettings

_NAME = r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)"
_VALUE = (
    r"""'(?P<plain>[^']*)'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^'"#\s](?:[^#]|(?<!\s)\#)*)?"""
)
_LINE = re.compile(rf"\s*{_NAME}\s*=\s*(?:{_VALUE})\s*(?:\#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def is_there(path: Path) -> bool:
    """Whether there is such a file; raises `BadSettings` if that cannot be known."""
    try:
        return S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error


def read_dotenv(path: Path) -> Mapping[str, str]:
    """The `NAME=value` lines of a file; empty lines and those that begin with `#` are none.

    A value may stand in quotes; in double ones a backslash escapes. Nothing is put in for `$NAME`.
    Raises `BadSettings`, which names the line.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadSettings(f"{path}, line {number}: it must be NAME=value, in quotes if need be")
        found[match["name"]] = _unquoted(match)
    return found


def read_table(path: Path) -> Mapping[str, object]:
    """The table of a file of settings, TOML by its name or else JSON; raises `BadSettings`."""
    try:
        text = _text(path)
        table = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        raise BadSettings(f"{path}: {error}") from error
    if not isinstance(table, dict):
        raise BadSettings(f"{path}: it must hold one table of settings")
    return table


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise BadSettings(f"{path}: it must be text in UTF-8") from None


def _unquoted(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["quoted"])
    return match["plain"] if match["plain"] is not None else (match["bare"] or "").rstrip()
