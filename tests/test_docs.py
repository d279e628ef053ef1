"""The generated pages of `docs/` say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from docs import vast_rows

ROOT = Path(__file__).parent.parent


def _generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("name", sorted(GENERATOR.PAGES))
def test_page_is_up_to_date(name):
    assert (ROOT / "docs" / name).read_text() == GENERATOR.PAGES[name](), "run `make docs`"


def test_every_row_that_is_owed_has_a_test_or_a_reason():
    assert vast_rows.missing() == []
    assert set(vast_rows.EXCEPTIONS) <= set(vast_rows.OWED)


def test_no_test_is_named_after_a_row_that_is_not_there():
    assert vast_rows.unknown() == []
