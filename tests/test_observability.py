"""Log lines: one an event, and never the values of variables."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from tams.observability import configure_logging


@pytest.fixture(autouse=True)
def restored():
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_failure_is_logged_without_the_values_of_variables(log_format, capsys):
    configure_logging(log_format)
    password = str(uuid4())
    try:
        int(password)
    except ValueError as error:
        error.args = ("it cannot be read",)
        structlog.get_logger().error("it failed", path="/flows", exc_info=error)
    logged = capsys.readouterr().err
    assert "it failed" in logged
    assert "ValueError" in logged
    assert "/flows" in logged
    assert password not in logged


def test_json_is_one_object_a_line(capsys):
    configure_logging("json")
    structlog.get_logger().info("begun", number=5)
    logged = json.loads(capsys.readouterr().err)
    assert logged.pop("timestamp").endswith("Z")
    assert logged == {"event": "begun", "level": "info", "number": 5, "process": os.getpid()}


def test_a_log_on_a_full_disk_fails_nobody(monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        configure_logging("text")
        for _ in range(1000):
            structlog.get_logger().error("it failed", path="/flows")
        with pytest.raises(OSError, match="No space left"):
            full.flush()
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), full.fileno())
