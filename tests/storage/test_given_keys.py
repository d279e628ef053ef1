"""Keys of S3 that the settings give."""

from __future__ import annotations

import pytest

from tams.storage.credentials import AwsCredentials
from tams.storage.places import S3Place, parse_place
from tams.storage.s3 import S3Storage
from tams.storage.sigv4 import Credentials
from tests.media_server import BACKEND, StoppedClock

GIVEN = Credentials("given", "secret")


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others around, which AWS's own tools would find."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "around")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("around")
async def test_h012_keys_that_are_given_are_looked_for_nowhere() -> None:
    for given, key in ((GIVEN, "given"), (None, "around")):
        credentials = AwsCredentials(None, url_lifetime=3600, given=given)
        await credentials.open()
        assert credentials.current() == (key, "secret", None)
        assert credentials.provide()["access_key_id"] == key
        await credentials.close()


@pytest.mark.parametrize(("query", "given"), [("", True), ("&profile=archive", False)])
def test_a_place_with_a_profile_has_its_own(query: str, given: bool) -> None:
    place = parse_place(f"s3://media?region=x{query}")
    assert isinstance(place, S3Place)
    storage = S3Storage(BACKEND, place, StoppedClock(), url_timeout=60, url_window=1, keys=GIVEN)
    assert (storage._credentials._given == GIVEN) is given
