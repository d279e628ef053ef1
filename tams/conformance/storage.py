"""Statements 204 to 221: allocating Objects, and the URLs at which their bytes are PUT."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

from tams.conformance.clock import MARGIN, advertised, elapse
from tams.conformance.media import (
    ELSEWHERE,
    STORED,
    fetch,
    forged,
    fragmented_flow,
    link,
    new_media,
    object_path,
    own_url,
    store,
    store_init,
)
from tams.conformance.server import Answer, Server, ensure, flow_body, new_id, same
from tams.conformance.statements import Skipped, statement


async def _request(server: Server, flow_id: str, **body: object) -> Answer:
    """Ask for storage, whatever comes."""
    return await server.post(f"/flows/{flow_id}/storage", body)


async def _upload(server: Server, allocated: dict[str, Any], content: bytes) -> Answer:
    """PUT bytes as an allocation says, without the credentials of the API."""
    return await replace(server, headers={}).upload(allocated, content)


@statement(204, "I")
async def check_204_storage_is_a_list_of_objects_to_fill(server: Server) -> None:
    """Asking for storage, even with no body, gives media_objects of object_id and put_url."""
    flow_id = (await server.flow())["id"]
    path = f"/flows/{flow_id}/storage"
    for answer in (await server.post(path), await server.post(path, {})):
        body = answer.is_status(201).json
        same(set(body), {"media_objects"}, "keys of the answer")
        ensure(body["media_objects"], "no Object was allocated")
    allocated = await server.allocate(flow_id, 3)
    same(len(allocated), 3, "number of Objects")
    for item in allocated:
        ensure(isinstance(item["object_id"], str), f"object_id is no string in {item}")
        ensure(isinstance(item["put_url"]["url"], str), f"put_url has no url in {item}")


@statement(205, "M")
async def check_205_a_number_and_ids_exclude_each_other(server: Server) -> None:
    """limit and object_ids in one request are refused, and nothing is allocated."""
    flow_id, object_id = (await server.flow())["id"], new_id()
    (await _request(server, flow_id, limit=1, object_ids=[object_id])).is_status(400)
    (await _request(server, flow_id, object_ids=[object_id])).is_status(201)


@statement(206, "Y")
async def check_206_the_number_of_objects_has_bounds(server: Server) -> None:
    """A limit below 1 or none of the ids is refused; above the server's maximum it is capped."""
    flow_id = (await server.flow())["id"]
    for wrong in (0, -1, "2", 1.5):
        (await _request(server, flow_id, limit=wrong)).is_status(400)
    for ids in ([], [7], "one"):
        (await _request(server, flow_id, object_ids=ids)).is_status(400)
    many = (await _request(server, flow_id, limit=1_000_000)).is_status(201)
    ensure(many.json["media_objects"], "a large limit is capped to nothing")


@statement(207, "M")
async def check_207_ids_in_use_refuse_the_whole_request(server: Server) -> None:
    """An id that is allocated, registered or held elsewhere refuses all ids of its request."""
    flow_id, free = (await server.flow())["id"], new_id()
    allocated = (await server.allocate(flow_id))[0]["object_id"]
    registered = await store(server, flow_id, "[0:0_1:0)")
    outside = await link(server, flow_id, "[1:0_2:0)", ELSEWHERE, new_id())
    for taken in (allocated, registered, outside):
        (await _request(server, flow_id, object_ids=[free, taken])).is_status(400)
    (await _request(server, flow_id, object_ids=[free])).is_status(201)
    (await _request(server, flow_id, object_ids=[free])).is_status(400)


@statement(208, "I")
async def check_208_ids_of_clients_are_taken_as_they_are(server: Server) -> None:
    """A client's ids keep every character, in the order given; no id may come twice."""
    flow_id, unique = (await server.flow())["id"], new_id()
    ids = [f"{unique}/a b", f"{unique}/é%2F?#", f"{unique}/../x", f"{unique}/Ω+&=,;"]
    (await _request(server, flow_id, object_ids=[ids[0], ids[0]])).is_status(400)
    allocated = (await _request(server, flow_id, object_ids=ids)).is_status(201).json
    same([item["object_id"] for item in allocated["media_objects"]], ids, "object_ids")
    for second, item in enumerate(allocated["media_objects"]):
        content = new_media()
        (await server.upload(item, content)).is_status(*STORED)
        timerange = f"[{second}:0_{second + 1}:0)"
        await server.segment(flow_id, timerange, object_id=item["object_id"])
        answer = await fetch(server, await own_url(server, item["object_id"]))
        same(answer.is_status(200).body, content, f"bytes of {item['object_id']}")


