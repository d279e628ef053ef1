from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from tams.catalogue.connect import migrate
from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.catalogue.sql.segment_pages import PAGES, Shape, tagged_page
from tams.domain.events import Event
from tams.domain.objects import Instance
from tams.domain.registration import decide
from tams.domain.service import ServiceDescription
from tams.domain.tags import TagFilter
from tams.errors import BadSettings, Busy, Invalid, OutcomeUnknown
from tests.catalogue.building import (
    NOON,
    add_flows,
    allocate,
    delete_segments,
    get_flow,
    get_object,
    make_flow,
    page_of,
    post,
    register,
    segment_at,
)


@pytest.fixture
async def catalogue(postgres_url):
    catalogue = PostgresCatalogue(postgres_url, connections=1)
    await catalogue.open()
    yield catalogue
    await catalogue.close()


@pytest.fixture
async def admin(postgres_url):
    admin = await asyncpg.connect(postgres_url)
    yield admin
    await admin.close()


async def test_without_a_schema_it_names_the_command(empty_postgres_url):
    with pytest.raises(BadSettings, match="tams admin migrate"):
        await PostgresCatalogue(empty_postgres_url).open()


async def test_another_version_is_refused(postgres_url, admin):
    await admin.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadSettings, match="9999"):
        await PostgresCatalogue(postgres_url).open()


async def test_a_server_that_is_not_there_is_named():
    with pytest.raises(BadSettings, match="TAMS_CATALOGUE"):
        await PostgresCatalogue("postgresql:///x?host=/nowhere").open()


async def test_several_may_migrate_at_once(empty_postgres_url):
    await asyncio.gather(*(migrate(empty_postgres_url) for _ in range(4)))
    await migrate(empty_postgres_url)
    catalogue = PostgresCatalogue(empty_postgres_url)
    await catalogue.open()
    await catalogue.close()


@pytest.mark.parametrize("size", [1, 300])
async def test_a_registration_takes_five_round_trips(catalogue, size):
    flow = make_flow()
    await add_flows(catalogue, flow)
    # A connection asks once what an array of small integers is.
    await register(catalogue, flow.id, "[-2:0_-1:0)", "[-1:0_0:0)")
    names = [f"o{n}" for n in range(size)]
    await allocate(catalogue, flow.id, *names)
    posts = [segment_at(name, f"[{n}:0_{n + 1}:0)") for n, name in enumerate(names)]
    external = (Instance(url="https://media.example/object"),)
    posts.append(segment_at("x", "[1000:0_1001:0)", get_urls=external))

    async def work(tx):
        locked = await tx.flows.lock(flow.id)
        decision = decide(locked, posts, await tx.segments.survey(locked, posts), frozenset())
        await tx.segments.add(locked, decision.accepted, NOON)
        for accepted in decision.accepted[:5]:
            await tx.events.append(
                Event(
                    type="flows/segments_added",
                    entity_id=flow.id,
                    source_id=flow.source_id,
                    segments=(accepted.segment,),
                )
            )

    queries = []
    async with catalogue._pool.acquire() as database:
        raw = database._con
    raw.add_query_logger(lambda record: queries.append(record.query))
    await catalogue.write(work)
    assert len(queries) == 5, queries
    assert queries[0].startswith("BEGIN")
    assert "FOR UPDATE" in queries[1]
    assert queries[4] == "COMMIT"
    assert len((await page_of(catalogue, flow.id, limit=1000)).items) == size + 3
    events = await catalogue.read(lambda tx: tx.events.of(flow.id))
    assert len(events) == min(5, size + 1)
    assert (await get_flow(catalogue, flow.id)).segments_updated == NOON


async def test_a_connection_lost_before_commit_runs_the_work_again(catalogue, admin):
    runs = []

    async def work(tx):
        runs.append(await tx.service.get())
        await tx.service.replace(ServiceDescription("mine"))
        if len(runs) == 1:
            await admin.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await tx.service.get()

    await catalogue.write(work)
    assert len(runs) == 2
    assert await catalogue.read(lambda tx: tx.service.get()) == ServiceDescription("mine")


async def test_a_deadlock_runs_a_work_again(postgres_url):
    catalogue = PostgresCatalogue(postgres_url, connections=2)
    await catalogue.open()
    one, two = make_flow(), make_flow()
    await add_flows(catalogue, one, two)
    met, runs = asyncio.Barrier(2), []

    has_won = asyncio.Event()

    async def lock_both(first, second):
        async def work(tx):
            runs.append(first.id)
            if len(runs) > 2:
                await has_won.wait()  # else the two might meet once more
            await tx.flows.lock(first.id)
            if len(runs) <= 2:
                await met.wait()
            await tx.flows.lock(second.id)
            return second.id

        locked = await catalogue.write(work)
        has_won.set()
        return locked

    locked = await asyncio.gather(lock_both(one, two), lock_both(two, one))
    assert locked == [two.id, one.id]
    assert len(runs) == 3
    await catalogue.close()


async def test_a_connection_lost_at_commit_is_of_unknown_outcome(catalogue, admin):
    await admin.execute("""
        CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;
        CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON service
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vanish();
    """)
    runs = []

    async def work(tx):
        runs.append(1)
        await tx.service.replace(ServiceDescription("x"))

    with pytest.raises(OutcomeUnknown):
        await catalogue.write(work)
    assert len(runs) == 1


async def test_a_server_that_has_gone_makes_it_busy(catalogue, admin):
    await admin.execute("ALTER DATABASE template1 ALLOW_CONNECTIONS true")
    name = await admin.fetchval("SELECT current_database()")
    other = await asyncpg.connect(
        database="template1", host=admin._addr.rpartition("/")[0], user="tams"
    )
    await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await other.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1", name
    )
    with pytest.raises(Busy):
        await catalogue.ping()
    await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await other.close()
    await catalogue.ping()


