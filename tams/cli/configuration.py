"""The settings of a command: those of its environment and working directory."""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from tams.observability import configure_logging
from tams.settings import Settings, load_one, load_settings


def configured(**options: object) -> Settings:
    """The settings; `options` that are not None win. Raises `BadSettings`."""
    return load_settings(os.environ, Path(), options).settings


def configured_credentials() -> str:
    """The file of credentials alone, which is made before the others can all be right."""
    return load_one("credentials", os.environ, Path())


def begin(**options: object) -> Settings:
    """The settings of a process that goes on: its log begins, with what the operator should know.

    `options` that are not None win. Raises `BadSettings`.
    """
    reading = load_settings(os.environ, Path(), options)
    configure_logging(reading.settings.log_format, reading.settings.log_level)
    log = structlog.get_logger(__name__)
    for name, place in sorted(reading.places.items()):
        log.debug("a setting is not the default", setting=name, place=place)
    for note in reading.notes:
        log.warning(note)
    return reading.settings
