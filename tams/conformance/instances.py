"""Statements 232 to 243: further instances of an Object, and fewer."""

from __future__ import annotations

from typing import Any, NamedTuple

from tams.conformance.media import (
    ELSEWHERE,
    INIT_TYPE,
    STORED,
    fetch,
    fragmented_flow,
    link,
    listed,
    new_media,
    object_path,
    own_url,
    store,
)
from tams.conformance.server import Answer, Json, Server, ensure, new_id, query, same
from tams.conformance.statements import Skipped, statement


class Stored(NamedTuple):
    """An Object that lies in one Storage Backend, and a second one for a copy."""

    flow_id: str
    object_id: str
    content: bytes
    first: str
    second: str


async def _backends(server: Server) -> tuple[str, str]:
    """The ids of two Storage Backends; skip where there are fewer."""
    ids = await server.ids("/service/storage-backends")
    if len(ids) < 2:
        raise Skipped("this server has only one Storage Backend")
    return ids[0], ids[1]


async def _stored(server: Server) -> Stored:
    first, second = await _backends(server)
    flow_id, content = (await server.flow())["id"], new_media()
    object_id = await store(server, flow_id, "[0:0_1:0)", content, first)
    return Stored(flow_id, object_id, content, first, second)


async def _upload(server: Server, flow_id: str, content: bytes, **asked: Json) -> str:
    """Allocate and upload an Object; return its id, with which nothing is registered yet."""
    allocated = (await server.allocate(flow_id, **asked))[0]
    (await server.upload(allocated, content)).is_status(*STORED)
    return str(allocated["object_id"])


async def _add(server: Server, object_id: str, **body: Json) -> Answer:
    """Ask for an instance."""
    return await server.post(f"{object_path(object_id)}/instances", body)


async def _remove(server: Server, object_id: str, **named: str) -> Answer:
    """Ask for an instance to be removed."""
    return await server.delete(f"{object_path(object_id)}/instances{query(named)}")


async def _entries(server: Server, object_id: str) -> list[dict[str, Any]]:
    """The verbose `get_urls` of an Object."""
    path = object_path(object_id) + query(verbose_storage="true")
    entries: list[dict[str, Any]] = (await server.read(path)).get("get_urls", [])
    return entries


async def _places(server: Server, object_id: str) -> set[str]:
    """Where an Object lies: the ids of Storage Backends, and the labels of other places."""
    entries = await _entries(server, object_id)
    return {str(entry.get("storage_id") or entry.get("label")) for entry in entries}


async def _copy(server: Server, object_id: str, content: bytes, storage_id: str) -> None:
    """Have an Object copied, and look at each instance while waiting for the new one."""
    (await _add(server, object_id, storage_id=storage_id)).is_status(201)

    async def is_listed() -> bool:
        entries = await _entries(server, object_id)
        for entry in entries:
            if entry.get("storage_id") is not None:
                bytes_there = (await fetch(server, entry["url"])).is_status(200).body
                same(bytes_there, content, f"bytes in {entry['storage_id']}")
        return storage_id in {entry.get("storage_id") for entry in entries}

    await server.until(is_listed, f"a copy in Storage Backend {storage_id}")


@statement(232, "I")
async def check_232_an_object_is_copied_to_a_backend(server: Server) -> None:
    """Asked by storage_id the server makes a copy, and lists it once its bytes are all there."""
    object_id, content, first, second = (await _stored(server))[1:]
    await _copy(server, object_id, content, second)
    same(await _places(server, object_id), {first, second}, "Storage Backends")
    for entry in await _entries(server, object_id):
        ensure(entry.get("controlled") is True, "a copy of the server's own is not controlled")


