"""Whether dependencies answer, whatever they do instead."""

from __future__ import annotations

import asyncio

import pytest

from tams.errors import Busy
from tams.services.health import Health


async def up():
    return None


async def silent():
    await asyncio.Event().wait()


def failing(error):
    async def ping():
        raise error

    return ping


@pytest.mark.parametrize(
    ("ping", "trouble"),
    [
        (up, None),
        (failing(Busy("too much waits")), "too much waits"),
        (failing(OSError("the disk is away")), "the disk is away"),
        (failing(ValueError("a fault of a driver")), "a fault of a driver"),
        (failing(AssertionError()), "AssertionError"),
        (silent, "no answer within 0.01 s"),
    ],
)
async def test_a_dependency_is_up_only_if_it_answers(ping, trouble):
    found = await Health({"other": up, "one": ping}, patience=0.01).check()
    assert [(one.name, one.trouble) for one in found] == [("other", None), ("one", trouble)]
    assert all(one.latency >= 0 for one in found)
