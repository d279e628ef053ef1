"""The versions of the schema; Alembic, loaded only then, writes the steps between them."""

from __future__ import annotations

import re
from typing import NamedTuple

from tams.catalogue.sql.statements import Engine
from tams.errors import BadSettings

HEAD = "0008"
"""The version that this program works with."""

_SEGMENT = re.compile(r"(CREATE TABLE segment \(.*?\n\));\n", re.DOTALL)

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


def steps(engine: Engine, start: str | None, partitions: int = 1) -> str:
    """Return the statements that lead from version `start` (None: nothing) to HEAD.

    They run in one transaction, which the caller opens. On PostgreSQL a new `segment` is parted in
    `partitions` by its Flow.
    """
    from tams.catalogue.sql.migrations.run import script  # Alembic takes 0.4 s to load

    text = script(engine, start or "base", "head").replace(" CONCURRENTLY", "")
    return text if partitions == 1 else _SEGMENT.sub(rf"\1 {_parts(partitions)}", text)


def _parts(number: int) -> str:
    """The end of a statement that makes `segment`, and its partitions."""
    parts = (
        f"CREATE TABLE segment_{part} PARTITION OF segment "
        f"FOR VALUES WITH (MODULUS {number}, REMAINDER {part})"
        for part in range(number)
    )
    return ";\n".join(["PARTITION BY HASH (flow_pk)", *parts, ""])


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
