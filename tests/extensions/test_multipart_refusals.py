"""Forms that are refused, or break off: what is told, and that nothing is left of them."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from tams.conformance.server import new_id
from tests.extensions.forms import (
    HEADERS,
    declaration,
    declared,
    fetched,
    file,
    kept,
    listed,
    seen,
    send,
    uploaded,
    written,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256)) * 12
LARGE = b"\r\n--of-a-form" * 70_000
SEGMENT = {"object_id": "", "timerange": "[0:0_10:0)"}


def of(**fields):
    return [declared({**SEGMENT, "object_id": "x", **fields}), file(CONTENT)]


BAD = {
    "no part": ([], "segment: the form must declare"),
    "no segment": ([file(CONTENT)], "segment: the form must declare"),
    "no JSON": ([declared(b"{"), file(CONTENT)], "segment: invalid JSON"),
    "no object": ([declared([1]), file(CONTENT)], "segment.0: it must be an object"),
    "no timerange": ([declared({"object_id": "x"}), file(CONTENT)], "segment.timerange"),
    "no time": (of(timerange="[10:0_0:0)"), "timerange: it must have"),
    "clock": (of(timerange="tomorrow"), "segment.timerange: it must be a timerange"),
    "null id": (of(object_id=None), "segment.object_id"),
    "bad count": (of(sample_count="many"), "segment.sample_count"),
    "bad tags": (of(tags={"a": 1}), "tags.a"),
    "long tag": (of(tags={"a": "x" * 2000}), "tags.a"),
    "URLs": (of(get_urls=[{"url": "http://x/", "label": "x"}]), "get_urls: they must be left out"),
    "late URLs": (
        of(get_urls=[{"url": "http://x/", "label": "x"}])[::-1],
        "get_urls: they must be left out",
    ),
    "no bytes": ([*of()[:1], file(b"")], "file: it must have at least"),
    "one file": ([declared([SEGMENT | {"object_id": "x"}, SEGMENT]), file(CONTENT)], "segment"),
    "two files": ([*of(), file(CONTENT)], "file: there must be one for each"),
    "overlapping": (
        [declared([{"timerange": "[0:0_2:0)"}, {"timerange": "[1:0_3:0)"}]), *[file(CONTENT)] * 2],
        "overlaps",
    ),
    "same id": (
        [declared([{"object_id": "x", "timerange": f"[{n}0:0_{n}1:0)", "ts_offset": f"{n}0:0"}
                   for n in (1, 2)]), *[file(CONTENT)] * 2],
        "object_ids: it must hold new ids",
    ),
    "type": ([declared({**SEGMENT, "object_id": "x"}), file(CONTENT, "v" * 300)], "Content-Type"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
async def test_a109_a110_what_is_wrong_is_named_and_leaves_nothing(server, flow, case):
    parts, says = BAD[case]
    flow_id = await flow()
    before = await kept(server)
    refusal = (await send(server, flow_id, *parts)).is_status(400).json
    assert says in refusal["detail"]
    await no_trace(server, before)


async def no_trace(server, before):
    """Nothing is left but a job that finds nothing, and whatever counts what was tried."""
    after = await seen(server)
    assert {name for name in before if after[name] != before[name]} <= {"job"}
    assert await kept(server) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda body: body[:-10], "body: a form must end"),
        (lambda body: body[: len(body) // 2], "body: a form must end"),
        (lambda body: b"x" + body, "body: it must be a form"),
        (lambda body: body.replace(b"form-data; name=", b"form-data; nam=", 1), "Content-Disp"),
        (lambda body: body.replace(b"Content-Type", b"C" * 9000, 1), "body: it must be a form"),
        (lambda _: b"", "body: a form must end"),
    ],
)
async def test_a_broken_form_leaves_nothing(server, flow, change, says):
    flow_id = await flow()
    before = await kept(server)
    body = change(written(declared(declaration()), file(LARGE)))
    path = f"/flows/{flow_id}/segments"
    refusal = await server.post(path, content=body, headers=HEADERS)
    assert says in refusal.is_status(400).json["summary"]
    await no_trace(server, before)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
async def test_a_form_needs_a_boundary(server, flow, kind):
    path = f"/flows/{await flow()}/segments"
    refusal = await server.post(path, content=b"--\r\n", headers={"Content-Type": kind})
    assert "boundary" in refusal.is_status(400).json["summary"]


async def test_what_is_too_large_is_a_413(server, flow):
    flow_id = await flow()
    before = await kept(server)
    refusal = await send(server, flow_id, declared(b"[" + b" " * (1 << 20) + b"]"))
    assert "segment" in refusal.is_status(413).json["summary"]
    await no_trace(server, before)


async def test_segments_that_are_too_large_together_are_a_413(server, flow):
    flow_id = await flow()
    before = await kept(server)
    url = "http://x/" + "x" * (1000 * 1000)
    parts = [
        declared({"timerange": f"[{n}:0_{n + 1}:0)", "get_urls": [{"label": "x", "url": url}]})
        for n in range(17)
    ]
    refusal = await send(server, flow_id, *parts)
    assert "the Segments of a form" in refusal.is_status(413).json["summary"]
    await no_trace(server, before)


async def test_a_part_with_too_many_headers_is_refused(server, flow):
    many = {f"X-{number}": "x" for number in range(100)}
    refusal = await send(server, await flow(), declared(declaration()), file(CONTENT, **many))
    assert "header" in refusal.is_status(400).json["summary"]


async def test_a111_an_unknown_flow_is_a_404_and_a_read_only_one_a_403(server, flow):
    parts = [declared(declaration()), file(CONTENT)]
    missing = new_id()
    refusal = (await send(server, missing, *parts)).is_status(404).json
    assert refusal["detail"] == f"there is no Flow {missing}"
    flow_id = await flow()
    await server.set(f"/flows/{flow_id}/read_only", True)
    before = await kept(server)
    assert "read_only" in (await send(server, flow_id, *parts)).is_status(403).json["detail"]
    assert await seen(server) == before


async def test_an_unknown_flow_is_told_before_the_body_has_come(server):
    reader, writer = await _half_sent(server, new_id(), b"")
    assert b" 404 " in await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    await writer.wait_closed()


async def test_an_overlap_is_told_before_the_bytes_have_come(server, flow):
    flow_id = await flow()
    await uploaded(server, flow_id, CONTENT)
    before = await kept(server)
    reader, writer = await _half_sent(server, flow_id, CONTENT)
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    await writer.wait_closed()
    assert await seen(server) == before


async def _half_sent(server, flow_id, content, **fields):
    """Send a form as far as `content`, of a file that is to be longer."""
    url = urlsplit(server.base)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    parts = [declared(declaration(**fields)), file(b"")]
    body = written(*parts).rpartition(b"\r\n--")[0] + content
    head = (
        f"POST /flows/{flow_id}/segments HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
        f"Content-Type: {HEADERS['Content-Type']}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_a_broken_connection_leaves_nothing(server, flow):
    flow_id = await flow()
    before = await kept(server)
    _, writer = await _half_sent(server, flow_id, LARGE)

    async def begun():
        return await seen(server) != before

    async def over():
        after = await seen(server)
        return all(after[name] == before[name] for name in before if name != "job")

    await _until(server, begun)
    writer.close()
    await writer.wait_closed()
    await _until(server, over)
    assert await kept(server) == before
    assert await listed(server, flow_id) == []


async def _until(server, found):
    """Ask the server for nothing in particular until it has come to that."""
    async with asyncio.timeout(30):
        while not await found():
            await server.read("/service")


async def test_an_id_that_is_taken_is_refused_and_what_has_it_stays(server, flow):
    flow_id = await flow()
    first = await uploaded(server, flow_id, CONTENT)
    [allocated] = await server.allocate(flow_id)
    before = await kept(server)
    for taken in (first["object_id"], allocated["object_id"]):
        body = declaration(object_id=taken, timerange="[50:0_60:0)")
        for parts in ([declared(body), file(b"other")], [file(b"other"), declared(body)]):
            refusal = (await send(server, flow_id, *parts)).is_status(400).json
            assert "object_id" in refusal["summary"]
    await no_trace(server, before)
    assert await fetched(server, first) == CONTENT
