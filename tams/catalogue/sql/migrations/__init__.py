"""The versions of the schema; Alembic, loaded only then, writes the steps between them."""

from __future__ import annotations

from tams.catalogue.sql.statements import Engine

HEAD = "0003"
"""The version that this program works with."""

VERSION = "SELECT version_num FROM alembic_version"
"""Fails if there is no schema."""


def steps(engine: Engine, start: str | None) -> str:
    """Return the statements that lead from version `start` (None: nothing) to HEAD.

    They run in one transaction, which the caller opens.
    """
    from tams.catalogue.sql.migrations.run import script  # Alembic takes 0.4 s to load

    return script(engine, start)
