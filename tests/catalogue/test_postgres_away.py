"""A PostgreSQL server that goes, comes back, or does not answer; and a client that vanishes."""

from __future__ import annotations

import asyncio
import socket

import asyncpg
import pytest

from tams.catalogue.sql import postgres
from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.domain.service import ServiceDescription
from tams.errors import BadSettings, Busy, OutcomeUnknown


def rename(text):
    return lambda tx: tx.service.replace(ServiceDescription(text))


async def test_it_goes_on_after_a_restart_of_the_server(postgres_server, postgres_url):
    """With every connection of the pool cut, and nothing in between but a refusal to come again."""
    catalogue = PostgresCatalogue(postgres_url, connections=8)
    await catalogue.open()

    async def look(tx):
        await tx.service.get()
        return await tx.service.get()

    await asyncio.gather(*(catalogue.read(look) for _ in range(8)))
    await catalogue.write(rename("before"))
    postgres_server.run("pg_ctl", "stop", "--wait", "--pgdata=data", "--mode=immediate")
    try:
        for ask in (catalogue.read(look), catalogue.write(rename("lost")), catalogue.ping()):
            with pytest.raises(Busy):
                await ask
    finally:
        postgres_server.resume()
    assert await catalogue.read(look) == ServiceDescription("before")
    await catalogue.write(rename("after"))
    assert await catalogue.read(look) == ServiceDescription("after")
    await catalogue.close()


async def test_the_locks_of_a_client_that_has_vanished_go_in_time(postgres_url):
    """Its machine has gone, so its connection does not even end."""
    catalogue = PostgresCatalogue(postgres_url, time_limit=0.5)
    await catalogue.open()
    vanished = await asyncpg.connect(postgres_url)
    limits = catalogue._begin_write.replace("5500", "50")
    await vanished.execute(f"{limits}; SELECT * FROM service FOR UPDATE")
    await catalogue.write(rename("mine"))
    assert "5500" in catalogue._begin_write
    vanished.terminate()
    await catalogue.close()


async def test_a_server_that_takes_no_connection_is_not_waited_for():
    """It listens, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://tams@127.0.0.1:{silent.getsockname()[1]}/tams"
        async with asyncio.timeout(10):
            with pytest.raises(BadSettings, match="TAMS_CATALOGUE: cannot use PostgreSQL"):
                await PostgresCatalogue(url, connect_timeout=0.1).open()


async def test_a_commit_that_is_not_answered_is_given_up(postgres_url, monkeypatch):
    monkeypatch.setattr(postgres, "_END_S", 0.1)
    catalogue = PostgresCatalogue(postgres_url, time_limit=0.1)
    await catalogue.open()
    admin = await asyncpg.connect(postgres_url)
    await admin.execute("""
        CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN SET LOCAL statement_timeout = 0; PERFORM pg_sleep(60); RETURN NULL; END$$;
        CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON service
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stall();
    """)
    async with asyncio.timeout(10):
        with pytest.raises(OutcomeUnknown):
            await catalogue.write(rename("x"))
    await admin.close()
    await catalogue.close()


async def test_what_was_prepared_before_a_migration_is_prepared_anew(postgres_url):
    catalogue = PostgresCatalogue(postgres_url, connections=1)
    await catalogue.open()
    await catalogue.write(rename("before"))

    async def work(tx):
        return await tx.service.lock()

    assert await catalogue.write(work) == ServiceDescription("before")
    admin = await asyncpg.connect(postgres_url)
    await admin.execute("ALTER TABLE service ALTER COLUMN name TYPE varchar(500)")
    await admin.close()
    assert await catalogue.write(work) == ServiceDescription("before")
    await catalogue.close()