@statement(209, "M")
async def check_209_storage_is_in_the_backend_asked_for(server: Server) -> None:
    """Bytes go to the backend named, else to the default; an unknown one is refused."""
    flow_id = (await server.flow())["id"]
    for wrong in (new_id(), "no-uuid"):
        (await _request(server, flow_id, storage_id=wrong)).is_status(400)
    backends = await server.read("/service/storage-backends")
    default = [item["id"] for item in backends if item.get("default_storage")]
    if not default:
        (await _request(server, flow_id)).is_status(400)
    asked = [(item["id"], item["id"]) for item in backends] + [(None, item) for item in default]
    for second, (storage_id, wanted) in enumerate(asked):
        timerange = f"[{second}:0_{second + 1}:0)"
        object_id = await store(server, flow_id, timerange, storage_id=storage_id)
        shown = await server.read(f"{object_path(object_id)}?verbose_storage=true")
        same({at["storage_id"] for at in shown["get_urls"]}, {wanted}, "storage_id")


@statement(211, "M")
async def check_211_put_url_says_the_content_type(server: Server) -> None:
    """A put_url names the Flow's container as content type, and the bytes come back as such."""
    for kind in ("video", "image", "data"):
        flow = await server.flow(kind)
        item = (await server.allocate(flow["id"]))[0]
        same(item["put_url"].get("content-type"), flow["container"], "content-type")
        (await server.upload(item, new_media())).is_status(*STORED)
        await server.segment(flow["id"], "[0:0_1:0)", object_id=item["object_id"])
        answer = await fetch(server, await own_url(server, item["object_id"]))
        same(answer.headers.get("Content-Type"), flow["container"], "Content-Type of the bytes")


@statement(212, "I")
async def check_212_a_presigned_put_url_carries_its_own_right(server: Server) -> None:
    """A presigned put_url says so, needs no credentials, and is good for nothing else."""
    flow_id, content = (await server.flow())["id"], new_media()
    answer = await _request(server, flow_id, presigned=True)
    if answer.is_status(201, 400).status == 400:
        raise Skipped("this server gives no presigned URLs")
    item = answer.json["media_objects"][0]
    same(item.get("presigned"), expected=True, what="presigned")
    url = item["put_url"]["url"]
    forgery = {**item, "put_url": {**item["put_url"], "url": forged(url)}}
    (await _upload(server, forgery, content)).is_status(403)
    (await _upload(server, item, content)).is_status(*STORED)
    (await fetch(server, url)).is_status(403)
    await server.segment(flow_id, "[0:0_1:0)", object_id=item["object_id"])
    stored = await fetch(server, await own_url(server, item["object_id"]))
    same(stored.is_status(200).body, content, "bytes")


@statement(213, "D")
async def check_213_an_unsigned_put_url_is_given_or_refused(server: Server) -> None:
    """Where no unsigned put_url can be given, asking for one is a 400 that says so."""
    flow_id = (await server.flow())["id"]
    answer = await _request(server, flow_id, presigned=False)
    if answer.is_status(201, 400).status == 400:
        ensure(b"presigned" in answer.body, f"the refusal does not say why: {answer.body!r}")
        return
    (item,) = answer.json["media_objects"][:1]
    ensure(not item.get("presigned"), "a URL that is called presigned")
    (await server.upload(item, new_media())).is_status(*STORED)


