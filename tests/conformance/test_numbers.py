"""Every statement of the checklist has a check, or a reason why it has none."""

from __future__ import annotations

import re
from pathlib import Path

from tams import conformance
from tams.conformance.left_out import LEFT_OUT
from tams.conformance.suite import CHECKS

STATEMENTS = set(range(1, 301))

REQUIRED = (
    range(1, 288),
    range(289, 295),
    range(298, 301),
)


def test_the_numbers_asked_for_are_checked() -> None:
    asked = {number for numbers in REQUIRED for number in numbers}
    assert {check.number for check in CHECKS} == asked


def test_every_other_number_has_a_reason() -> None:
    assert set(LEFT_OUT) == STATEMENTS - {check.number for check in CHECKS}
    assert all(len(reason.split()) > 5 for reason in LEFT_OUT.values())


def test_a_check_is_named_after_its_number() -> None:
    wrong = [
        check.name for check in CHECKS if not check.name.startswith(f"check_{check.number:03}_")
    ]
    assert not wrong


def test_every_check_of_every_file_is_in_the_suite() -> None:
    files = Path(conformance.__file__).parent.glob("*.py")
    written = [
        name
        for file in files
        for name in re.findall(r"^async def (check_\w+)", file.read_text(), re.MULTILINE)
    ]
    assert sorted(written) == sorted(check.name for check in CHECKS)
