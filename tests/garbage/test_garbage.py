"""Garbage collection that can be trusted (statements 191 to 195, 218 and 219).

The bytes of an Object to which something refers are always there. An Object to which nothing refers
is unknown at once, and its bytes are gone one lifetime of a URL later; URLs that were given out
before live out their time. Whatever clients do at once, and wherever a worker dies.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.garbage.regretting import Regretting
from tests.proof import count

STEPS = 50


@pytest.mark.parametrize(("engine", "examples"), [("on_sqlite", 14), ("on_postgresql", 6)])
def test_nothing_is_lost_and_nothing_is_left(request, engine, examples):
    fresh = request.getfixturevalue(engine)
    machines: list[Regretting] = []

    def machine() -> Regretting:
        machines.append(Regretting(fresh()))
        return machines[-1]

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=count(examples, proof=260),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert sum(each.steps for each in machines) >= count(35 * examples, proof=10_000)
