"""`docs/operations.md` names tests that exist, for every fault; and every test of this room."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text().partition("\n## Faults\n")[2]
ROWS = re.findall(r"^\| (?!fault \|)(\w[^|]+) \|(?:[^|]+\|){3} ([^|]+) \|$", PAGE, re.MULTILINE)


def named_in(path: Path) -> set[str]:
    """The test functions of a file, as the page names them."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = (node.name for node in ast.parse(path.read_text()).body if isinstance(node, functions))
    where = path.relative_to(ROOT).as_posix()
    return {f"{where}::{name}" for name in names if name.startswith("test_")}


def test_every_fault_has_its_tests_and_every_test_its_fault() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    headings = [line for line in lines if line.startswith("| fault |")]
    assert len(ROWS) == len(lines) - len(headings) > 20
    named = {name for _, tests in ROWS for name in re.findall(r"`([^`]+)`", tests)}
    assert [row for row in ROWS if "::test_" not in row[1]] == []
    paths = {ROOT / name.partition("::")[0] for name in named}
    assert named - set[str]().union(*map(named_in, paths)) == set()
    ours = set[str]().union(*map(named_in, (ROOT / "tests" / "faults").glob("test_*.py")))
    assert ours - named - named_in(Path(__file__)) == set()
