"""What clients may do with Profiles."""

from __future__ import annotations

from dataclasses import replace

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.pages import Page, PageRequest
from tams.domain.profiles import Profile, ProfileMetadata, ProfileQuery
from tams.domain.records import values_of
from tams.errors import Invalid, NotFound


class Profiles:
    """Creates and reads Profiles (TAMS 8.2 `/service/profiles`)."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock

    async def get(self, profile_id: str) -> Profile:
        """Return a Profile; raises `NotFound`."""

        async def work(tx: Transaction) -> Profile | None:
            return await tx.profiles.get(profile_id)

        profile = await self._catalogue.read(work)
        if profile is None:
            raise NotFound("Profile", profile_id)
        return profile

    async def list(self, query: ProfileQuery, page: PageRequest) -> Page[Profile]:
        """One page of the Profiles that pass; raises `Invalid` for a foreign page key."""

        async def work(tx: Transaction) -> Page[Profile]:
            return await tx.profiles.list(query, page)

        return await self._catalogue.read(work)

    async def create(self, who: Principal, metadata: ProfileMetadata) -> Profile:
        """Create a Profile and return it; raises `Invalid` if its id is taken."""
        profile = Profile(**values_of(ProfileMetadata, metadata), created=self._clock())
        profile = replace(profile, created_by=profile.created_by or who.name)

        async def work(tx: Transaction) -> None:
            if not await tx.profiles.add(profile):
                raise Invalid(
                    "id", profile.id, "it must be new: Profiles do not change, so POST another"
                )

        await self._catalogue.write(work)
        return profile
