from __future__ import annotations

from tams.domain.service import ServiceDescription


async def test_a_new_catalogue_describes_nothing(catalogue):
    assert await catalogue.read(lambda tx: tx.service.get()) == ServiceDescription()


async def test_the_description_is_kept_and_can_be_unset(catalogue):
    for description in (
        ServiceDescription("Næme \U0001f3ac", "x" * 100_000),
        ServiceDescription(None, ""),
        ServiceDescription("", None),
    ):
        await catalogue.write(lambda tx, new=description: tx.service.replace(new))
        assert await catalogue.read(lambda tx: tx.service.get()) == description
