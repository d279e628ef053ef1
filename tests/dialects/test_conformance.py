"""`tams conformance` of older versions: what holds in them, with their own schemas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tams.conformance.examiner import Examiner
from tams.conformance.left_out import LEFT_OUT
from tams.conformance.run import Runner, Verdict
from tams.conformance.suite import CHECKS
from tams.conformance.versions import SINCE, later
from tests.official import MISSING, document
from tests.proof import count
from tests.serving import serving

FEWEST = {"6.0": 88, "7.0": 123, "8.0": 199, "8.1": 212}
"""Statements that pass, at least; what needs credentials is skipped."""
VERSIONS = list(FEWEST)[: count(2, proof=4)]


@pytest.mark.skipif(document("6.0") is None, reason=MISSING)
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_version_conforms_under_its_base_path(version, tmp_path):
    async with serving(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite") as server:
        base = f"{server.base}/v{version}"
        examiner = Examiner(document(version), base)
        api = replace(server, base=base, version=version, watchers=(examiner,))
        # One after the other, as each puts the clock of all forward.
        results, _ = await Runner(api, lambda _: None, at_once=1).run(CHECKS)
    failed = [(one.check.name, one.reason) for one in results if one.verdict is Verdict.FAIL]
    assert (failed, examiner.complaints) == ([], ())
    passed = [one for one in results if one.verdict is Verdict.PASS]
    assert len(passed) >= FEWEST[version]


def test_statements_wait_for_their_version():
    assert later(19, "8.1") == "it needs Profiles, which came with 8.2"
    assert later(19, "8.2") is None
    assert later(18, "7.0") == "it needs sorting and paging of every list, which came with 8.2"
    assert all(later(check.number, "8.2") is None for check in CHECKS)
    assert SINCE.keys() <= {check.number for check in CHECKS} - LEFT_OUT.keys()
