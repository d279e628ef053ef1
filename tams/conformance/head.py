"""Statements 142, 260 and 261: HEAD tells what GET would, without the body."""

from __future__ import annotations

from tams.conformance.media import object_path
from tams.conformance.server import Server, new_id, query, same
from tams.conformance.statements import statement

TOLD = (
    "Content-Type",
    "Link",
    "X-Paging-Limit",
    "X-Paging-Count",
    "X-Paging-Reverse-Order",
    "X-Paging-NextKey",
    "X-Paging-Timerange",
)


async def _same_as_get(server: Server, path: str, status: int) -> None:
    """Fail unless GET and HEAD of `path` have this status and tell the same."""
    get, head = await server.get(path), await server.head(path)
    get.is_status(status)
    head.is_status(status)
    same(head.body, b"", f"body of HEAD {path}")
    for name in TOLD:
        same(head.headers.get(name), get.headers.get(name), f"{name} of HEAD {path}")


@statement(142, "I")
async def check_142_head_of_segments_takes_what_get_takes(server: Server) -> None:
    """HEAD of Segments heeds each parameter of GET and gives the same headers."""
    flow_id = (await server.flow())["id"]
    bodies = await server.segments(flow_id, [f"[{n}:0_{n + 1}:0)" for n in range(5)])
    path = f"/flows/{flow_id}/segments"
    for filters, count in (
        ({"limit": "2"}, "2"),
        ({"limit": "2", "reverse_order": "true"}, "2"),
        ({"timerange": "[1:0_4:0)", "include_object_timerange": "true"}, "3"),
        ({"object_id": bodies[3]["object_id"], "verbose_storage": "true"}, "1"),
        ({"accept_get_urls": "", "presigned": "true", "accept_storage_ids": new_id()}, "5"),
        ({"timerange": "()"}, "0"),
    ):
        await _same_as_get(server, path + query(filters), 200)
        head = await server.head(path + query(filters))
        same(head.headers.get("X-Paging-Count"), count, f"X-Paging-Count with {filters}")
    for wrong in ({"limit": "0"}, {"timerange": "soon"}, {"page": "abc"}):
        await _same_as_get(server, path + query(wrong), 400)


@statement(260, "M", alone=True)
async def check_260_every_get_has_its_head(server: Server) -> None:
    """Whatever can be read by GET answers HEAD alike, with no body."""
    tags = {"colour": "red"}
    flow = await server.flow(tags=tags, label="seen", description="seen", max_bit_rate=9)
    source = f"/sources/{flow['source_id']}"
    await server.set(f"{source}/tags/colour", "red")
    object_id = (await server.segment(flow["id"], "[0:0_1:0)"))["object_id"]
    paths = ["/", "/service", "/service/storage-backends", "/sources", "/flows"]
    paths.append("/flow-delete-requests")
    paths += [f"/flows{query(source_id=flow['source_id'])}", object_path(object_id)]
    for path in (source, f"/flows/{flow['id']}"):
        parts = ("", "/tags", "/tags/colour", "/label", "/description")
        paths += [path + part for part in parts]
    parts = ("read_only", "flow_collection", "max_bit_rate", "avg_bit_rate", "segments")
    paths += [f"/flows/{flow['id']}/{part}" for part in parts]
    for path in paths:
        await _same_as_get(server, path, 200)
    for path in (f"/flows/{new_id()}", f"{source}/tags/none", object_path(new_id())):
        await _same_as_get(server, path, 404)
    await _same_as_get(server, "/flows?limit=0", 400)


@statement(261, "I")
async def check_261_head_of_a_list_counts_its_pages(server: Server) -> None:
    """The paging headers of HEAD lead through a list and count it without its bodies."""
    source_id = new_id()
    counts: list[str] = []
    page: dict[str, str] = {}
    for _ in range(5):
        await server.flow(source_id=source_id)
    while len(counts) < 3:
        asked = query({"source_id": source_id, "limit": "2", **page})
        head = (await server.head(f"/flows{asked}")).is_status(200)
        counts.append(head.headers["X-Paging-Count"])
        page = {"page": head.headers.get("X-Paging-NextKey", "none")}
    same(counts, ["2", "2", "1"], "X-Paging-Count of each page")
    same(page, {"page": "none"}, "X-Paging-NextKey of the last page")