@pytest.mark.parametrize("trouble", ["disk_full", "query_canceled", "read_only_sql_transaction"])
async def test_a_server_that_cannot_now_makes_it_busy(catalogue, admin, trouble):
    await admin.execute(
        f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE {trouble}; END$$;"
        f"CREATE TRIGGER fail BEFORE UPDATE ON service EXECUTE FUNCTION fail()"
    )
    with pytest.raises(Busy, match="PostgreSQL cannot do this now"):
        await catalogue.write(lambda tx: tx.service.replace(ServiceDescription("x")))
    await catalogue.ping()


async def test_text_that_cannot_be_kept_is_invalid(catalogue):
    with pytest.raises(Invalid, match="U\\+0000"):
        await catalogue.read(lambda tx: tx.objects.get("a\0b"))
    await catalogue.ping()


def nodes(plan):
    """All nodes of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def rows_visited(admin, flow_id, low, *, reverse, by_object=()):
    text = PAGES[Shape(reverse, bool(by_object), True, True)].postgresql
    return await visited(admin, text, flow_id, low, 2**63 - 1, 21, -(2**63), *by_object)


async def visited(admin, text, *parameters):
    explained = await admin.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *parameters)
    plan = json.loads(explained)[0]["Plan"]
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if "Scan" in node["Node Type"]
    )


async def long_flow(catalogue, length):
    """A Flow with so many Segments of one second."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    for begin in range(0, length, 500):
        await register(
            catalogue, flow.id, *(f"[{n}:0_{n + 1}:0)" for n in range(begin, begin + 500))
        )
    return flow


async def test_the_cost_of_a_page_by_a_tag_does_not_depend_on_the_flow(catalogue, admin):
    flow = await long_flow(catalogue, 3000)
    tags = {second * 10**9: {"kind": "goal"} for second in range(0, 3000, 2)}
    await catalogue.write(lambda tx: _tag(tx, flow.id, tags))
    page, named = tagged_page(Shape(False, False, True, True), TagFilter({"kind": ("goal",)}))
    for mode in ("force_generic_plan", "force_custom_plan"):
        await admin.execute(f"SET plan_cache_mode = {mode}")
        for low in (-(2**63), 1500 * 10**9 + 5):
            asked = (flow.id, low, 2**63 - 1, 21, -(2**63), *named)
            assert await visited(admin, page.postgresql, *asked) < 8 * 21
        await admin.execute("ANALYZE")


async def _tag(tx, flow_id, tags):
    await tx.segment_tags.replace(await tx.flows.lock(flow_id), tags)


async def test_the_cost_of_a_page_does_not_depend_on_the_flow(catalogue, admin):
    length = 5000
    flow = await long_flow(catalogue, length)
    await admin.execute("SET plan_cache_mode = force_generic_plan")
    for analysed in (False, True):
        if analysed:
            await admin.execute("ANALYZE")
        for low in (-(2**63), length // 2 * 10**9 + 5, (length - 50) * 10**9 + 5):
            for reverse in (False, True):
                assert await rows_visited(admin, flow.id, low, reverse=reverse) < 4 * 21


async def someone_waits(admin):
    return await admin.fetchval(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
    )


async def test_a_survey_keeps_its_objects_from_being_condemned(postgres_url, admin):
    """Without the lock on the Object, its clean-up would not see the Segment that is coming."""
    catalogue = PostgresCatalogue(postgres_url, connections=3)
    await catalogue.open()
    old, new = make_flow(), make_flow()
    await add_flows(catalogue, old, new)
    await allocate(catalogue, old.id, "o1")
    posts = [segment_at("o1", "[0:0_1:0)")]
    await post(catalogue, old.id, *posts)
    surveyed, settled = asyncio.Event(), asyncio.Event()

    async def register_again(tx):
        flow = await tx.flows.lock(new.id)
        decision = decide(flow, posts, await tx.segments.survey(flow, posts), frozenset())
        surveyed.set()
        await settled.wait()
        await tx.segments.add(flow, decision.accepted, NOON)

    registering = asyncio.create_task(catalogue.write(register_again))
    await surveyed.wait()
    deleted = await delete_segments(catalogue, old.id)
    condemning = asyncio.create_task(
        catalogue.write(lambda tx: tx.objects.condemn(deleted.objects, NOON))
    )
    while not (condemning.done() or await someone_waits(admin)):
        pass
    settled.set()
    assert await condemning == []
    await registering
    assert await get_object(catalogue, "o1") is not None
    await catalogue.close()


async def test_the_later_of_two_that_bring_the_same_object_meets_the_earlier(postgres_url):
    catalogue = PostgresCatalogue(postgres_url, connections=2)
    await catalogue.open()
    flows = [make_flow(), make_flow()]
    await add_flows(catalogue, *flows)
    posts = [segment_at("x", "[0:0_1:0)", get_urls=(Instance(url="https://media.example/x"),))]
    met, runs = asyncio.Barrier(2), []

    def bring(flow_id):
        async def work(tx):
            flow = await tx.flows.lock(flow_id)
            decision = decide(flow, posts, await tx.segments.survey(flow, posts), frozenset())
            runs.append(flow_id)
            if len(runs) <= 2:
                await met.wait()
            await tx.segments.add(flow, decision.accepted, NOON)
            return len(decision.accepted)

        return catalogue.write(work)

    assert sorted(await asyncio.gather(*(bring(flow.id) for flow in flows))) == [0, 1]
    assert len(runs) == 3
    await catalogue.close()