@statement(233, "I")
async def check_233_a_url_is_listed_with_its_label(server: Server) -> None:
    """Asked by url and label the server lists them at once; a request is of one kind, and whole."""
    flow_id, label = (await server.flow())["id"], new_id()
    object_id = await store(server, flow_id, "[0:0_1:0)")
    (backend, *_) = await server.ids("/service/storage-backends")
    before = await _entries(server, object_id)
    for wrong in (
        {"storage_id": backend, "url": ELSEWHERE, "label": label},
        {"url": ELSEWHERE},
        {"label": label},
        {"url": 7, "label": label},
        {"url": ELSEWHERE, "label": None},
        {"storage_id": "not a UUID"},
        {},
    ):
        (await _add(server, object_id, **wrong)).is_status(400)
    path = f"{object_path(object_id)}/instances"
    (await server.post(path, content=b'{"url"')).is_status(400)
    same(len(await _entries(server, object_id)), len(before), "instances after wrong requests")
    (await _add(server, object_id, url=ELSEWHERE, label=label)).is_status(201)
    added = [entry for entry in await _entries(server, object_id) if entry.get("label") == label]
    same([entry["url"] for entry in added], [ELSEWHERE], "url with the label")
    ensure(added[0].get("controlled") is False, "what lies elsewhere is said to be controlled")
    ensure(not added[0].get("presigned"), "what lies elsewhere is said to be presigned")


@statement(234, "S")
async def check_234_a_label_says_which_instance(server: Server) -> None:
    """The label of a Storage Backend, or of another instance of the Object, is refused."""
    object_id, label = await store(server, (await server.flow())["id"], "[0:0_1:0)"), new_id()
    (await _add(server, object_id, url=ELSEWHERE, label=label)).is_status(201)
    before = await _entries(server, object_id)
    backends = await server.read("/service/storage-backends")
    for taken in (label, *(each["label"] for each in backends if "label" in each)):
        (await _add(server, object_id, url=f"{ELSEWHERE}?2", label=taken)).is_status(400)
    same(len(await _entries(server, object_id)), len(before), "instances")


@statement(235, "I")
async def check_235_a_backend_takes_one_copy(server: Server) -> None:
    """A Storage Backend that has the Object already, or that does not exist, is refused."""
    object_id, content, first, second = (await _stored(server))[1:]
    for refused in (first, new_id()):
        (await _add(server, object_id, storage_id=refused)).is_status(400)
    await _copy(server, object_id, content, second)
    (await _add(server, object_id, storage_id=second)).is_status(400)
    same(await _places(server, object_id), {first, second}, "Storage Backends")


@statement(236, "S")
async def check_236_an_object_is_copied_from_elsewhere(server: Server) -> None:
    """A copy is made even where all instances lie elsewhere."""
    flow_id, content, label = (await server.flow())["id"], new_media(), new_id()
    url = await own_url(server, await store(server, flow_id, "[0:0_1:0)", content))
    object_id = await link(server, flow_id, "[1:0_2:0)", url, label)
    (backend, *_) = await server.ids("/service/storage-backends")
    await _copy(server, object_id, content, backend)
    same(await _places(server, object_id), {label, backend}, "instances")


@statement(237, "M")
async def check_237_an_init_object_has_instances_of_its_own(server: Server) -> None:
    """What is done to the instances of a Media Object leaves its init Object where it is."""
    flow_id, content, head = await fragmented_flow(server), new_media(), new_media()
    first, second = await _backends(server)
    media_id = await _upload(server, flow_id, content, storage_id=first)
    init_id = await _upload(server, flow_id, head, storage_id=first, content_type=INIT_TYPE)
    await server.segment(flow_id, "[0:0_1:0)", object_id=media_id, init_object_id=init_id)
    await _copy(server, media_id, content, second)
    same(await _places(server, init_id), {first}, "instances of the init Object after a copy")
    (await _remove(server, media_id, storage_id=first)).is_status(204)
    same(await _places(server, init_id), {first}, "instances of the init Object after a removal")
    await _copy(server, init_id, head, second)
    same(await _places(server, media_id), {second}, "instances of the Media Object")


