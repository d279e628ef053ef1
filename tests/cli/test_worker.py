"""`tams worker` as a process: it does what servers leave to it, and ends when it is told to."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from time import monotonic

import pytest

from tests.durability.client import Client, PatientClient
from tests.durability.flow import make_flow
from tests.durability.process import (
    DEADLINE_S,
    TAMS,
    WorkerProcess,
    environment,
    server_process,
)

APART = {"background": "false", "async_deletion_threshold": "0", "worker_interval": "0.05"}


def deletion(client: Client) -> str:
    """Ask for the deletion of a Flow with a Segment; gives the path of the deletion request."""
    flow_id = make_flow(client)
    urls = [{"url": "https://media.example/x", "label": "elsewhere"}]
    segment = {"object_id": flow_id, "timerange": "[0:0_1:0)", "get_urls": urls}
    assert client.ask("POST", f"/flows/{flow_id}/segments", segment).status == 201
    answer = client.ask("DELETE", f"/flows/{flow_id}")
    assert answer.status == 202
    return answer.headers["location"]


def status(client: Client, path: str) -> str:
    return str(client.ask("GET", path).json["status"])


def until_done(client: Client, path: str) -> None:
    end = monotonic() + DEADLINE_S
    while status(client, path) != "done":
        assert monotonic() < end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_do_what_the_server_leaves_to_them(
    tmp_path: Path, catalogue_url: str, number: int
) -> None:
    """One finds what was left while there was none; each ends with status 0."""
    with (
        server_process(tmp_path, catalogue_url, **APART) as server,
        PatientClient(server.url) as client,
    ):
        path = deletion(client)
        assert status(client, path) == "created"
        workers = [
            WorkerProcess(tmp_path, catalogue_url, server.url, worker_interval="0.05")
            for _ in range(2)
        ]
        try:
            until_done(client, path)
            for worker in workers:
                worker.signal(number)
            assert [worker.wait() for worker in workers] == [0, 0]
            path = deletion(client)
            assert status(client, path) == "created"
        finally:
            for worker in workers:
                worker.kill()
    assert workers[0].said.count("the worker has ended") == 2
    assert "Traceback" not in workers[0].said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"port": "0"}, "TAMS_PORT: a worker gives out URLs"),
        ({"catalogue": "postgresql://127.0.0.1:1/x"}, "TAMS_CATALOGUE: cannot use PostgreSQL"),
    ],
)
def test_what_does_not_allow_a_start_is_one_line(
    tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    ended = subprocess.run(
        [*TAMS, "worker"],
        env=environment(**settings),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"tams: {says}")
    assert ended.stderr.count("\n") == 1
