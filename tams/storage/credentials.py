"""What proves to an S3 service who we are: found as AWS's own tools find it, and kept fresh.

In turn: AWS_ACCESS_KEY_ID and its fellows (not for a backend with a `profile`), web identity and
assumed roles, the shared files, the container's and the machine's own.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from tams.errors import BadSettings
from tams.storage.sigv4 import Credentials

if TYPE_CHECKING:
    from obstore.store import S3Credential

INTERVAL_S = 60.0
"""Time between two looks whether they are to be renewed, a quarter of an hour before their end."""

_KEPT = timedelta(minutes=10)
"""How long obstore may keep those that end; it asks again five minutes before."""

_log = structlog.get_logger(__name__)


class AwsCredentials:
    """The credentials of one profile, at hand at every moment between `open` and `close`.

    Those that are `given` are looked for nowhere, and do not end.

    URLs that temporary ones have signed end with them, whatever the URLs say: `url_lifetime`, in
    seconds, is how long they should work, and a warning says where they will not.
    """

    def __init__(
        self, profile: str | None, *, url_lifetime: int, given: Credentials | None = None
    ) -> None:
        self._profile = profile
        self._url_lifetime = url_lifetime
        self._found: Any = None
        self._given = given
        self._current: Credentials | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Find them, unless they were given; raises `BadSettings` if there are none."""
        if self._given is not None:
            self._current = self._given
            return
        self._found = await asyncio.to_thread(_find, self._profile)
        await self.refresh()
        if self._ends:
            self._renewal = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Renew them no more."""
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewal

    def current(self) -> Credentials:
        """Those of this moment; raises `BadSettings` before `open`."""
        if self._current is None:
            raise BadSettings("the credentials of this backend have not been looked for yet")
        return self._current

    def provide(self) -> S3Credential:
        """The same for obstore."""
        current = self.current()
        return {
            "access_key_id": current.access_key,
            "secret_access_key": current.secret_key,
            "token": current.token,
            "expires_at": datetime.now(UTC) + _KEPT if self._ends else None,
        }

    async def refresh(self) -> None:
        """Renew them if their end is near; raises `BadSettings`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            frozen = await asyncio.to_thread(self._found.get_frozen_credentials)
        except (BotoCoreError, ClientError, RuntimeError, OSError, ValueError) as error:
            raise BadSettings(f"S3 credentials cannot be renewed: {error}") from None
        renewed = Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)
        if renewed != self._current:
            self._current = renewed
            if self._ends and self._found.refresh_needed(refresh_in=self._url_lifetime):
                _log.warning(
                    "media URLs may end before their time, with the credentials that sign them",
                    access_key=renewed.access_key,
                )

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.refresh()
            except BadSettings as failure:
                _log.error("credentials grow old", error=str(failure))

    @property
    def _ends(self) -> bool:
        return hasattr(self._found, "refresh_needed")


def _find(profile: str | None) -> Any:  # noqa: ANN401 - botocore has no types
    """What botocore finds; it takes a second where a machine's own are asked for in vain."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        found = Session(profile=profile).get_credentials()
    except (BotoCoreError, OSError, ValueError) as error:
        raise BadSettings(f"S3 credentials: {error}") from None
    if found is None:
        raise BadSettings(
            "S3 credentials: none were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "keep them in ~/.aws/credentials"
        )
    return found
