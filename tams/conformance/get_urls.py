"""Statements 143 to 155: which URLs of an Object a client is shown, and what they are good for."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

from tams.conformance.clock import MARGIN, advertised, elapse
from tams.conformance.media import (
    ELSEWHERE,
    STORED,
    fetch,
    forged,
    link,
    listed,
    new_media,
    object_path,
    own_url,
    store,
)
from tams.conformance.server import Server, ensure, new_id, query, same
from tams.conformance.statements import Skipped, statement

PLAIN = {"url", "presigned", "label"}
VERBOSE = PLAIN | {
    "storage_id",
    "controlled",
    "store_type",
    "provider",
    "region",
    "availability_zone",
    "store_product",
    "tags",
}

Entry = dict[str, Any]


async def _everywhere(server: Server) -> tuple[str, str]:
    """A Flow with a Segment in each Storage Backend and one held elsewhere, whose label follows."""
    flow_id, label = (await server.flow())["id"], f"elsewhere-{new_id()}"
    backends = await server.read("/service/storage-backends")
    for second, backend in enumerate(backends):
        await store(server, flow_id, f"[{second}:0_{second + 1}:0)", storage_id=backend["id"])
    await link(server, flow_id, f"[{len(backends)}:0_{len(backends) + 1}:0)", ELSEWHERE, label)
    return flow_id, label


async def _entries(server: Server, flow_id: str, **filters: str) -> list[Entry]:
    """Every `get_urls` entry of a Flow in verbose form, its URL replaced by its Object's id."""
    segments = await listed(server, flow_id, verbose_storage="true", **filters)
    return [
        {**entry, "url": segment["object_id"]}
        for segment in segments
        for entry in segment.get("get_urls", [])
    ]


async def _chosen(server: Server, flow_id: str, wanted: list[Entry], **filters: str) -> None:
    """Fail unless these filters leave exactly the `wanted` entries of a Flow."""
    found = await _entries(server, flow_id, **filters)
    same(found, wanted, f"get_urls of Flow {flow_id} with {filters}")


def _words(tag: str | list[str]) -> set[str]:
    return {tag} if isinstance(tag, str) else set(tag)


@statement(143, "I")
async def check_143_get_urls_are_brief_by_default(server: Server) -> None:
    """Unless asked for more, an entry of get_urls says only url, presigned and label."""
    flow_id, _ = await _everywhere(server)
    for filters in ({}, {"verbose_storage": "false"}):
        for segment in await listed(server, flow_id, **filters):
            for entry in segment["get_urls"]:
                ensure("url" in entry, f"an entry without url: {entry}")
                ensure(set(entry) <= PLAIN, f"more than {sorted(PLAIN)}: {sorted(entry)}")


@statement(144, "I")
async def check_144_verbose_get_urls_describe_their_backend(server: Server) -> None:
    """With verbose_storage an entry also gives the facts of its Storage Backend, nothing else."""
    flow_id, label = await _everywhere(server)
    backends = {item["id"]: item for item in await server.read("/service/storage-backends")}
    seen = set()
    for entry in await _entries(server, flow_id):
        ensure(set(entry) <= VERBOSE, f"unknown keys in {sorted(entry)}")
        if entry.get("label") == label:
            ensure(entry.get("controlled") is False, "a URL held elsewhere is called controlled")
            ensure("storage_id" not in entry, "a URL held elsewhere names a storage_id")
            continue
        ensure(entry.get("controlled", True), "a URL of a Storage Backend is not controlled")
        backend = backends[entry["storage_id"]]
        seen.add(entry["storage_id"])
        for name in VERBOSE - PLAIN - {"storage_id", "controlled"}:
            same(entry.get(name), backend.get(name), f"{name} of an entry of get_urls")
    same(seen, set(backends), "Storage Backends of get_urls")


@statement(145, "I")
async def check_145_accept_get_urls_chooses_by_label(server: Server) -> None:
    """accept_get_urls keeps the labels it lists; empty, it leaves no get_urls at all."""
    flow_id, label = await _everywhere(server)
    every = await _entries(server, flow_id)
    labels = sorted({entry["label"] for entry in every if "label" in entry})
    for accepted in ([label], labels, [*labels, "no such label"]):
        wanted = [entry for entry in every if entry.get("label") in accepted]
        await _chosen(server, flow_id, wanted, accept_get_urls=",".join(accepted))
    for segment in await listed(server, flow_id, accept_get_urls=""):
        ensure("get_urls" not in segment, "get_urls is there although no label is accepted")


