"""Alembic's part of a migration."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config

from tams.catalogue.sql.statements import Engine


def configuration(engine: Engine) -> Config:
    """Return what Alembic has to know."""
    config = Config(output_buffer=StringIO(), attributes={"engine": engine})
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def script(engine: Engine, start: str | None) -> str:
    """Return the statements that lead from version `start` (None: nothing) to the newest one.

    They run in one transaction, which the caller opens.
    """
    config = configuration(engine)
    command.upgrade(config, f"{start or 'base'}:head", sql=True)
    text = config.output_buffer
    return text.getvalue() if isinstance(text, StringIO) else ""
