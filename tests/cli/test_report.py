"""`tams admin report`, as an operator meets it."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from tams.cli.report import sparkline
from tests.checkup.store import CheckedStore


@pytest.fixture
def prepared(catalogue_url, tmp_path, monkeypatch):
    """A store of one Flow with Segments, which the settings name; gives the Flow's id."""
    monkeypatch.setenv("TAMS_CATALOGUE", catalogue_url)
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path / "data"))

    async def prepare() -> str:
        store = CheckedStore(catalogue_url, tmp_path)
        await store.open()
        flow = await store.flow()
        await store.fill(flow, "some-0", "some-1")
        await store.close()
        return flow

    return asyncio.run(prepare())


def test_the_numbers_of_a_store_are_told_as_json(prepared, shell) -> None:
    told = shell("admin", "report", "--json")
    assert (told.exit_code, told.stderr) == (0, "")
    found = json.loads(told.stdout)
    assert list(found) == ["catalog-summary", "flow-usage", "storage-usage", "time-range-analysis"]
    assert found["catalog-summary"]["table_stats"]["segments"] == {"total_rows": 2}
    assert list(found["flow-usage"]["storage_by_flow"]) == [prepared]
    assert found["storage-usage"]["total_objects"] == 2
    assert found["time-range-analysis"]["total_segments"] == 2


@pytest.mark.parametrize(("file", "quote"), [(".env", ""), ("tams.toml", '"')])
def test_the_store_may_be_named_by_a_file(
    prepared, shell, tmp_path, monkeypatch, file, quote
) -> None:
    names = ("TAMS_CATALOGUE", "TAMS_DATA_DIR")
    lines = [f"{name}={quote}{os.environ[name]}{quote}\n" for name in names]
    (tmp_path / file).write_text("".join(lines))
    for name in names:
        monkeypatch.delenv(name)
    if file == ".env":
        monkeypatch.setenv("TAMS_ENV_FILE", file)
    else:
        monkeypatch.setenv("TAMS_CONFIG", file)
    monkeypatch.chdir(tmp_path)
    told = shell("admin", "report", "--json")
    assert (told.exit_code, told.stderr) == (0, "")
    assert list(json.loads(told.stdout)["flow-usage"]["storage_by_flow"]) == [prepared]


def test_the_numbers_of_a_store_are_drawn(prepared, shell) -> None:
    told = shell("admin", "report")
    assert told.exit_code == 0
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert "total_objects 2" in lines
    assert "total_segments 2" in lines
    assert any(line.startswith("hourly 24 █▁▁▁") for line in lines)
    assert f"{prepared} 0" in lines


def test_a_store_that_is_not_there_is_no_empty_one(tmp_path, monkeypatch, shell) -> None:
    monkeypatch.setenv("TAMS_CATALOGUE", f"sqlite:///{tmp_path}/none.sqlite")
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path))
    told = shell("admin", "report")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "there is no catalogue" in told.stderr


@pytest.mark.parametrize(
    ("numbers", "drawn"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([0, 7], "▁█"),
        ([3.5, 7, 0.1], "▅█▁"),
        (list(range(120)), None),
    ],
)
def test_numbers_become_bars(numbers, drawn) -> None:
    found = sparkline(numbers)
    assert found == drawn if drawn is not None else len(found) == 60 and found[-1] == "█"
