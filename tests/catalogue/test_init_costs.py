"""A look at an init Object costs the same, however many Media Objects name it."""

from __future__ import annotations

import json

import apsw
import asyncpg
import pytest

from tams.catalogue.sql.objects import _GET_OBJECT, _referring
from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.catalogue.sql.sqlite import SQLiteCatalogue
from tams.catalogue.sql.statements import prepare
from tams.domain.pages import PageRequest
from tams.domain.tags import TagFilter
from tests.catalogue.building import add_flows, allocate, get_object, post, remove_flow
from tests.catalogue.test_init_objects import fragmented, needing
from tests.catalogue.test_postgres import nodes

MANY = 900


@pytest.fixture(params=[False, True], ids=["beside living", "beside removed"])
def removed(request):
    """Whether the Flow of most Media Objects is gone."""
    return request.param


async def fill(catalogue, media, *, removed):
    """An init Object `i` of so many Media Objects in one Flow, and of one in another."""
    flows = [fragmented(), fragmented()]
    await add_flows(catalogue, *flows)
    first, second = (flow.id for flow in flows)
    names = [f"m{n}" for n in range(media)]
    await allocate(catalogue, first, "i", *names)
    await allocate(catalogue, second, "b")
    segments = [needing("i", each, f"[{n}:0_{n + 1}:0)") for n, each in enumerate(names)]
    assert not (await post(catalogue, first, *segments)).refused
    assert not (await post(catalogue, second, needing("i", "b", "[0:0_1:0)"))).refused
    if removed:
        await remove_flow(catalogue, first)
    return sorted([second] if removed else [first, second])


async def look(catalogue):
    """The ids of the Flows that refer to `i`."""
    assert await get_object(catalogue, "i") is not None
    page = PageRequest(limit=10)
    return (await catalogue.read(lambda tx: tx.objects.referenced_by("i", TagFilter(), page))).items


async def steps(path, media, *, removed):
    """How many steps of SQLite's machine each statement of a look takes."""
    catalogue = SQLiteCatalogue(path)
    await catalogue.open()
    expected = await fill(catalogue, media, removed=removed)
    taken = []
    catalogue._reader.trace_v2(
        apsw.SQLITE_TRACE_PROFILE,
        lambda event: taken.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]),
    )
    assert await look(catalogue) == expected
    await catalogue.close()
    return taken


async def test_on_sqlite(tmp_path, removed):
    few, many = [
        await steps(tmp_path / f"{media}.db", media, removed=removed) for media in (10, MANY)
    ]
    assert len(few) == len(many) >= 2
    assert all(after <= before * 1.2 for before, after in zip(few, many, strict=True)), (few, many)


async def visited(admin, text, *arguments):
    """How many rows the nodes of a plan of PostgreSQL give, and throw away."""
    explained = await admin.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *arguments)
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(json.loads(explained)[0]["Plan"])
    )


async def test_on_postgresql(postgres_url, removed):
    catalogue = PostgresCatalogue(postgres_url, connections=4)
    await catalogue.open()
    expected = await fill(catalogue, MANY, removed=removed)
    assert await look(catalogue) == expected
    await catalogue.close()
    admin = await asyncpg.connect(postgres_url)
    await admin.execute("SET plan_cache_mode = force_generic_plan")
    page = prepare("postgresql", _referring(()))
    arguments = page.arguments({"object_id": "i", "after": "", "limit": 11})
    for command in ("SELECT 1", "ANALYZE"):
        await admin.execute(command)
        assert await visited(admin, _GET_OBJECT.postgresql, "i") < 40
        assert await visited(admin, page.text, *arguments) < 80
    await admin.close()
