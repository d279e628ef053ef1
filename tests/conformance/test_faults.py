"""Every check of level M or I fails on some server that does one thing wrong."""

from __future__ import annotations

import asyncio
from dataclasses import fields

import pytest
import pytest_asyncio

from tams.conformance.media import store
from tams.conformance.run import Runner, Verdict
from tams.conformance.server import Server, new_id
from tams.conformance.statements import Check
from tams.conformance.suite import CHECKS
from tests.authority import visiting
from tests.conformance.faults import FAULTS
from tests.conformance.proxy import NONE, Fault, Proxy

BINDING = [check for check in CHECKS if check.level in ("M", "I")]
PATIENCE = 20.0


class Spoilt:
    """A server of ours behind a proxy."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        self.server = server
        self.proxy = proxy
        self.runner = Runner(server, lambda _: None, limit=PATIENCE)

    async def judge(self, fault: Fault, check: Check) -> tuple[Verdict, str]:
        """The verdict on the server while it has this fault."""
        self.proxy.begin(fault)
        return await self.runner.judge(check, self.server)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def spoilt(tmp_path_factory):
    folder, proxies = tmp_path_factory.mktemp("spoilt"), []

    def around(app):
        proxies.append(Proxy(app))
        return proxies[-1]

    async with visiting(folder, around) as served:
        server = Server(**{one.name: getattr(served, one.name) for one in fields(Server)})
        yield Spoilt(server, proxies[0])


@pytest.mark.parametrize("check", BINDING, ids=lambda check: check.name)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_fault_kills_the_check(spoilt, check):
    """If none does: see what the check asks for and add a fault to `faults.py` that spoils it."""
    assert await spoilt.judge(NONE, check) == (Verdict.PASS, "")
    exchanges = list(spoilt.proxy.exchanges)
    fitting = [fault for fault in FAULTS if not fault.aimed or check.number in fault.aimed]
    touching = [fault for fault in fitting if any(map(fault.touches, exchanges))]
    for fault in touching:
        verdict, _ = await spoilt.judge(fault, check)
        if verdict is Verdict.FAIL:
            return
    asked = sorted({f"{request.operation}: {reply.status}" for request, reply in exchanges})
    pytest.fail(
        f"no fault kills {check.name}; tried {[fault.name for fault in touching]}; "
        f"it asks for {asked}: add a fault to tests/conformance/faults.py"
    )


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if not fault.aimed], ids=lambda fault: fault.name
)
@pytest.mark.asyncio(loop_scope="module")
async def test_no_fault_breaks_what_checks_prepare(spoilt, fault):
    """Or every check that prepares anything would fail by it, and that would prove nothing."""
    spoilt.proxy.begin(fault)
    server = spoilt.server
    async with asyncio.timeout(PATIENCE):
        mark = new_id()
        flow = await server.flow(label=mark, tags={mark: "yes"})
        for own in ({"label": mark}, {f"tag.{mark}": "yes"}, {f"tag_exists.{mark}": "true"}):
            assert await server.ids("/flows", own, source_id=flow["source_id"]) == [flow["id"]]
        assert await server.ids("/flows", source_id=flow["source_id"]) == [flow["id"]]
        await server.flow("multi", flow_collection=[{"id": flow["id"]}])
        await server.segments(flow["id"], ["[0:0_1:0)", "[1:0_2:0)"])
        await store(server, flow["id"], "[2:0_3:0)")
