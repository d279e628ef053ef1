"""The queue of jobs: a claim moves a job's `due` to the end of its lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from tams.catalogue.promises.jobs import Jobs
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.schema import job
from tams.catalogue.sql.statements import Among, Rows, Written
from tams.domain.jobs import JOB_KINDS, ClaimedJob, Job, JobKind

ADD_JOBS = Rows.inserted(job, "kind", "subject", "due", "attempt")
# By hand: one probe of the index per kind, since jobs of other kinds may be due by the million.
_NEXT = Written(
    """SELECT j.pk FROM json_each(?1) k CROSS JOIN job j ON j.pk IN
    (SELECT pk FROM job WHERE kind = k.value AND due <= ?2 ORDER BY due, pk LIMIT ?3)
ORDER BY j.due, j.pk LIMIT ?3""",
    """SELECT j.pk FROM unnest($1::text[]) AS k(kind) CROSS JOIN LATERAL
    (SELECT pk, due FROM job WHERE kind = k.kind AND due <= $2 ORDER BY due, pk LIMIT $3
        FOR UPDATE SKIP LOCKED) j
ORDER BY j.due, j.pk LIMIT $3""",
)
_CLAIM = (
    update(job)
    .where(Among(job.c.pk, "jobs"))
    .values(due=bindparam("lease_until"), attempt=job.c.attempt + 1)
    .returning(job.c.pk, job.c.kind, job.c.subject, job.c.attempt)
)
# The attempt tells a worker whose lease ran out from the one that holds the job now.
_HELD = (job.c.pk == bindparam("job"), job.c.attempt == bindparam("held_attempt"))
_FINISH = Rows.written(
    """WITH v(pk, attempt) AS (VALUES {rows}) DELETE FROM job WHERE pk IN
    (SELECT j.pk FROM v CROSS JOIN job j ON j.pk = v.pk AND j.attempt = v.attempt)""",
    """DELETE FROM job USING {rows} AS v(pk, attempt)
WHERE job.pk = v.pk AND job.attempt = v.attempt""",
    "bigint", "integer",
)  # fmt: skip
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
        self,
        now: datetime,
        lease_until: datetime,
        kinds: Sequence[JobKind] = JOB_KINDS,
        limit: int = 1,
    ) -> Sequence[ClaimedJob]:
        found = await self._connection.fetch(_NEXT, (list(kinds), microseconds(now), limit))
        if not found:
            return ()
        keys = [row[0] for row in found]
        rows = await self._connection.fetch(
            _CLAIM, {"jobs": keys, "lease_until": microseconds(lease_until)}
        )
        claimed = {
            key: ClaimedJob(id=key, kind=kind, subject=subject, attempt=attempt)
            for key, kind, subject, attempt in rows
        }
        return [claimed[key] for key in keys]

    async def renew(self, job: ClaimedJob, lease_until: datetime) -> bool:
        held = {"job": job.id, "held_attempt": job.attempt, "later": microseconds(lease_until)}
        return bool(await self._connection.fetch(_RENEW, held))

    async def finish(self, *jobs: ClaimedJob) -> None:
        await self._connection.hold_rows(_FINISH, [(job.id, job.attempt) for job in jobs])

    async def postpone(self, job: ClaimedJob, due: datetime) -> None:
        await self._connection.execute(
            _POSTPONE, {"job": job.id, "held_attempt": job.attempt, "later": microseconds(due)}
        )
