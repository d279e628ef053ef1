"""`tams ls`: what a server holds, as tables or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tams import DEFAULT_URL
from tams.cli.remote import Url, connect, run, screen
from tams.errors import Invalid

if TYPE_CHECKING:
    from tams.client import TAMSClient

Item: TypeAlias = Mapping[str, Any]


class Noun(StrEnum):
    """What can be listed."""

    SOURCES = "sources"
    FLOWS = "flows"
    SEGMENTS = "segments"
    OBJECTS = "objects"


COLUMNS: dict[Noun, dict[str, Callable[[Item], object]]] = {
    Noun.SOURCES: {
        "id": lambda item: item["id"],
        "format": lambda item: _short(item["format"]),
        "label": lambda item: item.get("label"),
        "collects": lambda item: len(item.get("source_collection", ())) or None,
    },
    Noun.FLOWS: {
        "id": lambda item: item["id"],
        "format": lambda item: _short(item["format"]),
        "codec": lambda item: item.get("codec"),
        "container": lambda item: item.get("container"),
        "label": lambda item: item.get("label"),
        "collects": lambda item: len(item.get("flow_collection", ())) or None,
    },
    Noun.SEGMENTS: {
        "timerange": lambda item: item["timerange"],
        "object": lambda item: item["object_id"],
        "object timerange": lambda item: item.get("object_timerange"),
        "ts_offset": lambda item: item.get("ts_offset"),
        "key frames": lambda item: item.get("key_frame_count"),
    },
    Noun.OBJECTS: {
        "id": lambda item: item["id"],
        "timerange": lambda item: item.get("timerange"),
        "key frames": lambda item: item.get("key_frame_count"),
        "Flows": lambda item: len(item["referenced_by_flows"]),
        "copies": lambda item: len(item.get("get_urls", ())),
    },
}


def ls(
    noun: Annotated[Noun, typer.Argument(help="What to list.")],
    flow: Annotated[str | None, typer.Argument(help="The Flow of the Segments or Objects.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The server's JSON, one array, instead of a table.")
    ] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List the Sources or Flows of a server, or the Segments or Objects of one Flow."""
    run(_list(noun, flow, as_json, url))


async def _list(noun: Noun, flow: str | None, as_json: bool, url: str) -> None:
    if (flow is None) == (noun in {Noun.SEGMENTS, Noun.OBJECTS}):
        raise Invalid(
            "FLOW", flow, "segments and objects need a Flow id, sources and flows take none"
        )
    async with connect(url) as client:
        items = _items(client, noun, flow or "")
        await (_print_json(items) if as_json else _print_table(noun, items))


def _items(client: TAMSClient, noun: Noun, flow: str) -> AsyncIterator[Item]:
    match noun:
        case Noun.SOURCES:
            return client.sources()
        case Noun.FLOWS:
            return client.flows()
        case Noun.SEGMENTS:
            return _segments(client, flow)
        case Noun.OBJECTS:
            return _objects(client, flow)


async def _segments(client: TAMSClient, flow: str) -> AsyncIterator[Item]:
    # Segments of an unknown Flow are an empty list; a person who mistyped wants to know.
    await client.flow(flow)
    async for segment in client.segments(flow, include_object_timerange=True):
        yield segment


async def _objects(client: TAMSClient, flow: str) -> AsyncIterator[Item]:
    seen: set[str] = set()
    async for segment in _segments(client, flow):
        if segment["object_id"] not in seen:
            seen.add(segment["object_id"])
            yield await client.object(segment["object_id"])


async def _print_json(items: AsyncIterator[Item]) -> None:
    separator = "[\n"
    async for item in items:
        sys.stdout.write(separator + json.dumps(item, ensure_ascii=False))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


async def _print_table(noun: Noun, items: AsyncIterator[Item]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    columns = COLUMNS[noun]
    # Ids are there to be copied: they fold, and are never cut.
    headings = (Column(name, overflow="fold") for name in columns)
    table = Table(*headings, box=None, pad_edge=False)
    async for item in items:
        table.add_row(*(Text(_shown(cell(item))) for cell in columns.values()))
    screen().print(table)


def _short(urn: str) -> str:
    return urn.rsplit(":", 1)[-1]


def _shown(value: object) -> str:
    if value is None:
        return ""
    return "".join(sign if sign.isprintable() else "�" for sign in str(value))
