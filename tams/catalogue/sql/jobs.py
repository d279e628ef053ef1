"""The queue of jobs: a claim moves a job's `due` to the end of its lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, update

from tams.catalogue.promises.jobs import Jobs
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.schema import job
from tams.catalogue.sql.statements import Rows, Written
from tams.domain.jobs import JOB_KINDS, ClaimedJob, Job, JobKind

ADD_JOBS = Rows.inserted(job, "kind", "subject", "due", "attempt")
# By hand: one probe of the index per kind, since jobs of other kinds may be due by the million.
_NEXT = Written(
    """SELECT j.pk FROM json_each(?1) k CROSS JOIN job j ON j.pk =
    (SELECT pk FROM job WHERE kind = k.value AND due <= ?2 ORDER BY due, pk LIMIT 1)
ORDER BY j.due, j.pk LIMIT 1""",
    """SELECT j.pk FROM unnest($1::text[]) AS k(kind) CROSS JOIN LATERAL
    (SELECT pk, due FROM job WHERE kind = k.kind AND due <= $2 ORDER BY due, pk LIMIT 1
        FOR UPDATE SKIP LOCKED) j
ORDER BY j.due, j.pk LIMIT 1""",
)
_CLAIM = (
    update(job)
    .where(job.c.pk == bindparam("job"))
    .values(due=bindparam("lease_until"), attempt=job.c.attempt + 1)
    .returning(job.c.pk, job.c.kind, job.c.subject, job.c.attempt)
)
# The attempt tells a worker whose lease ran out from the one that holds the job now.
_HELD = (job.c.pk == bindparam("job"), job.c.attempt == bindparam("held_attempt"))
_FINISH = delete(job).where(*_HELD)
_POSTPONE = update(job).where(*_HELD).values(due=bindparam("later"))
_RENEW = _POSTPONE.returning(job.c.pk)


class SQLJobs(Jobs):
    """Jobs in one row each, until they are finished."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, job: Job) -> None:
        await self._connection.hold_rows(
            ADD_JOBS, [(job.kind, job.subject, microseconds(job.due), 0)]
        )

    async def claim(
        self, now: datetime, lease_until: datetime, kinds: Sequence[JobKind] = JOB_KINDS
    ) -> ClaimedJob | None:
        found = await self._connection.fetch(_NEXT, (list(kinds), microseconds(now)))
        if not found:
            return None
        rows = await self._connection.fetch(
            _CLAIM, {"job": found[0][0], "lease_until": microseconds(lease_until)}
        )
        key, kind, subject, attempt = rows[0]
        return ClaimedJob(id=key, kind=kind, subject=subject, attempt=attempt)

    async def renew(self, job: ClaimedJob, lease_until: datetime) -> bool:
        held = {"job": job.id, "held_attempt": job.attempt, "later": microseconds(lease_until)}
        return bool(await self._connection.fetch(_RENEW, held))

    async def finish(self, job: ClaimedJob) -> None:
        await self._connection.execute(_FINISH, {"job": job.id, "held_attempt": job.attempt})

    async def postpone(self, job: ClaimedJob, due: datetime) -> None:
        await self._connection.execute(
            _POSTPONE, {"job": job.id, "held_attempt": job.attempt, "later": microseconds(due)}
        )
