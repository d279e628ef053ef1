"""Several backends at once, and the URLs of one answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tams.domain.storage import UrlFilter
from tams.domain.tags import TagFilter
from tams.errors import BadSettings, StorageFailed
from tams.storage.configure import build_storages
from tams.storage.storages import Storages
from tests.media_server import KEY, StoppedClock

BASE = "http://store.example"


@pytest.fixture
def storages(tmp_path: Path) -> Storages:
    path = tmp_path / "storage.toml"
    path.write_text(
        f"""
        [[backend]]
        url = "{(tmp_path / "fast").as_uri()}"
        label = "fast"
        tags = {{ tier = "hot" }}
        public_url = "http://fast.example"
        [[backend]]
        url = "{(tmp_path / "slow").as_uri()}"
        label = "slow"
        """
    )
    return build_storages(
        str(path), tmp_path / "data", StoppedClock(), url_timeout=3600, url_window=900
    )


@pytest.mark.parametrize(
    ("wanted", "signed", "plain"),
    [
        (UrlFilter(), {"fast", "slow"}, {"fast"}),
        (UrlFilter(presigned=True), {"fast", "slow"}, set()),
        (UrlFilter(presigned=False), set(), {"fast"}),
        (UrlFilter(labels=frozenset({"slow"})), {"slow"}, set()),
        (UrlFilter(labels=frozenset()), set(), set()),
        (UrlFilter(storage_ids=frozenset()), set(), set()),
        (UrlFilter(backend_tags=TagFilter(exists={"tier": True})), {"fast"}, {"fast"}),
        (UrlFilter(backend_tags=TagFilter({"tier": ("cold",)})), set(), set()),
    ],
)
def test_a_filter_narrows_what_is_signed(
    storages: Storages, wanted: UrlFilter, signed: set[str], plain: set[str]
) -> None:
    signer = storages.signer(wanted, BASE)
    assert {backend.label for backend in signer.backends.values()} == signed
    assert {backend.label for backend in signer.public_backends.values()} == plain
    for storage_id in signer.backends:
        assert signer.sign_gets(storage_id)(KEY).startswith(f"{BASE}/media/{storage_id}/{KEY}?")


def test_a_signer_uses_the_base_it_was_made_for(storages: Storages) -> None:
    for base in ("http://a", "https://b/tams"):
        signer = storages.signer(UrlFilter(), base)
        assert all(signer.sign_gets(key)("k").startswith(f"{base}/media/") for key in storages)


def test_uncontrolled_instances_are_narrowed_too(storages: Storages) -> None:
    signer = storages.signer(UrlFilter(labels=frozenset({"elsewhere"})), BASE)
    assert signer.shows_label("elsewhere")
    assert not signer.shows_label("fast")


async def test_each_has_a_folder_of_its_own(storages: Storages, tmp_path: Path) -> None:
    await storages.open()
    for storage in storages.values():
        await storage.ping()
    await storages.close()
    assert (tmp_path / "fast").is_dir()
    assert (tmp_path / "slow").is_dir()


async def test_one_that_cannot_be_opened_is_named(storages: Storages, tmp_path: Path) -> None:
    (tmp_path / "slow").write_text("a file")
    with pytest.raises(BadSettings, match="storage backend slow"):
        await storages.open()


async def test_one_that_fails_is_named(storages: Storages, tmp_path: Path) -> None:
    await storages.open()
    (tmp_path / "slow").rename(tmp_path / "gone")
    fast, slow = storages.values()
    await fast.ping()
    with pytest.raises(StorageFailed, match="storage backend slow"):
        await slow.ping()
    await storages.close()
