"""Running checks against a server: several at once, each within its time, and tidied up behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import aiohttp

from tams.conformance.belongings import Belongings
from tams.conformance.examiner import Complaint
from tams.conformance.official import VERSION
from tams.conformance.server import Server
from tams.conformance.statements import Check, Skipped
from tams.conformance.versions import later

AT_ONCE = 8
LIMIT = 60.0
"""Seconds that a check may take, without those that it lets pass."""


class Verdict(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Result:
    """The verdict on one statement, why, and the seconds it took."""

    check: Check
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """All that a run found.

    `complaints` of answers against the official document are None where none was at hand; `left`
    are the resources that could not be removed, `version` is that of the API that was checked.
    """

    results: tuple[Result, ...]
    complaints: tuple[Complaint, ...] | None
    left: tuple[str, ...]
    version: str = VERSION

    @property
    def failed(self) -> bool:
        """Whether a must, an implied or a decided statement does not hold, or an answer is off."""
        binding = (one for one in self.results if one.check.level in ("M", "I", "D"))
        return bool(self.complaints) or any(one.verdict is Verdict.FAIL for one in binding)


class Runner:
    """Runs checks against `server`, `at_once` of them side by side, and tells each result.

    If `slow`, checks that need time to pass wait for it, all at the same time and beyond their
    `limit`; if not, the server's own `wait` decides, and without one they are skipped. A run that
    is cancelled removes what it made before it ends.
    """

    def __init__(
        self,
        server: Server,
        tell: Callable[[Result], None],
        *,
        at_once: int = AT_ONCE,
        limit: float = LIMIT,
        slow: bool = False,
    ) -> None:
        self._server = server
        self._tell = tell
        self._slots = asyncio.Semaphore(at_once)
        self._limit = limit
        self._slow = slow
        self._left: list[str] = []

    async def run(self, checks: Iterable[Check]) -> tuple[tuple[Result, ...], tuple[str, ...]]:
        """Return the results in the order of `checks`, and what could not be removed."""
        every = tuple(checks)
        results = {check.number: await self._one(check) for check in every if check.alone}
        beside = [check for check in every if not check.alone]
        for result in await asyncio.gather(*map(self._one, beside)):
            results[result.check.number] = result
        return tuple(results[check.number] for check in every), tuple(self._left)

    async def _one(self, check: Check) -> Result:
        belongings = Belongings(self._server.base)
        async with self._slots:
            watched = replace(self._server, watchers=(*self._server.watchers, belongings))
            begun = time.monotonic()
            try:
                verdict, reason = await self.judge(check, watched)
                result = Result(check, verdict, reason, time.monotonic() - begun)
            finally:
                self._left += await belongings.remove(self._server)
        self._tell(result)
        return result

    async def judge(self, check: Check, server: Server) -> tuple[Verdict, str]:
        """Return the verdict on one statement and why; what was made for it is left there."""
        if (why := later(check.number, server.version)) is not None:
            return Verdict.SKIP, why
        try:
            async with asyncio.timeout(self._limit) as timer:
                if self._slow:
                    server.wait = lambda seconds: self._sit_out(timer, seconds)
                await check.run(server)
        except Skipped as skipped:
            return Verdict.SKIP, str(skipped)
        except AssertionError as failure:
            return Verdict.FAIL, str(failure)
        except TimeoutError:
            return Verdict.FAIL, f"no verdict within {self._limit:g} seconds"
        except aiohttp.ClientError as error:
            return Verdict.FAIL, f"the server broke off: {error or type(error).__name__}"
        except Exception as error:  # noqa: BLE001 - whatever a check stumbles over, the server sent
            return Verdict.FAIL, f"an answer cannot be read: {type(error).__name__}: {error}"
        return Verdict.PASS, ""

    async def _sit_out(self, timer: asyncio.Timeout, seconds: float) -> None:
        """Let real time pass, which neither counts nor keeps another check from running."""
        clock = asyncio.get_running_loop().time
        left = (timer.when() or clock()) - clock()
        timer.reschedule(None)
        self._slots.release()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._slots.acquire()
        timer.reschedule(clock() + left)
