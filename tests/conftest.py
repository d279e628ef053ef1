"""Catalogues for every test that wants one: a fresh SQLite file, an emptied PostgreSQL database."""

from __future__ import annotations

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tams.catalogue.sql.migrations import steps
from tests.azurite import CACHE, find_azurite, throw_away_azurite
from tests.ceph import missing_program, shared_gateway
from tests.durability.process import NO_FILES
from tests.examined import SEEN, Seen, coverage, is_whole
from tests.lasting import ENGINES, make_lasting_catalogue
from tests.postgres import find_binaries, renew, throw_away_server
from tests.serving import serving


def pytest_configure():
    """Let commands that tests start be interrupted: what a shell runs behind it ignores Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ |= NO_FILES
    # How long an example takes is the machine's doing, not the test's.
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("patient", patient)
    settings.load_profile("patient")


@pytest.fixture(scope="session")
def postgres_server():
    """A server of its own for this run."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with throw_away_server(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(postgres_server):
    """The URLs of two databases, one for what has the schema and one for what has not."""
    return postgres_server.create("tams"), postgres_server.create("tams_empty")


@pytest.fixture(scope="session")
def postgres_schema():
    """The statements that make the schema."""
    return steps("postgresql", None)


@pytest.fixture
def postgres_url(postgres_databases, postgres_schema):
    """A database with the schema, and nothing in it."""
    url, _ = postgres_databases
    asyncio.run(renew(url, postgres_schema))
    return url


@pytest.fixture(scope="session")
def partitioned_schema():
    """The same, with Segments in several tables."""
    return steps("postgresql", None, 4)


@pytest.fixture
def partitioned_url(postgres_databases, partitioned_schema):
    """A database with that schema, and nothing in it."""
    url, _ = postgres_databases
    asyncio.run(renew(url, partitioned_schema))
    return url


@pytest.fixture
def empty_postgres_url(postgres_databases):
    """A database without a schema."""
    _, url = postgres_databases
    asyncio.run(renew(url, ""))
    return url


@pytest.fixture(scope="session", autouse=True)
def gateway_ahead(request, tmp_path_factory):
    """Starts the gateway, beside the first tests where later ones are known to need it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        start = cache(lambda: thread.submit(stack.enter_context, shared_gateway(folder / "ceph")))
        if missing_program() is None and any(
            "gateway" in getattr(item, "fixturenames", ()) for item in request.session.items
        ):
            start()
        yield start


@pytest.fixture(scope="session")
def gateway(gateway_ahead):
    """A Ceph RADOS Gateway for this run, all its processes together."""
    missing = missing_program()
    if missing is not None:
        pytest.skip(
            f"{missing} is not installed (Debian: apt-get install radosgw ceph-mon ceph-osd)"
        )
    return gateway_ahead().result()


@pytest.fixture(scope="session")
def s3_bucket(gateway):
    """The name of a bucket of this process."""
    return gateway.create()


@pytest.fixture
def s3_url(gateway, s3_bucket, monkeypatch):
    """A setting for a folder of its own in that bucket, with the credentials around it."""
    return gateway.setting(s3_bucket, monkeypatch)


@pytest.fixture(scope="session")
def azurite():
    """Azure Blob Storage as far as its emulator goes, for this process."""
    program = find_azurite()
    if program is None:
        pytest.skip(f"azurite is not installed (npm install --prefix {CACHE} azurite)")
    with throw_away_azurite(program) as started:
        yield started


@pytest.fixture(scope="session")
def azure_container(azurite):
    """The name of a container of this process."""
    return azurite.create()


@pytest.fixture
def azure_url(azurite, azure_container, monkeypatch):
    """A setting for a folder of its own in that container, with the key around it."""
    return azurite.setting(azure_container, monkeypatch)


@pytest.fixture
def sqlite_url(tmp_path):
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'catalogue.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue_url(request):
    """A fresh catalogue of each engine."""
    engine = "postgres" if request.param == "postgresql" else request.param
    return request.getfixturevalue(f"{engine}_url")


@pytest.fixture(scope="module", params=ENGINES)
def lasting_catalogue_url(request, tmp_path_factory):
    """A catalogue of each engine that the tests of one file share."""
    return make_lasting_catalogue(request, tmp_path_factory)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(lasting_catalogue_url, tmp_path_factory):
    """The whole server over HTTP, on each engine; the tests of one file share it."""
    async with serving(tmp_path_factory.mktemp("served"), lasting_catalogue_url) as served:
        yield served


def pytest_sessionfinish(session):
    """Fail where a test was skipped in CI, or an answer of the official document was not seen."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    worker = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["seen"] = [list(seen) for seen in SEEN]
        return
    # Where everything is installed, as in CI, a skipped test is a failure.
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if is_whole(session) and coverage():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over what a worker's tests have received."""
    SEEN.update(Seen(*seen) for seen in getattr(node, "workeroutput", {}).get("seen", ()))


def pytest_terminal_summary(terminalreporter):
    """List the answers that no test has seen."""
    if is_whole(terminalreporter._session) and coverage():
        terminalreporter.section("answers of the official document")
        for line in coverage():
            terminalreporter.line(line)