@statement(146, "I")
async def check_146_accept_storage_ids_chooses_by_backend(server: Server) -> None:
    """accept_storage_ids keeps the backends it lists; empty, it filters nothing."""
    flow_id, _ = await _everywhere(server)
    every = await _entries(server, flow_id)
    ids = [entry["storage_id"] for entry in every if "storage_id" in entry]
    await _chosen(server, flow_id, every, accept_storage_ids="")
    for accepted in ([ids[0]], ids, [new_id()]):
        wanted = [entry for entry in every if entry.get("storage_id") in accepted]
        await _chosen(server, flow_id, wanted, accept_storage_ids=",".join(accepted))


@statement(147, "I")
async def check_147_presigned_chooses_by_kind(server: Server) -> None:
    """presigned keeps the URLs of that kind; an entry that does not say counts as unsigned."""
    flow_id, label = await _everywhere(server)
    every = await _entries(server, flow_id)
    signed = [entry for entry in every if entry.get("presigned", False)]
    unsigned = [entry for entry in every if not entry.get("presigned", False)]
    ensure(label in {entry.get("label") for entry in unsigned}, "a URL held elsewhere is presigned")
    await _chosen(server, flow_id, signed, presigned="true")
    await _chosen(server, flow_id, unsigned, presigned="false")
    wrong = query(presigned="perhaps")
    (await server.get(f"/flows/{flow_id}/segments{wrong}")).is_status(400)


@statement(148, "I")
async def check_148_backend_tags_choose_urls(server: Server) -> None:
    """storage_backend_tag filters keep the URLs whose Storage Backend bears the tag."""
    backends = await server.read("/service/storage-backends")
    tags = [(name, value) for item in backends for name, value in item.get("tags", {}).items()]
    if not tags:
        raise Skipped("no Storage Backend of this server has tags")
    flow_id, _ = await _everywhere(server)
    every = await _entries(server, flow_id)
    for name, value in tags:
        bearing = [entry for entry in every if name in entry.get("tags", {})]
        plain = [entry for entry in every if name not in entry.get("tags", {})]
        exists = f"storage_backend_tag_exists.{name}"
        await _chosen(server, flow_id, bearing, **{exists: "true"})
        await _chosen(server, flow_id, plain, **{exists: "false"})
        equal = [entry for entry in bearing if _words(entry["tags"][name]) & _words(value)]
        asked = ",".join(_words(value))
        await _chosen(server, flow_id, equal, **{f"storage_backend_tag.{name}": asked})
        await _chosen(server, flow_id, [], **{f"storage_backend_tag.{name}": new_id()})


@statement(149, "I")
async def check_149_url_filters_combine_by_and(server: Server) -> None:
    """An entry is shown only if it passes every filter of the request."""
    flow_id, label = await _everywhere(server)
    every = await _entries(server, flow_id)
    own = next(entry for entry in every if "storage_id" in entry)
    at = [entry for entry in every if entry.get("storage_id") == own["storage_id"]]
    for kind in (True, False):
        wanted = [entry for entry in at if entry.get("presigned", False) is kind]
        both = {"accept_storage_ids": own["storage_id"], "presigned": str(kind).lower()}
        await _chosen(server, flow_id, wanted, **both)
        await _chosen(server, flow_id, [], accept_get_urls=label, **both)
    await _chosen(server, flow_id, [], accept_get_urls=label, presigned="true")


@statement(150, "I")
async def check_150_url_filters_keep_every_segment(server: Server) -> None:
    """Filters of URLs take away URLs, never Segments."""
    flow_id, _ = await _everywhere(server)
    every = [segment["object_id"] for segment in await listed(server, flow_id)]
    unmatched = {
        "accept_get_urls": "",
        "accept_storage_ids": new_id(),
        "storage_backend_tag.none": "none",
        "storage_backend_tag_exists.none": "true",
        "presigned": "true",
    }
    for name, value in unmatched.items():
        found = await listed(server, flow_id, **{name: value})
        same([segment["object_id"] for segment in found], every, f"Segments with {name}={value}")


