"""Progress bars: shown on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path
from threading import Thread

from tests.durability.process import DEADLINE_S, TAMS, environment


def on_a_terminal(*arguments: str) -> str:
    """Run a command whose standard error is a terminal; what appeared there."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []
    reader = Thread(target=_read, args=(ours, shown))
    reader.start()
    run = subprocess.run(
        [*TAMS, *arguments],
        env=environment() | {"TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        timeout=DEADLINE_S,
        check=False,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    assert run.returncode == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(shown).decode())


def _read(terminal: int, shown: list[bytes]) -> None:
    try:
        while piece := os.read(terminal, 1 << 16):
            shown.append(piece)
    except OSError:
        return  # so Linux tells that nobody holds the other end


def test_ingest_and_export_show_a_progress_bar(store, clip, tmp_path: Path) -> None:
    """`tams ingest` uploads with a progress bar; `tams export` fetches and joins with one."""
    shown = on_a_terminal("ingest", str(clip("clip.mp4")), "--url", store.url)
    assert re.search(r"clip\.mp4 ━+ +100%", shown)
    (multi,) = [id_ for id_, flow in store.flows.items() if flow["format"].endswith("multi")]
    shown = on_a_terminal("export", multi, str(tmp_path / "out.mp4"), "--url", store.url)
    assert re.search(r"fetch ━+ +100%", shown)
    assert re.search(r"join +━+ +100%", shown)


def test_upload_shows_a_progress_bar(store, clip) -> None:
    file = clip("short.mp4", seconds=2)
    shown = on_a_terminal("upload", str(file), "--base-url", store.url)
    assert re.search(r"short\.mp4 ━+ +100%", shown)


def test_where_nobody_looks_no_bar_is_drawn(store, tams, clip) -> None:
    run = tams("ingest", str(clip("clip.mp4")))
    assert (run.exit_code, run.stderr) == (0, "")
    assert "━" not in run.stdout
