"""The versions of the schema; Alembic, loaded only then, writes the steps between them."""

from __future__ import annotations

from tams.catalogue.sql.statements import Engine
from tams.errors import BadSettings

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


def described(version: str | None) -> str:
    """A version in words; None is that of an empty database."""
    return "no schema" if version is None else f"a schema of version {version}"


def refuse_newer(version: str | None) -> None:
    """Raise `BadSettings` for a catalogue that a newer program has brought up to date."""
    if version is not None and version > HEAD:
        raise BadSettings(
            f"TAMS_CATALOGUE: its schema has version {version}, this program {HEAD}: "
            f"start a newer program, or give it another catalogue"
        )