@statement(238, "I")
async def check_238_one_name_says_which_instance_goes(server: Server) -> None:
    """A DELETE names one instance, by storage_id or by label; with none or both it is refused."""
    object_id, label = await store(server, (await server.flow())["id"], "[0:0_1:0)"), new_id()
    (await _add(server, object_id, url=ELSEWHERE, label=label)).is_status(201)
    before = await _places(server, object_id)
    (backend,) = before - {label}
    (await server.delete(f"{object_path(object_id)}/instances")).is_status(400)
    (await _remove(server, object_id, storage_id=backend, label=label)).is_status(400)
    same(await _places(server, object_id), before, "instances")
    (await _remove(server, object_id, label=label)).is_status(204)
    same(await _places(server, object_id), {backend}, "instances")


@statement(239, "S")
async def check_239_an_instance_is_unlisted_at_once(server: Server) -> None:
    """A removed instance is listed no more, and the others stay; so do bytes held elsewhere."""
    flow_id, object_id, content, first, second = await _stored(server)
    await _copy(server, object_id, content, second)
    other = await store(server, flow_id, "[1:0_2:0)", content)
    url, label = await own_url(server, other), new_id()
    (await _add(server, object_id, url=url, label=label)).is_status(201)
    (await _remove(server, object_id, storage_id=first)).is_status(204)
    same(await _places(server, object_id), {second, label}, "instances")
    (await _remove(server, object_id, label=label)).is_status(204)
    same(await _places(server, object_id), {second}, "instances")
    await server.later()
    for left in (await own_url(server, object_id), url):
        same((await fetch(server, left)).is_status(200).body, content, "bytes that stay")


@statement(240, "S")
async def check_240_the_last_instance_stays(server: Server) -> None:
    """The last instance of an Object cannot be removed, and the answer explains that."""
    object_id = await store(
        server, (await server.flow())["id"], "[0:0_1:0)", content := new_media()
    )
    (backend,) = await _places(server, object_id)
    refused = (await _remove(server, object_id, storage_id=backend)).is_status(400)
    ensure(refused.json.get("summary"), "the refusal says nothing")
    same((await fetch(server, await own_url(server, object_id))).body, content, "bytes")


@statement(241, "I")
async def check_241_every_segment_shows_the_instances(server: Server) -> None:
    """What is added or removed is seen at once in all Segments of all Flows that use the Object."""
    one, other, label = (await server.flow())["id"], (await server.flow())["id"], new_id()
    object_id = await store(server, one, "[0:0_1:0)")
    await server.segment(one, "[5:0_6:0)", object_id=object_id, ts_offset="5:0")
    await server.segment(other, "[0:0_1:0)", object_id=object_id)

    async def shown() -> list[list[str]]:
        segments = [*await listed(server, one), *await listed(server, other)]
        return [[at["url"] for at in segment["get_urls"]] for segment in segments]

    before = await shown()
    same(len(before), 3, "Segments")
    (await _add(server, object_id, url=ELSEWHERE, label=label)).is_status(201)
    same([ELSEWHERE in urls for urls in await shown()], [True] * 3, "Segments with the instance")
    (await _remove(server, object_id, label=label)).is_status(204)
    same([ELSEWHERE in urls for urls in await shown()], [False] * 3, "Segments with the instance")


@statement(242, "I")
async def check_242_a_read_only_flow_does_not_hold_instances(server: Server) -> None:
    """Instances come and go whether or not a Flow that uses the Object is read-only."""
    flow_id, label = (await server.flow())["id"], new_id()
    object_id = await store(server, flow_id, "[0:0_1:0)")
    await server.set(f"/flows/{flow_id}/read_only", value=True)
    (await _add(server, object_id, url=ELSEWHERE, label=label)).is_status(201)
    ensure(label in await _places(server, object_id), "the instance is not listed")
    (await _remove(server, object_id, label=label)).is_status(204)
    ensure(label not in await _places(server, object_id), "the instance is still listed")
    await server.set(f"/flows/{flow_id}/read_only", value=False)


@statement(243, "D")
async def check_243_an_instance_that_is_not_there_is_not_found(server: Server) -> None:
    """A DELETE that names no instance of the Object is a 404, and changes nothing."""
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    before = await _places(server, object_id)
    (await _remove(server, object_id, label=new_id())).is_status(404)
    (await _remove(server, object_id, storage_id=new_id())).is_status(404)
    same(await _places(server, object_id), before, "instances")
