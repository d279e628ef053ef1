"""The server as a process of its own, as an operator starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Thread

PROJECT = Path(__file__).parents[2]
TAMS = (str(Path(sys.executable).with_name("tams")),)
DEADLINE_S = 60
NO_FILES = {"TAMS_ENV_FILE": "", "TAMS_CONFIG": ""}
"""Settings come from no file, whatever lies in the working directory."""


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with these settings, given without their prefix, and no other.

    No file adds any unless its name is given.
    """
    ours = ("TAMS_", "S3_", "VAST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | NO_FILES | {f"TAMS_{name.upper()}": value for name, value in settings.items()}


class TamsProcess:
    """A command that goes on until it is told to end; it is ready once it has said what it must."""

    def __init__(
        self,
        log: Path,
        command: Sequence[str],
        ready: str,
        cwd: Path = PROJECT,
        **settings: str,
    ) -> None:
        """`ready` is a pattern; `settings` are those of the environment, without prefix."""
        self._log = log
        self._process = subprocess.Popen(
            command,
            env=environment(**settings),
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.pid = self._process.pid
        self._output: Queue[bytes] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()
        self.found = self._awaited(ready)

    def _read(self) -> None:
        """Keep what it says, so that it is never held up."""
        assert self._process.stdout is not None
        with self._process.stdout as output, self._log.open("ab", buffering=0) as log:
            for line in output:
                log.write(line)
                self._output.put(line)
        self._output.put(b"")

    def _awaited(self, ready: str) -> str:
        while line := self._output.get(timeout=DEADLINE_S):
            if found := re.search(ready, line.decode()):
                return found[0]
        self.kill()
        raise AssertionError(f"it did not start: {self._log.read_text()}")

    @property
    def said(self) -> str:
        """All that it wrote, to both of its outputs."""
        return self._log.read_text()

    def signal(self, number: int) -> None:
        """Send it a signal, and go on."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait until it has ended; its exit status."""
        self._end()
        return self._process.returncode

    def stop(self) -> int:
        """Ask it to finish, and wait; its exit status."""
        self._process.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._process.kill()
        self._end()

    def _end(self) -> None:
        self._process.wait(DEADLINE_S)
        self._reader.join()


class ServerProcess(TamsProcess):
    """`tams serve` on a free port, or another program that says where it listens as that does."""

    def __init__(
        self,
        folder: Path,
        catalogue: str,
        command: Sequence[str] = TAMS,
        options: Sequence[str] = (),
        **settings: str,
    ) -> None:
        """`options` are those of `serve`, `settings` those of the environment without prefix."""
        given = {"data_dir": str(folder / "data"), "catalogue": catalogue} | settings
        words = [*command, "serve", "--port", "0", *options]
        super().__init__(folder / "server.log", words, r"http://\S+", **given)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.found


class WorkerProcess(TamsProcess):
    """`tams worker`, beside a server at `url` with the same folder and catalogue."""

    def __init__(self, folder: Path, catalogue: str, url: str, **settings: str) -> None:
        given = {"data_dir": str(folder / "data"), "catalogue": catalogue, "public_url": url}
        words = [*TAMS, "worker"]
        super().__init__(folder / "worker.log", words, "has begun", **given | settings)
        self._begin_another = partial(WorkerProcess, folder, catalogue, url, **settings)

    def again(self) -> WorkerProcess:
        """Begin another like it."""
        return self._begin_another()


@contextmanager
def server_process(
    folder: Path,
    catalogue: str,
    command: Sequence[str] = TAMS,
    options: Sequence[str] = (),
    **settings: str,
) -> Iterator[ServerProcess]:
    """Start a server; it is killed at the end."""
    server = ServerProcess(folder, catalogue, command, options, **settings)
    try:
        yield server
    finally:
        server.kill()