@statement(214, "M")
async def check_214_a_put_url_lives_as_long_as_advertised(server: Server) -> None:
    """A presigned put_url works until the advertised timeout has passed, and not for ever."""
    timeout = await advertised(server, "min_presigned_url_timeout")
    early, late = await server.allocate((await server.flow())["id"], 2, presigned=True)
    await elapse(server, timeout - min(MARGIN, timeout // 2))
    (await _upload(server, early, new_media())).is_status(*STORED)
    await elapse(server, timeout + MARGIN)
    (await _upload(server, late, new_media())).is_status(403)


@statement(215, "I")
async def check_215_storage_needs_a_flow_that_can_take_segments(server: Server) -> None:
    """No container is a 400, a read-only Flow a 403, an unknown one a 404."""
    flow = flow_body(container=None)
    path = f"/flows/{flow['id']}"
    (await server.put(path, flow)).is_status(201)
    (await _request(server, flow["id"])).is_status(400)
    await server.set(path, {**flow, "container": "video/mp2t"})
    (await _request(server, flow["id"])).is_status(201)
    await server.set(f"{path}/read_only", value=True)
    (await _request(server, flow["id"])).is_status(403)
    (await _request(server, new_id())).is_status(404)
    (await _request(server, "no-uuid")).is_status(404)


@statement(216, "I")
async def check_216_ids_of_the_server_are_always_new(server: Server) -> None:
    """No request is given an id that another was given before."""
    flow_ids = [(await server.flow())["id"] for _ in range(2)]
    given = [
        item["object_id"] for i in (*flow_ids, *flow_ids) for item in await server.allocate(i, 5)
    ]
    same(len(set(given)), 20, "different ids in four requests for five Objects")


@statement(217, "I")
async def check_217_a_put_url_tells_all_that_an_upload_needs(server: Server) -> None:
    """Headers and body of a put_url are strings, and with them the PUT succeeds."""
    flow_id, content = (await server.flow())["id"], new_media()
    item = (await server.allocate(flow_id))[0]
    put = item["put_url"]
    for name, value in put.get("headers", {}).items():
        ensure(isinstance(value, str), f"header {name} is no string: {value!r}")
    ensure(isinstance(put.get("body", ""), str), "body is no string")
    (await server.upload(item, content)).is_status(*STORED)
    await server.segment(flow_id, "[0:0_1:0)", object_id=item["object_id"])
    stored = await fetch(server, await own_url(server, item["object_id"]))
    same(stored.is_status(200).body, content, "bytes")


@statement(218, "S")
async def check_218_unregistered_objects_are_collected(server: Server) -> None:
    """An Object may be registered until min_object_timeout has passed; then its id is free.

    To be the init Object of a Media Object counts as being registered.
    """
    timeout = await advertised(server, "min_object_timeout")
    flow_id, fragmented = (await server.flow())["id"], await fragmented_flow(server)
    init_id, unused = [await store_init(server, fragmented) for _ in range(2)]
    used, lost = await server.allocate(flow_id, 2)
    for item in (used, lost):
        (await server.upload(item, new_media())).is_status(*STORED)
    await elapse(server, timeout - MARGIN)
    await server.segment(flow_id, "[0:0_1:0)", object_id=used["object_id"])
    await server.segment(fragmented, "[0:0_1:0)", init_object_id=init_id)
    await elapse(server, timeout)
    for object_id in (used["object_id"], init_id):
        (await fetch(server, await own_url(server, object_id))).is_status(200)
    (await _request(server, flow_id, object_ids=[lost["object_id"], unused])).is_status(201)
    await server.segment(flow_id, "[1:0_2:0)", object_id=lost["object_id"])
    (await fetch(server, await own_url(server, lost["object_id"]))).is_status(404)


@statement(219, "I")
async def check_219_a_collected_object_cannot_be_registered(server: Server) -> None:
    """After it was collected, an allocated Object is as unknown as any other."""
    flow_id = (await server.flow())["id"]
    item = (await server.allocate(flow_id))[0]
    (await server.upload(item, new_media())).is_status(*STORED)
    await elapse(server, 2 * await advertised(server, "min_object_timeout"))
    body = {"object_id": item["object_id"], "timerange": "[0:0_1:0)"}
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(400)
    (await server.get(object_path(item["object_id"]))).is_status(404)


@statement(220, "I")
async def check_220_storage_has_nothing_of_older_versions(server: Server) -> None:
    """An answer has no preliminary requests and no CORS URL, as versions before 8.0 had."""
    body = (await _request(server, (await server.flow())["id"])).is_status(201).json
    for part in (body, *body["media_objects"]):
        ensure(not {"pre", "put_cors_url"} & set(part), f"a field of older versions in {part}")


@statement(221, "I")
async def check_221_put_urls_take_checksums(server: Server) -> None:
    """An upload may bring its checksum in a header; a false one leaves no bytes behind."""
    flow_id, content = (await server.flow())["id"], b"123456789"
    digests = {
        "Content-MD5": hashlib.md5(content, usedforsecurity=False).digest(),
        "x-amz-checksum-sha256": hashlib.sha256(content).digest(),
        "x-amz-checksum-crc32c": bytes.fromhex("e3069283"),
    }
    for name, digest in digests.items():
        (item,) = await server.allocate(flow_id)
        header = {name: base64.b64encode(digest).decode()}
        (await server.upload(item, content, **header)).is_status(*STORED)
    (item,) = await server.allocate(flow_id)
    wrong = {"Content-MD5": base64.b64encode(bytes(16)).decode()}
    (await server.upload(item, content, **wrong)).is_status(400)
    await server.segment(flow_id, "[0:0_1:0)", object_id=item["object_id"])
    (await fetch(server, await own_url(server, item["object_id"]))).is_status(404)
