"""`tams serve --workers N`: what dies is replaced, and all end together."""

from __future__ import annotations

import os
import re
import resource
import signal
from contextlib import suppress
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import pytest

from tams.cli.processes import Slot
from tests.cli.test_serve import BAD_STARTS, start, watch_refusals
from tests.durability.client import Client
from tests.durability.process import DEADLINE_S, ServerProcess, server_process

TWO = ("--workers", "2")


def begun(server: ServerProcess, number: int) -> list[int]:
    """The ids of the server processes, once so many have begun in all."""
    return told_of("begun", server, number)


def told_of(event: str, server: ServerProcess, number: int) -> list[int]:
    """The processes of which the keeper tells this, once they are so many."""
    end = monotonic() + DEADLINE_S
    while len(found := re.findall(rf"{event}=(\d+)", server.said)) < number:
        assert monotonic() < end, server.said
    return [int(each) for each in found]


def test_what_ends_is_replaced_and_the_others_serve_on(tmp_path: Path, catalogue_url: str) -> None:
    """Whether it was killed, or told to finish."""
    with server_process(tmp_path, catalogue_url, options=TWO) as server:
        killed, told = begun(server, 2)
        for number, (each, how) in enumerate([(killed, signal.SIGKILL), (told, signal.SIGTERM)], 3):
            os.kill(each, how)
            told_of("ended", server, number - 2)  # until then it may still take a connection
            with Client(server.url) as client:
                assert client.ask("POST", "/service", {"name": str(number)}).status == 200
                assert client.ask("GET", "/service").json["name"] == str(number)
            begun(server, number)
        assert server.stop() == 0
    assert "processes    2" in server.said
    ended = [(str(killed), "-9"), (str(told), "0")]
    assert re.findall(r"ended=(\d+) .*status=(\S+)", server.said) == ended


def test_one_that_has_not_begun_is_no_failure_at_the_end(tmp_path: Path) -> None:
    with server_process(tmp_path, "", options=TWO) as server:
        begun(server, 1)
        assert server.stop() == 0


def test_when_their_keeper_is_killed_they_finish(tmp_path: Path) -> None:
    with server_process(tmp_path, "", options=TWO) as server:
        begun(server, 2)
        server.signal(signal.SIGKILL)
        watch_refusals(server.url, seconds=0.2)


def test_one_that_does_not_end_is_killed_at_a_second_interrupt(tmp_path: Path) -> None:
    with server_process(tmp_path, "", options=TWO) as server:
        stopped, other = begun(server, 2)
        os.kill(stopped, signal.SIGSTOP)
        server.signal(signal.SIGINT)
        until_gone(other)  # so the first signal has come
        server.signal(signal.SIGINT)
        assert server.wait() == 1
    assert f"killed={stopped}" in server.said


def until_gone(process: int) -> None:
    """Wait until a process has ended."""
    end = monotonic() + DEADLINE_S
    with suppress(ProcessLookupError):
        while True:
            os.kill(process, 0)
            assert monotonic() < end, f"{process} goes on"


def until_said(text: str, server: ServerProcess, times: int) -> None:
    end = monotonic() + DEADLINE_S
    while server.said.count(text) < times:
        assert monotonic() < end, server.said


def descriptors(process: int) -> int:
    return len([*Path(f"/proc/{process}/fd").iterdir()])


@pytest.mark.parametrize("spare", [-2, 0, 4])
def test_what_cannot_begin_for_lack_of_files_begins_later(tmp_path: Path, spare: int) -> None:
    """Wherever in its beginning the last one is taken."""
    with server_process(tmp_path, "", options=TWO) as server:
        first, _ = begun(server, 2)
        held = descriptors(server.pid) - 2  # of the pipe to a process that has ended
        files = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (held + spare, files[1]))
        os.kill(first, signal.SIGKILL)
        until_said("a server process cannot begin", server, 2)
        with Client(server.url) as client:
            assert client.ask("GET", "/service").status == 200
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, files)
        begun(server, 3)
        assert descriptors(server.pid) == held + 2
        assert server.stop() == 0


def test_what_does_not_allow_a_start_is_said_once(tmp_path: Path) -> None:
    settings, says = BAD_STARTS["missing credentials"]
    ended = start(tmp_path, *TWO, **settings)
    assert (ended.returncode, ended.stdout) == (1, "")
    complaint, log = ended.stderr.splitlines()
    assert complaint.startswith("tams: ")
    assert says in complaint
    assert "no server process could begin" in log


def test_what_keeps_dying_is_started_ever_more_rarely() -> None:
    now = 0.0
    slot = Slot(lambda: now)
    process = get_context("fork").Process()
    ends = []
    for _ in range(9):
        slot.begin(process, os.open(os.devnull, os.O_RDONLY))
        slot.end()
        ends.append(now)
        now = slot.begins
    pauses = [later - earlier for earlier, later in pairwise(ends)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0])
    slot.begin(process, os.open(os.devnull, os.O_RDONLY))
    now += 5.0
    slot.end()
    assert slot.begins == now
