"""The versions of the schema; Alembic, loaded only then, writes the steps between them."""

from __future__ import annotations

from typing import NamedTuple

from tams.catalogue.sql.statements import Engine
from tams.errors import BadSettings

HEAD = "0003"
"""The version that this program works with."""

VERSION = "SELECT version_num FROM alembic_version"
"""Fails if there is no schema."""


class Step(NamedTuple):
    """What leads to the next version, in one transaction unless it `is_concurrent`."""

    version: str
    text: str
    is_concurrent: bool

    @property
    def statements(self) -> list[str]:
        """One after the other."""
        return [part.strip() for part in self.text.split(";\n") if part.strip()]


def steps(engine: Engine, start: str | None) -> str:
    """Return the statements that lead from version `start` (None: nothing) to HEAD.

    They run in one transaction, which the caller opens.
    """
    from tams.catalogue.sql.migrations.run import script  # Alembic takes 0.4 s to load

    return script(engine, start or "base", "head").replace(" CONCURRENTLY", "")


def next_step(engine: Engine, start: str) -> Step:
    """Return what leads from a version to the next one."""
    from tams.catalogue.sql.migrations.run import script, successor

    version, is_concurrent = successor(start)
    return Step(version, script(engine, start, version), is_concurrent)


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
