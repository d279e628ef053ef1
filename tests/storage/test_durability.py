"""No upload is acknowledged before it is durable, by the system calls of a real server process.

A killed process loses nothing that it wrote, synced or not, so only the order of the calls shows
what a power cut would leave.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import pytest

from tams.domain.clock import utc_now
from tams.storage.signing import MediaUrls
from tests.media_server import BACKEND, KEY, SECRET

CALLS = "openat,fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,writev,write"
PROJECT = Path(__file__).parents[2]


class Call(NamedTuple):
    """A system call that succeeded; begun and ended at these lines of the trace."""

    name: str
    text: str
    begun: int
    ended: int


def calls_of(trace: str) -> list[Call]:
    """The calls of a trace by `strace -f -y`, in which threads interrupt each other's lines."""
    calls: list[Call] = []
    pending: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(trace.splitlines()):
        thread, _, text = line.partition(" ")
        begun = number
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            pending[thread] = (text.removesuffix("<unfinished ...>"), number)
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>", text):
            first, begun = pending.pop(thread)
            text = first + text[resumed.end() :]
        name = re.match(r"(\w+)\(", text)
        if name and not re.search(r"= -1 E[A-Z]+ ", text):
            calls.append(Call(name[1], text, begun, number))
    return calls


def steps(calls: list[Call], path: Path, root: Path) -> dict[str, list[Call]]:
    """The calls that a durable upload to `path` needs, in groups of those that serve alike."""
    syncs = [call for call in calls if call.name in ("fsync", "fdatasync")]
    moves = [call for call in calls if call.name.startswith("rename") and f'"{path}"' in call.text]
    parts = re.search(r'"([^"]+)"', moves[0].text) if moves else None
    found = {
        "rename": moves,
        "answer": [call for call in calls if "HTTP/1.1 200" in call.text],
        "sync of the bytes": [c for c in syncs if parts and f"<{parts[1]}>" in c.text],
        "sync of the facts": [c for c in syncs if f"<{path.parent}/.{path.name}." in c.text],
    }
    folder = path.parent
    while folder != root.parent:
        found[f"sync of {folder.name}"] = [c for c in syncs if f"<{folder}>" in c.text]
        folder = folder.parent
    return found


def out_of_order(calls: list[Call], path: Path, root: Path) -> list[str]:
    """The steps that are missing, or not where they must be; empty if the answer was honest."""
    found = steps(calls, path, root)
    if not found["rename"] or not found["answer"]:
        return [name for name in ("rename", "answer") if not found[name]]
    (move,), answer = found["rename"], found["answer"][0]
    wrong = [] if move.ended < answer.begun else ["rename"]
    for name, syncs in found.items():
        if name in ("sync of the bytes", "sync of the facts"):
            good = any(sync.ended < move.begun for sync in syncs)
        elif name == f"sync of {path.parent.name}":
            good = any(move.ended < sync.begun and sync.ended < answer.begun for sync in syncs)
        else:
            good = name in ("rename", "answer") or any(s.ended < answer.begun for s in syncs)
        if not good:
            wrong.append(name)
    return wrong


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("durability") / "media"


@pytest.fixture(scope="module")
def trace(root: Path) -> list[Call]:
    """What a server process calls while it takes one PUT."""
    if not strace_works():
        pytest.skip("strace is not installed, or may not trace here")
    log = root.with_name("trace")
    watch = ("strace", "-f", "-y", "-s", "200", "-o", str(log), "-e", f"trace={CALLS}")
    serve = (sys.executable, "-m", "tests.media_server", str(root))
    with subprocess.Popen(
        (*watch, *serve), cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        process.wait(60)
    return calls_of(log.read_text())


def test_every_2xx_follows_the_syncs_and_the_rename(trace: list[Call], root: Path) -> None:
    assert out_of_order(trace, root / KEY, root) == []


def test_a_server_that_left_out_any_call_would_be_found(trace: list[Call], root: Path) -> None:
    needed = steps(trace, root / KEY, root)
    assert len(needed) == 4 + len(Path(KEY).parts)
    for name, calls in needed.items():
        without = [call for call in trace if call not in calls]
        assert name in out_of_order(without, root / KEY, root)


def test_a_server_that_answered_too_early_would_be_found(trace: list[Call], root: Path) -> None:
    (move,) = steps(trace, root / KEY, root)["rename"]
    early = [
        call._replace(begun=move.begun - 1, ended=move.begun - 1)
        if "HTTP/1.1 200" in call.text
        else call
        for call in trace
    ]
    wrong = out_of_order(early, root / KEY, root)
    assert {"rename", "sync of flow"} <= set(wrong)
