"""`tams admin check` and `tams admin gc`, as an operator meets them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tams.app.background import build_deletions
from tams.app.services import build_services
from tams.app.stores import Stores
from tams.cli.check import FAULTY
from tams.domain.access import ANYONE
from tams.domain.faults import Fault, FaultKind
from tams.domain.segments import NewSegment, SegmentQuery
from tams.domain.storage import StorageRequest
from tams.domain.timerange import ETERNITY, TimeRange
from tams.errors import StorageFailed
from tams.services.inventory import Inventory
from tams.settings import Settings, read_settings
from tests.catalogue.building import add_flows, get_object, make_flow
from tests.checkup.planting import PLANTS, Garden
from tests.checkup.store import CheckedStore
from tests.garbage.store import BACKENDS
from tests.services.conftest import once

BACKEND = '[[backend]]\nurl = "file://{folder}"\nid = "{id}"\n'
OLD = timedelta(days=2)


@pytest.fixture
def prepared(catalogue_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Do something with the store that the settings name, some days ago."""
    tables = (BACKEND.format(folder=tmp_path / name, id=key) for key, name in BACKENDS.items())
    (tmp_path / "storage.toml").write_text("\n".join(tables))
    monkeypatch.setenv("TAMS_CATALOGUE", catalogue_url)
    monkeypatch.setenv("TAMS_STORAGE", str(tmp_path / "storage.toml"))
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path / "data"))

    def prepare(work: Callable[[CheckedStore], Awaitable[None]]) -> None:
        async def run() -> None:
            store = CheckedStore(catalogue_url, tmp_path)
            store.clock.now = store.real_now() - OLD
            await store.open()
            await work(store)
            await store.close()

        asyncio.run(run())

    return prepare


async def sound(store: CheckedStore) -> Garden:
    at = Garden(store, "some", await store.flow())
    await store.fill(at.flow_id, "some-0", "some-1")
    return at


async def broken(store: CheckedStore) -> None:
    at = await sound(store)
    for kind in (FaultKind.BYTES_MISSING, FaultKind.BYTES_ORPHANED, FaultKind.FLOW_DELETIONS):
        await PLANTS[kind](at)
    for path in store.folder.rglob("orphan*.ts"):
        then = store.clock.now.timestamp()
        os.utime(path, (then, then))


def test_a_sound_store_is_told_to_be_sound(prepared, shell) -> None:
    prepared(sound)
    assert shell("admin", "check") == (0, "nothing is wrong\n", "")
    told = shell("admin", "check", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout) == {
        "faults": [],
        "found": 0,
        "repaired": 0,
        "left": 0,
        "awaited": 0,
        "kinds": {},
    }


def test_faults_are_told_then_repaired_only_if_asked_twice(prepared, shell) -> None:
    prepared(broken)
    told = shell("admin", "check")
    assert told.exit_code == FAULTY
    assert "bytes-missing: Object some-0, " in told.stdout
    assert told.stdout.endswith("3 faults: 1 flow-deletions, 1 bytes-orphaned, 1 bytes-missing\n")
    dry = shell("admin", "check", "--repair")
    assert dry.exit_code == FAULTY
    assert "    would delete the bytes\n" in dry.stdout
    assert "    by hand: bring the bytes back" in dry.stdout
    done = shell("admin", "check", "--repair", "--yes", "--json")
    assert done.exit_code == FAULTY
    report = json.loads(done.stdout)
    assert (report["found"], report["repaired"], report["left"]) == (3, 2, 1)
    assert {fault["kind"]: fault["repaired"] for fault in report["faults"]} == {
        "bytes-missing": False,
        "bytes-orphaned": True,
        "flow-deletions": True,
    }
    assert shell("admin", "check").stdout.endswith("1 faults: 1 bytes-missing\n")


