"""What a process asked of its kernel, and in which order, by `strace`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

_WATCHED = (
    "fsync,fdatasync,rename,renameat,renameat2,pwrite64,"
    "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg"
)
_READS = ("read", "readv", "recvfrom", "recvmsg")
_SENDS = ("write", "writev", "sendto", "sendmsg")


class Call(NamedTuple):
    """A system call that succeeded; begun and ended at these lines of the trace."""

    name: str
    text: str
    begun: int
    ended: int

    @property
    def descriptor(self) -> str:
        """What it was done to, if that is a file or a socket."""
        found = re.match(r"\w+\((\d+)<", self.text)
        return found[1] if found else ""


def traced(log: Path) -> tuple[str, ...]:
    """What goes before a command so that its calls are written to `log`; skips if it cannot be.

    The tracer stands aside, so signals go to the command itself.
    """
    if not _strace_works():
        pytest.skip("strace is not installed, or may not trace here")
    return ("strace", "-D", "-f", "-y", "-s", "5000", "-o", str(log), "-e", f"trace={_WATCHED}")


def _strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


def calls_of(trace: str) -> list[Call]:
    """The calls of a trace, in which threads interrupt each other's lines."""
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


def request_with(calls: Iterable[Call], pattern: str) -> Call:
    """The call that read a request."""
    return next(call for call in calls if call.name in _READS and re.search(pattern, call.text))


def answer_to(calls: Iterable[Call], request: Call, status: int) -> Call:
    """The call that sent the answer to a request."""
    answer = next(
        call
        for call in calls
        if call.name in _SENDS
        and call.descriptor == request.descriptor
        and call.begun > request.ended
    )
    assert f"HTTP/1.1 {status} " in answer.text
    return answer


def syncs_of(calls: Iterable[Call], path: str) -> list[Call]:
    """The calls that made a file or folder durable; its path is taken as a beginning."""
    return [
        call for call in calls if call.name in ("fsync", "fdatasync") and f"<{path}" in call.text
    ]


def upload_steps(calls: Sequence[Call], path: Path, root: Path) -> dict[str, list[Call]]:
    """The calls that a durable upload to `path` needs, in groups of those that serve alike."""
    moves = [call for call in calls if call.name.startswith("rename") and f'"{path}"' in call.text]
    parts = re.search(r'"([^"]+)"', moves[0].text) if moves else None
    key = re.escape(path.relative_to(root).as_posix())
    request = request_with(calls, rf'"PUT /media/[^/ ]+/{key}\?')
    found = {
        "rename": moves,
        "answer": [answer_to(calls, request, 200)],
        "sync of the bytes": syncs_of(calls, f"{parts[1]}>") if parts else [],
        "sync of the facts": syncs_of(calls, f"{path.parent}/.{path.name}."),
    }
    folder = path.parent
    while folder != root.parent:
        found[f"sync of {folder.name}"] = syncs_of(calls, f"{folder}>")
        folder = folder.parent
    return found


def wrong_with_upload(steps: dict[str, list[Call]], path: Path) -> list[str]:
    """The steps that are missing, or not where they must be; empty if the answer was honest."""
    (answer,) = steps["answer"]
    if not steps["rename"]:
        return ["rename"]
    (move,) = steps["rename"]
    wrong = [] if move.ended < answer.begun else ["rename"]
    for name, syncs in steps.items():
        if name in ("sync of the bytes", "sync of the facts"):
            good = any(sync.ended < move.begun for sync in syncs)
        elif name == f"sync of {path.parent.name}":
            good = any(move.ended < sync.begun and sync.ended < answer.begun for sync in syncs)
        else:
            good = name in ("rename", "answer") or any(s.ended < answer.begun for s in syncs)
        if not good:
            wrong.append(name)
    return wrong


def wrong_with_commit(calls: Sequence[Call], object_id: str, wal: Path) -> list[str]:
    """What is missing before the 201 to the Segment of a new Object; empty if it was honest."""
    request = request_with(calls, object_id)
    answer = answer_to(calls, request, 201)
    writes = [
        call
        for call in calls
        if call.name == "pwrite64" and f"<{wal}>" in call.text and object_id in call.text
    ]
    if not writes or writes[0].ended > answer.begun:
        return ["write"]
    syncs = syncs_of(calls, f"{wal}>")
    if not any(writes[0].ended < sync.begun and sync.ended < answer.begun for sync in syncs):
        return ["sync"]
    return []