@statement(151, "I")
async def check_151_labels_name_the_backend_or_what_was_registered(server: Server) -> None:
    """The label is the Storage Backend's own; of a URL held elsewhere, the registered one."""
    flow_id, label = await _everywhere(server)
    backends = await server.read("/service/storage-backends")
    labels = {item["id"]: item.get("label") for item in backends}
    for entry in await _entries(server, flow_id):
        wanted = labels[entry["storage_id"]] if "storage_id" in entry else label
        same(entry.get("label"), wanted, "label of an entry of get_urls")
    outside = [
        entry for entry in (await listed(server, flow_id))[-1]["get_urls"] if "label" in entry
    ]
    same([(e["url"], e["label"]) for e in outside], [(ELSEWHERE, label)], "what was registered")


@statement(152, "I")
async def check_152_every_url_of_an_object_gives_the_same_bytes(server: Server) -> None:
    """Each URL of an Object gives its bytes as they were uploaded, whole or in part."""
    flow_id, content = (await server.flow())["id"], new_media()
    object_id = await store(server, flow_id, "[0:0_1:0)", content)
    (segment,) = await listed(server, flow_id)
    shown = segment["get_urls"] + (await server.read(object_path(object_id)))["get_urls"]
    for entry in shown:
        reader = fetch if entry.get("presigned") else Server.get
        same((await reader(server, entry["url"])).is_status(200).body, content, "bytes")
        part = await server.get(entry["url"], headers={"Range": "bytes=1-16"})
        same(part.is_status(206).body, content[1:17], "bytes 1 to 16")


@statement(153, "M")
async def check_153_a_presigned_url_lives_as_long_as_advertised(server: Server) -> None:
    """A presigned GET URL works until the advertised timeout has passed, and not for ever."""
    timeout = await advertised(server, "min_presigned_url_timeout")
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    url = await own_url(server, object_id)
    await elapse(server, timeout - min(MARGIN, timeout // 2))
    (await fetch(server, url)).is_status(200)
    await elapse(server, timeout + MARGIN)
    (await fetch(server, url)).is_status(403)
    (await fetch(server, await own_url(server, object_id))).is_status(200)


@statement(154, "I")
async def check_154_urls_need_at_most_the_credentials_of_the_api(server: Server) -> None:
    """A URL carries its own right, or is on the API's origin and opens with its credentials."""
    flow_id = (await server.flow())["id"]
    allocated = (await server.allocate(flow_id))[0]
    (await server.upload(allocated, new_media())).is_status(*STORED)
    await server.segment(flow_id, "[0:0_1:0)", object_id=allocated["object_id"])
    shown = (await server.read(object_path(allocated["object_id"])))["get_urls"]
    signed = [entry["url"] for entry in shown if entry.get("presigned")]
    origin = urlsplit(server.base)[:2]
    unsigned = [
        entry["url"]
        for entry in shown
        if not entry.get("presigned") and urlsplit(entry["url"])[:2] == origin
    ]
    ensure(signed + unsigned, "every URL needs credentials from outside the API")
    for url in signed:
        (await fetch(server, url)).is_status(200)
        (await fetch(server, forged(url))).is_status(403)
        # With all that a PUT must say there, so that only the right to it is missing.
        asked = {"put_url": {**allocated["put_url"], "url": url}}
        (await server.upload(asked, b"other bytes")).is_status(403)
        (await fetch(server, url)).is_status(200)
    for url in unsigned:
        (await server.get(url)).is_status(200)


@statement(155, "S")
async def check_155_get_urls_speak_of_checksums(server: Server) -> None:
    """A GET may ask for checksums in headers, and gets a true one of the bytes that were stored."""
    flow_id, content = (await server.flow())["id"], new_media()
    md5 = hashlib.md5(content, usedforsecurity=False)
    sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
    allocated = (await server.allocate(flow_id))[0]
    digests = {"Content-MD5": base64.b64encode(md5.digest()).decode()}
    (await server.upload(allocated, content, **digests)).is_status(*STORED)
    await server.segment(flow_id, "[0:0_1:0)", object_id=allocated["object_id"])
    url = await own_url(server, allocated["object_id"])
    answer = await fetch(server, url, **{"x-amz-checksum-mode": "ENABLED"})
    true = {**digests, "x-amz-checksum-sha256": sha256, "ETag": f'"{md5.hexdigest()}"'}
    given = {name: answer.headers[name] for name in true if name in answer.headers}
    same(answer.is_status(200).body, content, "bytes")
    ensure(any(given[name] == true[name] for name in given), f"no true checksum in {given}")