def test_a_check_that_breaks_off_leaves_an_object_that_says_so(
    prepared, shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(broken)

    async def fail(inventory: Inventory) -> AsyncIterator[Fault]:
        raise StorageFailed("the folder hangs")
        yield

    monkeypatch.setattr(Inventory, "faults", fail)
    told = shell("admin", "check", "--json")
    assert told.exit_code == 1
    assert "the folder hangs" in told.stderr
    report = json.loads(told.stdout)
    assert [fault["kind"] for fault in report["faults"]] == ["flow-deletions"]
    assert (report["left"], report["error"]) == (1, "the folder hangs")
    text = shell("admin", "check")
    assert text.exit_code == 1
    assert text.stdout.endswith("\nnot all was looked at\n")


def test_yes_alone_means_nothing(prepared, shell) -> None:
    prepared(sound)
    refused = shell("admin", "check", "--yes")
    assert refused.exit_code == 1
    assert "--yes: it belongs to --repair" in refused.stderr


@pytest.mark.parametrize("words", [["check"], ["gc", "--dry-run"]])
def test_a_catalogue_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell, words
) -> None:
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path / "wrong"))
    refused = shell("admin", *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "there is no catalogue at" in refused.stderr
    assert not (tmp_path / "wrong" / "catalogue.sqlite").exists()


async def waste(store: CheckedStore) -> None:
    flow_id = await store.flow()
    await store.fill(flow_id, "gone-0", "gone-1", "kept")
    await store.allocate(flow_id, "never")
    await store.upload("never")
    await store.deletions.delete_flow(ANYONE, flow_id)
    await store.work_off()
    store.clock.now = store.real_now()
    await store.fill(await store.flow(), "going")
    await store.allocate(flow_id := await store.flow(), "waiting")
    await store.fill(flow_id, "went")
    await store.deletions.delete_segments(ANYONE, flow_id, SegmentQuery(ETERNITY))


def test_gc_tells_what_goes_when_and_removes_what_is_due(prepared, shell, tmp_path: Path) -> None:
    prepared(waste)
    dry = json.loads(shell("admin", "gc", "--dry-run", "--json").stdout)
    assert (dry["now"]["objects"], dry["now"]["bytes"]) == (4, 20)
    assert (dry["within a day"]["objects"], dry["within a day"]["bytes"]) == (2, 5)
    assert len(list(tmp_path.glob("hot/tams/**/*.json"))) == 6
    done = json.loads(shell("admin", "gc", "--json").stdout)
    assert {**done, "now": dry["now"]} == dry
    assert not any(done["now"].values())
    assert len(list(tmp_path.glob("hot/tams/**/*.json"))) == 2
    assert shell("admin", "check").exit_code == 0
    *_, later, _ = shell("admin", "gc").stdout.splitlines()
    assert later.split() == ["within", "a", "day", "2", "0", "0", "0", "5"]


async def used(settings: Settings, key: str) -> None:
    """Two days ago: an Object that is whole, one that is lost since, and bytes of nobody."""
    stores = Stores.build(settings, lambda: datetime.now(UTC) - OLD)
    async with stores.opened():
        services = build_services(stores, build_deletions(stores))
        flow = make_flow()
        await add_flows(stores.catalogue, flow)
        [storage] = stores.storages.values()
        for slot, name in enumerate(("whole", "lost")):
            asked = StorageRequest(object_ids=(name,))
            await services.storage.allocate(ANYONE, settings.reached_at, flow.id, asked)
            post = NewSegment(object_id=name, timerange=TimeRange(slot, slot + 1))
            assert not await services.segments.add(ANYONE, flow.id, [post])
        [whole] = (await get_object(stores.catalogue, "whole")).instances
        for place in (whole.key, key):
            await storage.write(place, "video/mp2t", {}, once(b"media"))


def test_a_bucket_is_held_against_the_catalogue(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell
) -> None:
    monkeypatch.setenv("TAMS_STORAGE", s3_url)
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path))
    key = f"tams/2026/03/01/nobody/orphan.{uuid4().hex[:8]}.ts"
    asyncio.run(used(read_settings(os.environ), key))
    report = json.loads(shell("admin", "check", "--json").stdout)
    assert report["kinds"] == {"bytes-missing": 1, "bytes-orphaned": 1}
    told = {fault["kind"]: fault for fault in report["faults"]}
    assert told["bytes-missing"]["subject"] == "Object lost"
    assert told["bytes-orphaned"]["key"] == key
