"""Sources that deletions keep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tams.domain.pages import PageRequest
from tams.domain.sources import SourceQuery
from tams.errors import Invalid
from tests.catalogue.building import (
    add_records,
    add_sources,
    at,
    make_record,
    make_source,
)


async def test_a_source_is_kept_as_it_was(catalogue):
    one = make_source(label="one", tags={"a": ("b",)}, description="c", created_by="ada")
    other = replace(one, label="other")
    first, second = await add_records(
        catalogue, make_record(one.id, kind="source"), make_record(one.id, kind="source")
    )

    async def keep(tx):
        await tx.trash.bury_source(one, first)
        await tx.trash.bury_source(other, second)

    await catalogue.write(keep)

    async def kept(key):
        return await catalogue.read(lambda tx: tx.trash.source(one.id, key))

    assert (await kept(first), await kept(second), await kept(0)) == (one, other, other)
    holder = await catalogue.read(lambda tx: tx.records.holder("source", one.id))
    assert holder.entity_id == one.id
    await catalogue.write(lambda tx: tx.trash.drop_source(second))
    assert (await kept(second), await kept(0)) == (one, one)
    await catalogue.write(lambda tx: tx.trash.let_go(first))
    assert await kept(first) is None
    assert await catalogue.read(lambda tx: tx.records.holder("source", one.id)) is None


async def test_sources_are_listed_with_the_record_of_their_deletion(catalogue):
    living = make_source(label="a", created=at(1))
    gone = make_source(label="b", tags={"a": "b"})
    await add_sources(catalogue, living)
    record = make_record(gone.id, kind="source")
    [key] = await add_records(catalogue, record)
    await catalogue.write(lambda tx: tx.trash.bury_source(gone, key))

    async def page(shown, **asked):
        query = SourceQuery(**asked)
        return await catalogue.read(lambda tx: tx.trash.list_sources(query, PageRequest(10), shown))

    assert (await page("only")).items == [(gone, record)]
    assert (await page("include")).items == [(living, None), (gone, record)]
    assert (await page("include", label="a")).items == [(living, None)]
    with pytest.raises(Invalid, match="tags"):
        await page("only", collected_by=frozenset())
    for shown, query, number in (
        ("only", SourceQuery(), 1),
        ("include", SourceQuery(), 2),
        ("only", SourceQuery(label="a"), 0),
    ):
        asked = query, shown
        assert await catalogue.read(lambda tx, it=asked: tx.trash.count_sources(*it)) == number
