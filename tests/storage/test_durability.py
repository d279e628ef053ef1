"""No upload is acknowledged before it is durable, by the system calls of a real server process.

A killed process loses nothing that it wrote, synced or not, so only the order of the calls shows
what a power cut would leave.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tams.domain.clock import utc_now
from tams.storage.signing import MediaUrls
from tests.media_server import BACKEND, KEY, SECRET
from tests.tracing import Call, calls_of, traced, upload_steps, wrong_with_upload

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("durability") / "media"


@pytest.fixture(scope="module")
def trace(root: Path) -> list[Call]:
    """What a server process calls while it takes one PUT."""
    log = root.with_name("trace")
    serve = (sys.executable, "-m", "tests.media_server", str(root))
    with subprocess.Popen(
        (*traced(log), *serve),
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        urls = MediaUrls(SECRET, utc_now, timeout=3600, window=900)
        url = urls.putter(process.stdout.readline().strip(), BACKEND.id, KEY, "video/mp2t")
        headers = {"Content-Type": "video/mp2t"}
        put = Request(url, data=b"x" * 100_000, headers=headers, method="PUT")
        with urlopen(put, timeout=60) as answer:
            assert answer.status == 200
        process.stdin.close()
        process.stdout.read()  # the tracer holds it open until it has written all
        process.wait(60)
    return calls_of(log.read_text())


def test_every_2xx_follows_the_syncs_and_the_rename(trace: list[Call], root: Path) -> None:
    path = root / KEY
    assert wrong_with_upload(upload_steps(trace, path, root), path) == []


def test_a_server_that_left_out_any_call_would_be_found(trace: list[Call], root: Path) -> None:
    path = root / KEY
    needed = upload_steps(trace, path, root)
    assert len(needed) == 4 + len(Path(KEY).parts)
    for name in set(needed) - {"answer"}:
        assert name in wrong_with_upload(needed | {name: []}, path)


def test_a_server_that_answered_too_early_would_be_found(trace: list[Call], root: Path) -> None:
    path = root / KEY
    needed = upload_steps(trace, path, root)
    (move,), (answer,) = needed["rename"], needed["answer"]
    early = answer._replace(begun=move.begun - 1, ended=move.begun - 1)
    wrong = wrong_with_upload(needed | {"answer": [early]}, path)
    assert {"rename", "sync of flow"} <= set(wrong)
