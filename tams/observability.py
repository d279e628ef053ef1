"""Logging: one line an event, with its facts as key and value; and what nobody may read.

Every line names its process, since several may write to one log.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from typing import Literal, TextIO, cast

import structlog

_PASSWORD = re.compile(r"(://[^:/?#]*):[^/?#]*@")
_SECRET = re.compile(r"([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&\s]*", re.IGNORECASE)


def masked(text: str) -> str:
    """Return a text without the passwords and secret parameters of the URLs in it."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


class Unfailing:
    """Writes where it can: a log on a full disk must not fail the requests that it tells of."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, or leave it."""
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """The same."""
        with suppress(OSError):
            self._file.flush()


def configure_logging(log_format: Literal["text", "json"], level: str = "INFO") -> None:
    """Write log lines to standard error, as text for people or JSON for machines.

    What matters less than `level`, one of logging's, is not written.
    """
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        _add_process,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "text":
        # Other formatters print the values of variables, which may be secrets.
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        processors.append(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain))
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def _add_process(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    event["process"] = os.getpid()
    return event
