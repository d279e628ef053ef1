"""`docs/promises.md` names tests that exist, for every promise."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "promises.md").read_text()
ROWS = re.findall(r"^\| (?!promise \|)([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)


@cache
def named_in(path: str) -> set[str]:
    """The names of a file's test functions."""
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name
        for node in tree.body
        if isinstance(node, functions) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(
    ("promise", "tests"), [pytest.param(*row, id=row[0].replace(" ", "-")) for row in ROWS]
)
def test_a_promise_names_its_tests(promise: str, tests: str) -> None:
    named = re.findall(r"`([^`:]+)::([^`]+)`", tests)
    assert named
    assert re.sub(r"`[^`]+`", "", tests).strip() == ""
    assert [name for path, name in named if name not in named_in(path)] == []


def test_every_room_of_promises_is_there() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert headings == [
        "Storage",
        "The command line",
        "The client library",
        "Operations",
        "Bad input",
    ]
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert len(lines) - 2 * len(headings) == len(ROWS) > 50
