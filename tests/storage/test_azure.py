"""What Azure storage promises beyond the contract."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tams.errors import BadSettings, StorageFailed
from tams.storage.azure import AzureStorage, account_key
from tams.storage.base import Storage
from tams.storage.configure import build_storages
from tams.storage.remote import PART
from tams.storage.sas import READ, WRITE, BlobUrls, Container
from tests.azurite import KEY as ACCOUNT_KEY
from tests.media_server import KEY, StoppedClock
from tests.storage.conftest import Served, once

CONTAINER = Container(
    endpoint="https://facility.blob.core.windows.net", account="facility", name="media"
)


@pytest.fixture
def storage(azure: AzureStorage) -> Storage:
    return azure


@pytest.fixture
def urls(clock: StoppedClock) -> BlobUrls:
    return BlobUrls(CONTAINER, "a b/", b"key", clock, timeout=3600, window=900)


def test_a_url_repeats_within_its_window_and_lives_its_timeout(
    urls: BlobUrls, clock: StoppedClock
) -> None:
    for permissions in (READ, WRITE):
        clock.now = datetime(2026, 11, 20, 12, 7, 3, tzinfo=UTC)
        first = urls.signer(permissions)(KEY)
        assert first.startswith(f"{CONTAINER.endpoint}/media/a%20b/{KEY}?sv=")
        ends = datetime.fromisoformat(parse_qs(urlsplit(first).query)["se"][0])
        assert ends - clock.now >= timedelta(seconds=3600)
        clock.move(476)
        assert urls.signer(permissions)(KEY) == first
        assert ends - clock.now >= timedelta(seconds=3600)
        clock.move(1)
        assert urls.signer(permissions)(KEY) != first


@pytest.mark.parametrize(
    ("part", "changed"), [("se=20", "se=21"), ("sp=r", "sp=rw"), ("/object.ts", "/object.tt")]
)
async def test_no_part_of_a_url_can_be_changed(served: Served, part: str, changed: str) -> None:
    await served.storage.write(KEY, "video/mp2t", {}, once(b"bytes"))
    url = served.get_url(KEY)
    assert part in url
    async with served.client.get(url.replace(part, changed)) as answer:
        assert answer.status == 403
    async with served.client.get(url) as answer:
        assert answer.status == 200


async def test_a_url_ends_when_it_says(
    served: Served, azure: AzureStorage, clock: StoppedClock
) -> None:
    await azure.write(KEY, "video/mp2t", {}, once(b"bytes"))
    for age, status in ((4400, 200), (4700, 403)):
        clock.now = datetime.now(UTC) - timedelta(seconds=age)
        urls = BlobUrls(
            azure.place.public,
            azure.place.prefix,
            b64decode(ACCOUNT_KEY),
            clock,
            timeout=4499,
            window=1,
        )
        async with served.client.get(urls.signer(READ)(KEY)) as answer:
            assert answer.status == status


async def test_large_objects_are_written_in_parts(azure: AzureStorage) -> None:
    content = bytes(range(256)) * (PART // 200)
    await azure.write(KEY, "video/mp2t", {}, once(content))
    assert b"".join([piece async for piece in azure.read(KEY)]) == content


async def test_a_container_that_cannot_be_used_stops_the_start(
    azure_url: str, tmp_path: Path
) -> None:
    for wrong, told in (
        (azure_url.replace("media-", "nothing-"), r"404 \(ContainerNotFound\): .* create it"),
        (azure_url.replace("http://127.0.0.1", "http://127.0.0.2"), "start the service"),
    ):
        storages = build_storages(wrong, tmp_path, StoppedClock(), url_timeout=60, url_window=1)
        with pytest.raises(BadSettings, match=told):
            await storages.open()


async def test_a_write_to_a_container_that_is_gone_fails(
    azure: AzureStorage, azure_url: str, tmp_path: Path
) -> None:
    url = azure_url.replace("media-", "nothing-")
    storages = build_storages(url, tmp_path, StoppedClock(), url_timeout=60, url_window=1)
    (gone,) = storages.values()
    with pytest.raises(StorageFailed, match="ContainerNotFound"):
        await gone.write(KEY, "video/mp2t", {}, once(b"bytes"))
    with pytest.raises(StorageFailed, match="ContainerNotFound"):
        await gone.delete(KEY)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"AZURE_STORAGE_KEY": "a"}, "a"),
        ({"AZURE_STORAGE_CONNECTION_STRING": "AccountName=x;AccountKey=b=="}, "b=="),
    ],
)
def test_the_key_is_found_where_azures_tools_look(environment: dict[str, str], found: str) -> None:
    assert account_key(environment) == found


@pytest.mark.parametrize(
    ("key", "told"), [("", "set AZURE_STORAGE_KEY or"), ("no base64", "in base64")]
)
def test_a_missing_key_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, told: str
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", key)
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    with pytest.raises(BadSettings, match=told):
        build_storages(
            "az://media?account=facility", tmp_path, StoppedClock(), url_timeout=60, url_window=1
        )
