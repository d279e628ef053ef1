"""Whatever happens to a store, no check finds anything wrong with it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from tams.domain.faults import Fault, FaultKind
from tams.services.checkup import Checkup
from tests.garbage.regretting import Regretting
from tests.proof import count
from tests.services.conftest import URL_LIFETIME


class Checked(Regretting):
    """The same clients, workers and crashes, with a look after each step."""

    @invariant()
    def is_sound(self) -> None:
        """A check finds nothing, but for bytes that a client registered and never brought."""
        found = self.run(self._faults())
        assert [fault for fault in found if not self._never_came(fault)] == []

    def _never_came(self, fault: Fault) -> bool:
        life = self.model.known(fault.object_id or "")
        return (
            fault.kind is FaultKind.BYTES_MISSING
            and life is not None
            and fault.storage_id not in life.written
        )

    async def _faults(self) -> list[Fault]:
        store = self.store
        checkup = Checkup(
            store.catalogue, store.storages, store.clock, url_lifetime=URL_LIFETIME, slice_size=3
        )
        return [fault async for fault in checkup.faults()]


def test_nothing_that_clients_and_crashes_do_is_a_fault(fresh):
    run_state_machine_as_test(
        lambda: Checked(fresh()),
        settings=settings(
            max_examples=count(2, proof=60),
            stateful_step_count=count(15, proof=50),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
