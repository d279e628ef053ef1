"""Statements 14-18: the list of storage backends."""

from __future__ import annotations

from typing import Any

from tams.conformance.server import Server, ensure, new_id, query, same
from tams.conformance.statements import statement

BACKENDS = "/service/storage-backends"


async def _backends(server: Server) -> list[dict[str, Any]]:
    """Every backend; without one a server is of no use."""
    backends: list[dict[str, Any]] = await server.read(BACKENDS)
    ensure(isinstance(backends, list) and backends, f"no Storage Backend in {backends!r}")
    return backends


@statement(14, "M")
async def check_014_a_backend_tells_what_it_is(server: Server) -> None:
    """Each backend has an id, its maker and its product, and is an HTTP object store."""
    for backend in await _backends(server):
        for name in ("id", "provider", "store_product"):
            ensure(isinstance(backend.get(name), str), f"{name} is no string in {backend!r}")
        same(backend.get("store_type"), "http_object_store", "store_type")


@statement(15, "I")
async def check_015_one_backend_at_most_is_the_default(server: Server) -> None:
    """At most one backend says that it is the default; saying nothing means that it is not."""
    said = [backend.get("default_storage", False) for backend in await _backends(server)]
    ensure(all(isinstance(value, bool) for value in said), f"default_storage values: {said!r}")
    ensure(said.count(True) <= 1, f"default_storage values: {said!r}")


@statement(16, "I")
async def check_016_backends_cannot_be_changed_over_the_api(server: Server) -> None:
    """Backends and their tags are fixed at deployment: clients can only read them."""
    before = await _backends(server)
    body = {**before[0], "label": new_id(), "tags": {"colour": "red"}}
    for method in ("POST", "PUT", "DELETE"):
        (await server.request(method, BACKENDS, body)).is_status(405)
        one = await server.request(method, f"{BACKENDS}/{before[0]['id']}", body)
        one.is_status(404, 405)
    same(await server.read(BACKENDS), before, "the list of backends")


@statement(17, "M")
async def check_017_backends_are_sorted_by_label(server: Server) -> None:
    """Labelled backends come first, by label, the others after, by id; reversed on request."""
    backends = await _backends(server)
    expected = [backend["id"] for backend in sorted(backends, key=_by_label)]
    same([backend["id"] for backend in backends], expected, "order")
    same(await server.ids(BACKENDS, reverse_order="true"), expected[::-1], "reversed order")


def _by_label(backend: dict[str, Any]) -> tuple[bool, str, str]:
    return "label" not in backend, backend.get("label", ""), backend["id"]


@statement(18, "M")
async def check_018_backends_are_filtered_and_paged(server: Server) -> None:
    """The list takes tag filters and pages, with all paging headers."""
    everything = [backend["id"] for backend in await _backends(server)]
    name = new_id()
    same(await server.ids(BACKENDS, {f"tag.{name}": "x"}), [], "backends with an unknown tag")
    same(await server.ids(BACKENDS, {f"tag_exists.{name}": "true"}), [], "backends that have it")
    without = await server.ids(BACKENDS, {f"tag_exists.{name}": "false"})
    same(without, everything, "backends that lack it")
    key: dict[str, str] = {}
    for left, expected in zip(range(len(everything))[::-1], everything, strict=True):
        page = (await server.get(BACKENDS + query(key, limit="1"))).is_status(200)
        same([backend["id"] for backend in page.json], [expected], "page of one")
        same(page.headers.get("X-Paging-Limit"), "1", "X-Paging-Limit")
        same(page.headers.get("X-Paging-Count"), "1", "X-Paging-Count")
        same(page.headers.get("X-Paging-Reverse-Order", "").lower(), "false", "reverse order")
        same("X-Paging-NextKey" in page.headers, left > 0, "X-Paging-NextKey given")
        same('rel="next"' in page.headers.get("Link", ""), left > 0, "Link to a next page")
        key = {"page": page.headers.get("X-Paging-NextKey", "")}
