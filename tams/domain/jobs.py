"""Work that goes on after the response."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

JobKind = Literal[
    "remove_flow",
    "remove_object",
    "delete_segments",
    "copy_object",
    "remove_copy",
    "measure_object",
]
JOB_KINDS: tuple[JobKind, ...] = get_args(JobKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to do, at `due` or later; `subject` says to what, in the catalogue's own key."""

    kind: JobKind
    subject: int
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that this worker holds until its lease ends; `attempt` counts from 1."""

    id: int
    kind: JobKind
    subject: int
    attempt: int
