from __future__ import annotations

import asyncio

import pytest

from tams.domain.jobs import JOB_KINDS, Job
from tests.catalogue.building import at


async def add(catalogue, *jobs):
    async def work(tx):
        for subject, due in jobs:
            await tx.jobs.add(Job(kind="remove_flow", subject=subject, due=at(due)))

    await catalogue.write(work)


async def claim(catalogue, now, lease=60, kinds=JOB_KINDS):
    jobs = await catalogue.write(lambda tx: tx.jobs.claim(at(now), at(now + lease), kinds))
    return jobs[0] if jobs else None


async def claim_many(catalogue, now, limit, kinds=("remove_flow",)):
    return await catalogue.write(lambda tx: tx.jobs.claim(at(now), at(now + 60), kinds, limit))


async def test_the_job_that_is_due_longest_comes_first(catalogue):
    await add(catalogue, (1, 30), (2, 10), (3, 20))
    assert await claim(catalogue, 9) is None
    assert [(await claim(catalogue, 20)).subject for _ in range(2)] == [2, 3]
    assert await claim(catalogue, 20) is None


async def test_a_job_is_there_if_and_only_if_its_change_is(catalogue):
    async def refused(tx):
        await tx.jobs.add(Job(kind="remove_flow", subject=1, due=at(0)))
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await catalogue.write(refused)
    assert await claim(catalogue, 1) is None


async def test_a_lease_that_runs_out_gives_the_job_to_another(catalogue):
    await add(catalogue, (1, 0))
    first = await claim(catalogue, 0)
    assert first.attempt == 1
    assert await claim(catalogue, 59) is None
    second = await claim(catalogue, 60)
    assert (second.id, second.attempt) == (first.id, 2)
    await catalogue.write(lambda tx: tx.jobs.finish(first))
    await catalogue.write(lambda tx: tx.jobs.postpone(first, at(0)))
    assert await claim(catalogue, 61) is None
    third = await claim(catalogue, 120)
    assert third.attempt == 3
    await catalogue.write(lambda tx: tx.jobs.finish(third))
    assert await claim(catalogue, 10_000) is None


async def test_a_postponed_job_waits(catalogue):
    await add(catalogue, (1, 0))
    job = await claim(catalogue, 0)
    await catalogue.write(lambda tx: tx.jobs.postpone(job, at(5)))
    assert await claim(catalogue, 4) is None
    assert (await claim(catalogue, 5)).subject == 1


async def test_only_jobs_of_the_kinds_that_are_wanted_come(catalogue):
    await add(catalogue, (1, 10), (2, 20))
    copy = Job(kind="copy_object", subject=3, due=at(15))
    await catalogue.write(lambda tx: tx.jobs.add(copy))
    assert await claim(catalogue, 30, kinds=()) is None
    assert await claim(catalogue, 30, kinds=("remove_copy",)) is None
    assert (await claim(catalogue, 30, kinds=("copy_object",))).subject == 3
    assert await claim(catalogue, 30, kinds=("copy_object",)) is None
    both = "remove_flow", "copy_object"
    assert [(await claim(catalogue, 30, kinds=both)).subject for _ in range(2)] == [1, 2]


async def test_a_lease_is_renewed_by_its_holder_alone(catalogue):
    await add(catalogue, (1, 0))
    first = await claim(catalogue, 0)
    assert await catalogue.write(lambda tx: tx.jobs.renew(first, at(100)))
    assert await claim(catalogue, 99) is None
    second = await claim(catalogue, 100)
    assert not await catalogue.write(lambda tx: tx.jobs.renew(first, at(1000)))
    assert await claim(catalogue, 159) is None
    assert await catalogue.write(lambda tx: tx.jobs.renew(second, at(200)))
    await catalogue.write(lambda tx: tx.jobs.finish(second))
    assert not await catalogue.write(lambda tx: tx.jobs.renew(second, at(300)))


async def test_many_jobs_are_claimed_and_finished_at_once(catalogue):
    await add(catalogue, (1, 30), (2, 10), (3, 20), (4, 10), (5, 90))
    copy = Job(kind="copy_object", subject=6, due=at(0))
    await catalogue.write(lambda tx: tx.jobs.add(copy))
    jobs = await claim_many(catalogue, 50, 3)
    assert [job.subject for job in jobs] == [2, 4, 3]
    first, *others = jobs
    assert [job.subject for job in await claim_many(catalogue, 50, 3)] == [1]
    both = "copy_object", "remove_flow"
    assert [job.subject for job in await claim_many(catalogue, 90, 2, both)] == [6, 5]
    await catalogue.write(lambda tx: tx.jobs.finish(*others))
    await catalogue.write(lambda tx: tx.jobs.finish())
    again = await claim_many(catalogue, 1000, 10, JOB_KINDS)
    assert [(job.subject, job.attempt) for job in again] == [(1, 2), (2, 2), (5, 2), (6, 2)]
    kept = [job for job in again if job.subject != first.subject]
    await catalogue.write(lambda tx: tx.jobs.finish(first, *kept))
    assert [job.subject for job in await claim_many(catalogue, 2000, 10, JOB_KINDS)] == [2]


async def test_two_workers_that_claim_many_share_them(catalogue):
    await add(catalogue, *((subject, 0) for subject in range(50)))
    claimed = await asyncio.gather(*(claim_many(catalogue, 0, 20) for _ in range(4)))
    assert sorted(job.subject for jobs in claimed for job in jobs) == list(range(50))


async def test_two_workers_never_hold_the_same_job(catalogue):
    await add(catalogue, *((subject, 0) for subject in range(8)))
    claimed = await asyncio.gather(*(claim(catalogue, 0) for _ in range(12)))
    assert sorted(job.subject for job in claimed if job is not None) == list(range(8))
