"""Alembic's part of a migration."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tams.catalogue.sql.statements import Engine


def configuration(engine: Engine) -> Config:
    """Return what Alembic has to know."""
    config = Config(output_buffer=StringIO(), attributes={"engine": engine})
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def script(engine: Engine, start: str, end: str) -> str:
    """Return the statements that lead from one version, or `base`, to another, or `head`."""
    config = configuration(engine)
    command.upgrade(config, f"{start}:{end}", sql=True)
    text = config.output_buffer
    return text.getvalue() if isinstance(text, StringIO) else ""


def successor(version: str) -> tuple[str, bool]:
    """Return the version after this one, and whether others may go on while it comes.

    A revision that builds indexes `CONCURRENTLY`, and does nothing else, says so by
    `is_concurrent = True`.
    """
    directory = ScriptDirectory.from_config(configuration("postgresql"))
    [next_version] = directory.get_revision(version).nextrev
    module = directory.get_revision(next_version).module
    return next_version, getattr(module, "is_concurrent", False)
