"""What verifies callers, where it is wanted: it takes its time to load."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tams.domain.clock import Clock
from tams.services.authentication import Authentication
from tams.services.credentials import CredentialsFile
from tams.services.tokens import Keys, SharedSecret, TokenMaker, TokenVerifier
from tams.settings import Settings


def build_authentication(settings: Settings, clock: Clock) -> Authentication:
    """All of it, with the credentials file read once, so that it can be."""
    file = CredentialsFile(Path(settings.credentials)) if settings.credentials else None
    if file is not None:
        file.refresh()
    keys: dict[str | None, Keys] = {}
    if settings.issuers:
        from tams.services.issuers import Issuer  # with it comes aiohttp, which takes its time

        keys |= {url: Issuer(url, clock) for url in settings.issuers}
    maker = None
    if secret := settings.jwt_secret.get_secret_value():
        shared = SharedSecret(secret)
        keys |= {settings.jwt_issuer: shared, None: shared}
        maker = TokenMaker(
            shared,
            issuer=settings.jwt_issuer,
            audience=next(iter(settings.audiences), None),
            lifetime=timedelta(seconds=settings.token_lifetime),
            clock=clock,
        )
    return Authentication(TokenVerifier(keys, settings.audiences, clock), file, maker, clock)
