"""Ways to take from this process what it needs, which ask for no privilege."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM = 64 << 10
"""What files may still hold on a disk that is full, in bytes."""


@contextmanager
def limited(kind: int, most: int) -> Iterator[None]:
    """Lower a limit of this process; it holds for the block."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond `ROOM`: the kernel refuses to write there, as on a full disk."""
    with limited(resource.RLIMIT_FSIZE, ROOM):
        yield


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open nothing; what is open stays so."""
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    spare = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
    while max(spare) < highest:
        spare.append(os.open(os.devnull, os.O_RDONLY))
    try:
        with limited(resource.RLIMIT_NOFILE, max(spare) + 1):
            yield
    finally:
        for descriptor in spare:
            os.close(descriptor)


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Let no thread begin: each would need a stack of more memory than any machine can address."""
    before = threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(before)
