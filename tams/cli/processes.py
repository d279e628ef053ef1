"""Several server processes at one listening socket, kept alive by the one that forked them.

uvicorn's own supervisor starts again without delay and without end what fails at its start, waits
without end for what does not stop, and leaves its processes behind if it is killed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from socket import socket
from time import monotonic

import structlog

_log = structlog.get_logger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FINISHED = (0, -signal.SIGTERM)
"""What a process ends with that was told to: the second if it had not yet begun to serve."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_LASTING_S = 5.0
"""A process that lived so long is started again at once; any other after a pause, then doubled."""
_CLOSING_S = 10.0
"""How much longer than its requests a process may take to end."""


@dataclass(frozen=True, slots=True)
class Tether:
    """What holds a server process to the one that keeps it: two pipes."""

    ready: int
    kept: int
    """Nothing ever comes from it but its end, when the keeper is gone."""

    def fasten(self, end: Callable[[], None]) -> None:
        """Say that requests are taken; `end` is called when the keeper is gone."""
        loop = asyncio.get_running_loop()

        def let_go() -> None:
            loop.remove_reader(self.kept)
            end()

        loop.add_reader(self.kept, let_go)
        os.write(self.ready, b".")
        os.close(self.ready)


class Slot:
    """One of the processes, or the pause before it begins again; `now` is in seconds."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self.process: ForkProcess | None = None
        self.ready: int | None = None
        self.begins = 0.0
        self._began = 0.0
        self._pause = _FIRST_PAUSE_S

    def begin(self, process: ForkProcess, ready: int) -> None:
        """Take a process that has just begun."""
        self.process, self.ready, self._began = process, ready, self._now()

    def end(self) -> None:
        """Its process has ended: say when the next one begins."""
        now = self._now()
        if now - self._began >= _LASTING_S:
            self.begins, self._pause = now, _FIRST_PAUSE_S
        else:
            self.put_off()
        self.forget_ready()
        if self.process is not None:
            self.process.close()
            self.process = None

    def put_off(self) -> None:
        """Let a pause pass before the next one begins."""
        self.begins = self._now() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)

    def ended(self, *, by_force: bool) -> int | None:
        """The exit status of its process, 0 if it has none; None if that goes on."""
        if self.process is None:
            return 0
        if self.process.exitcode is None and by_force:
            _log.error("a server process does not end: killed", killed=self.process.pid)
            self.process.kill()
            self.process.join()
        return self.process.exitcode

    def hears(self) -> bool:
        """Whether its process has just become ready."""
        if self.ready is None or not connection.wait([self.ready], 0):
            return False
        is_ready = bool(os.read(self.ready, 1))
        self.forget_ready()
        return is_ready

    def forget_ready(self) -> None:
        """Expect no word of readiness."""
        if self.ready is not None:
            os.close(self.ready)
            self.ready = None


@contextmanager
def _closed_if_it_fails() -> Iterator[None]:
    """Leave nothing open that the block has opened: multiprocessing does, where it cannot fork."""
    before = _open_files()
    try:
        yield
    except OSError:
        for descriptor in _open_files() - before:
            with suppress(OSError):  # one was that of the listing
                os.close(descriptor)
        raise


def _open_files() -> set[int]:
    """The descriptors of this process; none where the system does not tell."""
    folder = Path("/dev/fd")
    return {int(each.name) for each in folder.iterdir()} if folder.exists() else set()


class Processes:
    """Runs `serve` in `number` processes, the first before the others, so that it alone migrates.

    One that ends is replaced; but if the first ends before it is ready, the start has failed. At
    SIGTERM or SIGINT all are told to finish, and ended where they take longer than `grace` seconds
    for their requests, as long for their background work, and some more; a second SIGINT ends them
    at once. If this process is killed, they finish by themselves.
    """

    def __init__(
        self, number: int, serve: Callable[[Tether], None], listener: socket, *, grace: float
    ) -> None:
        self._number = number
        self._serve = serve
        self._listener = listener
        self._patience = 2 * grace + _CLOSING_S
        self._slots = [Slot()]
        self._served = False
        self._signals, wake = os.pipe()
        os.set_blocking(wake, False)
        self._wake = wake
        self._kept, self._keeping = os.pipe()

    def run(self, announce: Callable[[], None]) -> int:
        """Keep them until a signal comes, and `announce` the first that is ready.

        Gives the exit status: 0 if all have finished by themselves. A signal that comes before
        there was any ends this process as it would have without us.
        """
        signal.set_wakeup_fd(self._wake)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # what matters is read from the pipe
        gc.collect()
        gc.freeze()  # else each collection would copy the pages that the processes share
        try:
            received = self._keep(announce)
            status = self._finish()
        finally:
            os.close(self._keeping)
        if received and not self._served:
            signal.signal(received[0], signal.SIG_DFL)
            signal.raise_signal(received[0])
        return status

    def _keep(self, announce: Callable[[], None]) -> bytes:
        """Keep them alive; gives the signals that end that, none if there is no use in it."""
        while not (received := self._wait(self._next_start())):
            for slot in self._slots:
                if slot.process is None and monotonic() >= slot.begins:
                    self._begin(slot)
            self._meet_ready(announce)
            self._make_room()
            if not self._served and self._slots[0].process is None:
                break
        return received

    def _next_start(self) -> float | None:
        pauses = [slot.begins for slot in self._slots if slot.process is None]
        return max(0.0, min(pauses) - monotonic()) if pauses else None

    def _wait(self, seconds: float | None) -> bytes:
        """Wait until something happens; gives the signals that have come."""
        happens: list[int] = [self._signals]
        for slot in self._slots:
            if slot.process is not None:
                happens.append(slot.process.sentinel)
            if slot.ready is not None:
                happens.append(slot.ready)
        if self._signals in connection.wait(happens, seconds):
            return os.read(self._signals, 64)
        return b""

    def _begin(self, slot: Slot) -> None:
        try:
            with _closed_if_it_fails():
                process, ready = self._fork()
        except OSError as error:
            slot.put_off()
            _log.error("a server process cannot begin", error=error.strerror)
        else:
            slot.begin(process, ready)

    def _fork(self) -> tuple[ForkProcess, int]:
        """Begin a process; gives it, and where it says that it is ready."""
        ready, tell = os.pipe()
        process = get_context("fork").Process(
            target=self._become_server, args=(Tether(tell, self._kept),), name="server"
        )
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process.start()
        except OSError:
            os.close(ready)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(tell)
        return process, ready

    def _become_server(self, tether: Tether) -> None:
        """What a forked process does; SIGINT stays blocked, since its keeper passes it on."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.close(self._keeping)
        self._serve(tether)

    def _meet_ready(self, announce: Callable[[], None]) -> None:
        for slot in list(self._slots):
            if slot.process is None or not slot.hears():
                continue
            if not self._served:
                self._served = True
                announce()
                self._slots += [Slot() for _ in range(self._number - 1)]
            _log.info("a server process has begun", begun=slot.process.pid)

    def _make_room(self) -> None:
        for slot in self._slots:
            process = slot.process
            if process is None or process.exitcode is None:
                continue
            pid, status = process.pid, process.exitcode
            slot.end()
            if not self._served:
                _log.error("no server process could begin", ended=pid)
                return
            _log.warning("a server process has ended", ended=pid, status=status)

    def _finish(self) -> int:
        self._listener.close()  # else whoever comes now would wait for nobody
        for slot in self._slots:
            slot.forget_ready()
            if slot.process is not None:
                slot.process.terminate()
        deadline = monotonic() + self._patience
        failed, by_force = not self._served, False
        while True:
            for slot in list(self._slots):
                status = slot.ended(by_force=by_force)
                if status is not None:
                    self._slots.remove(slot)
                    failed |= status not in _FINISHED
            if not self._slots:
                return int(failed)
            received = self._wait(max(0.0, deadline - monotonic()))
            by_force = signal.SIGINT in received or monotonic() >= deadline
