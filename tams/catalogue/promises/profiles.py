"""Profiles, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from tams.domain.pages import Page, PageRequest
from tams.domain.profiles import Profile, ProfileQuery


class Profiles(ABC):
    """Profiles, which are added and then never change or go."""

    @abstractmethod
    async def get(self, profile_id: str) -> Profile | None:
        """Return the Profile."""

    @abstractmethod
    async def add(self, profile: Profile) -> bool:
        """Store a new Profile; False, and nothing is stored, if its id is taken.

        Of two works that add the same id at once, one is told False.
        """

    @abstractmethod
    async def list(self, query: ProfileQuery, page: PageRequest) -> Page[Profile]:
        """One page of the Profiles that pass, newest first, those of one moment by id.

        Raises `Invalid` for a page key that is not of such a listing.
        """
