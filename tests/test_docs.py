"""The generated pages of `docs/` say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from docs import vast_rows
from tams.conformance.run import Result, Verdict
from tams.conformance.suite import CHECKS
from tests.proof import count

ROOT = Path(__file__).parent.parent


def _generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("name", sorted(GENERATOR.PAGES))
def test_page_is_up_to_date(name):
    generate = GENERATOR.PAGES[name]
    if generate is GENERATOR.conformance_page and count(0, proof=1) == 0:
        # The checks themselves are run by tests/conformance, each of which must pass.
        generate = all_passed
    assert (ROOT / "docs" / name).read_text() == generate(), "run `make docs`"


def all_passed():
    return GENERATOR.conformance_page_of([Result(check, Verdict.PASS) for check in CHECKS])


def test_every_row_that_is_owed_has_a_test_or_a_reason():
    assert vast_rows.missing() == []
    assert set(vast_rows.EXCEPTIONS) <= set(vast_rows.OWED)


def test_no_test_is_named_after_a_row_that_is_not_there():
    assert vast_rows.unknown() == []
