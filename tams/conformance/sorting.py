"""Statements 244 to 250: the order of lists."""

from __future__ import annotations

from typing import Any

from tams.conformance.server import Server, ensure, new_id, query, same
from tams.conformance.statements import Skipped, statement


async def _labelled(server: Server, *labels: str | None) -> tuple[str, list[dict[str, Any]]]:
    """One Flow per label, and a tag that these Flows and their Sources alone bear."""
    mark, flows = f"sorted-{new_id()}", []
    for label in labels:
        flow = await server.flow(label=label, tags={mark: "yes"})
        source = f"/sources/{flow['source_id']}"
        await server.set(f"{source}/tags/{mark}", "yes")
        if label is None:
            await server.unset(f"{source}/label")
        else:
            await server.set(f"{source}/label", label)
        flows.append(flow)
        await server.later()
    return mark, flows


async def _order(server: Server, path: str, mark: str, **asked: str) -> list[str]:
    """The ids of the resources that bear the tag `mark`, in the order of the list."""
    return await server.ids(path, {f"tag_exists.{mark}": "true"}, **asked)


async def _both_ways(server: Server, path: str, mark: str, wanted: list[str], **asked: str) -> None:
    """Fail unless the list comes as `wanted`, and with reverse_order the other way round."""
    same(await _order(server, path, mark, **asked), wanted, f"{path} by {asked}")
    reverse = await _order(server, path, mark, **asked, reverse_order="true")
    same(reverse, wanted[::-1], f"{path} by {asked}, reversed")
    forward = await _order(server, path, mark, **asked, reverse_order="false")
    same(forward, wanted, f"{path} by {asked}, not reversed")


@statement(244, "M")
async def check_244_lists_sort_by_what_is_offered(server: Server) -> None:
    """Lists sort by created unless told, by the keys that each offers, and by no others."""
    mark, _ = await _labelled(server, "b", "a", "c")
    for path, offered, others in (
        ("/sources", ("updated", "label"), ("metadata_updated", "id", "")),
        ("/flows", ("metadata_updated", "label"), ("updated", "description", "Created")),
    ):
        usual = await _order(server, path, mark)
        same(await _order(server, path, mark, sort_by="created"), usual, f"{path} by created")
        for key in offered:
            same(len(await _order(server, path, mark, sort_by=key)), 3, f"{path} by {key}")
        for key in others:
            (await server.get(path + query(sort_by=key))).is_status(400)
        (await server.get(path + query(reverse_order="perhaps"))).is_status(400)
    for key in ("updated", "label", "timerange_remaining", ""):
        (await server.get("/flow-delete-requests" + query(sort_by=key))).is_status(400)


@statement(245, "M")
async def check_245_newest_comes_first_and_labels_are_alphabetical(server: Server) -> None:
    """Dates sort from the newest, labels from a to z; reverse_order turns either round."""
    mark, flows = await _labelled(server, "b", "a", "c")
    first, second, third = flows
    await server.set(f"/flows/{first['id']}/description", "changed last")
    await server.set(f"/sources/{first['source_id']}/description", "changed last")
    changes = {"/flows": ("id", "metadata_updated"), "/sources": ("source_id", "updated")}
    for path, (key, changed) in changes.items():
        ids = [flow[key] for flow in (first, second, third)]
        await _both_ways(server, path, mark, ids[::-1])
        await _both_ways(server, path, mark, [ids[0], ids[2], ids[1]], sort_by=changed)
        await _both_ways(server, path, mark, [ids[1], ids[0], ids[2]], sort_by="label")


@statement(246, "M")
async def check_246_what_lacks_the_key_comes_last(server: Server) -> None:
    """Resources without a label follow those with one, by id; reversed, they come first."""
    mark, flows = await _labelled(server, None, "b", None, "a", None)
    for path, key in (("/flows", "id"), ("/sources", "source_id")):
        without = sorted(flow[key] for flow in flows if "label" not in flow)
        labelled = [flows[3][key], flows[1][key]]
        found = await _order(server, path, mark, sort_by="label")
        same(found, labelled + without, f"{path} by label")
        found = await _order(server, path, mark, sort_by="label", reverse_order="true")
        same(set(found[:3]), set(without), f"first three of {path} by label, reversed")
        same(found[3:], labelled[::-1], f"the rest of {path} by label, reversed")


@statement(247, "I")
async def check_247_storage_backends_have_one_order(server: Server) -> None:
    """Storage Backends come by label, those without one after them by id; sort_by is nothing."""
    path = "/service/storage-backends"
    backends = await server.read(path)
    if len(backends) < 2:
        raise Skipped("this server has fewer than two Storage Backends")
    labelled = sorted((item for item in backends if "label" in item), key=lambda b: b["label"])
    without = sorted((item for item in backends if "label" not in item), key=lambda b: b["id"])
    wanted = [item["id"] for item in labelled + without]
    same(await server.ids(path), wanted, path)
    same(await server.ids(path, sort_by="created"), wanted, f"{path} with sort_by")
    reverse = await server.ids(path, reverse_order="true")
    ends = len(without)
    same(set(reverse[:ends]), set(wanted[len(labelled) :]), "unlabelled backends, reversed")
    same(reverse[ends:], wanted[: len(labelled)][::-1], "labelled backends, reversed")


@statement(248, "I")
async def check_248_lists_do_not_sort_by_what_moves(server: Server) -> None:
    """No list sorts by the times of Segments, which change while it is read."""
    for path in ("/flows", "/sources"):
        for key in ("segments_updated", "timerange"):
            (await server.get(path + query(sort_by=key))).is_status(400)


@statement(249, "I")
async def check_249_equal_keys_keep_one_order(server: Server) -> None:
    """Resources with the same key come in an order that holds from page to page."""
    mark, flows = await _labelled(server, *["same"] * 5)
    for path, key in (("/flows", "id"), ("/sources", "source_id")):
        for reverse in ("false", "true"):
            asked = {"sort_by": "label", "reverse_order": reverse}
            whole = await _order(server, path, mark, **asked)
            same(sorted(whole), sorted(flow[key] for flow in flows), f"{path} by label")
            found, page = [], dict[str, str]()
            for _ in whole:
                limited = {f"tag.{mark}": "yes", "limit": "1", **asked, **page}
                answer = (await server.get(path + query(limited))).is_status(200)
                found += [item["id"] for item in answer.json]
                page = {"page": answer.headers.get("X-Paging-NextKey", "")}
            same(found, whole, f"{path} in pages of one")
            ensure(page == {"page": ""}, f"{path}: the last page has a next one")


@statement(250, "D")
async def check_250_labels_sort_by_code_point(server: Server) -> None:
    """Labels compare character by character, by code point, whatever the language."""
    labels = ["b", "B", "a", "á", "Z", "10", "9", "aa", "a b", "\uff5a", "\U0001d11e", "_"]
    mark, flows = await _labelled(server, *labels)
    wanted = sorted(flows, key=lambda flow: str(flow["label"]))
    for path, key in (("/flows", "id"), ("/sources", "source_id")):
        ids = [flow[key] for flow in wanted]
        await _both_ways(server, path, mark, ids, sort_by="label")
