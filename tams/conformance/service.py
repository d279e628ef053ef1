"""Statements 1-13: the root and the service resource."""

from __future__ import annotations

import re

from tams.conformance.clock import advertised, elapse
from tams.conformance.server import Json, Server, ensure, new_id, same
from tams.conformance.statements import statement
from tams.domain.timerange import SECOND, parse_timestamp

TIMEOUTS = ("min_object_timeout", "min_presigned_url_timeout")


@statement(1, "I")
async def check_001_the_root_lists_the_paths(server: Server) -> None:
    """The root is a JSON array of path names; each of the main ones leads somewhere."""
    paths = await server.read("/")
    ensure(isinstance(paths, list), f"an array is expected, {paths!r} found")
    ensure(all(isinstance(path, str) for path in paths), f"names are strings: {paths!r}")
    for name in ("service", "flows", "sources"):
        ensure(name in paths, f"{name} is missing in {paths!r}")
        (await server.get(f"/{name}")).is_status(200)


@statement(2, "M")
async def check_002_the_service_tells_type_version_and_object_timeout(server: Server) -> None:
    """The service resource always carries its type, the API version and the Object timeout."""
    service = await server.read("/service")
    for name in ("type", "api_version", "min_object_timeout"):
        ensure(isinstance(service.get(name), str), f"{name} is no string in {service!r}")


@statement(3, "M")
async def check_003_the_type_is_a_tams_service(server: Server) -> None:
    """The type starts with the URN of TAMS services."""
    kind = (await server.read("/service"))["type"]
    ensure(kind.startswith("urn:x-tams:service"), f"type is {kind!r}")


@statement(4, "M")
async def check_004_the_api_version_is_major_and_minor(server: Server) -> None:
    """The API version is two plain numbers with a point between, and names the version tested."""
    version = (await server.read("/service"))["api_version"]
    ensure(re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)", version), f"{version!r} is no major.minor")
    same(version, server.version, "api_version")


@statement(5, "Y")
async def check_005_the_service_version_is_free_text(server: Server) -> None:
    """The software's version may be hidden; if it is shown, it is text."""
    version = (await server.read("/service")).get("service_version", "")
    ensure(isinstance(version, str), f"service_version is {version!r}")


@statement(6, "M")
async def check_006_objects_wait_five_minutes_at_least(server: Server) -> None:
    """An allocated Object waits at least 300 seconds for its registration."""
    timeout = parse_timestamp((await server.read("/service"))["min_object_timeout"])
    ensure(timeout >= 300 * SECOND, f"min_object_timeout is {timeout} ns")


@statement(7, "M")
async def check_007_presigned_urls_have_an_advertised_lifetime(server: Server) -> None:
    """A server that gives out presigned URLs says for how long, at least 30 seconds."""
    flow = await server.flow()
    allocated = (await server.allocate(flow["id"]))[0]
    await server.segment(flow["id"], "[0:0_1:0)", object_id=allocated["object_id"])
    urls = (await server.read(f"/flows/{flow['id']}/segments"))[0].get("get_urls", [])
    presigns = allocated.get("presigned") or any(url.get("presigned") for url in urls)
    timeout = (await server.read("/service")).get("min_presigned_url_timeout")
    ensure(timeout or not presigns, "presigned URLs without min_presigned_url_timeout")
    ensure(timeout is None or parse_timestamp(timeout) >= 30 * SECOND, f"{timeout} is below 30:0")


@statement(8, "M")
async def check_008_urls_expire_before_objects_are_collected(server: Server) -> None:
    """Presigned URLs are not promised for longer than an Object waits for its registration."""
    service = await server.read("/service")
    by_url = service.get("min_presigned_url_timeout", "0:0")
    by_object = service["min_object_timeout"]
    ensure(
        parse_timestamp(by_url) <= parse_timestamp(by_object),
        f"min_presigned_url_timeout {by_url} exceeds min_object_timeout {by_object}",
    )


@statement(9, "S")
async def check_009_lifetimes_have_a_grace(server: Server) -> None:
    """What is promised to last holds a little longer: the URL for the bytes, then the Object."""
    for_object, for_url = [await advertised(server, name) for name in TIMEOUTS]
    flow = await server.flow()
    allocated = (await server.allocate(flow["id"]))[0]
    await elapse(server, for_url + 1)
    (await server.upload(allocated, b"\x47" * 188)).is_status(200, 201, 204)
    await elapse(server, for_object - for_url)
    await server.segment(flow["id"], "[0:0_1:0)", object_id=allocated["object_id"])


@statement(10, "Y")
async def check_010_timeouts_are_set_at_deployment_only(server: Server) -> None:
    """The two timeouts may be chosen by whoever deploys the server, never by its clients."""
    before = await server.read("/service")
    wanted = dict.fromkeys(TIMEOUTS, "987654:0")
    (await server.post("/service", wanted)).is_status(200, 400)
    after = await server.read("/service")
    ensure("min_object_timeout" in after, f"no min_object_timeout in {after!r}")
    for name in TIMEOUTS:
        same(after.get(name), before.get(name), name)


@statement(11, "I")
async def check_011_webhooks_are_announced_if_and_only_if_they_exist(server: Server) -> None:
    """Names of event mechanisms are unique; `webhooks` is one exactly where the path answers."""
    mechanisms = (await server.read("/service")).get("event_stream_mechanisms", [])
    names = [mechanism["name"] for mechanism in mechanisms]
    same(len(set(names)), len(names), f"different names in {names!r}")
    found = (await server.get("/service/webhooks")).status != 404
    same("webhooks" in names, found, "webhooks announced")


@statement(12, "I", alone=True)
async def check_012_the_service_can_be_named(server: Server) -> None:
    """Name and description can be set to strings and are shown at once; other types are refused."""
    wanted = {"name": f"name {new_id()}", "description": f"description {new_id()}"}
    before = await server.read("/service")
    (await server.post("/service", wanted)).is_status(200)
    after = await server.read("/service")
    same({name: after.get(name) for name in wanted}, wanted, "name and description")
    refused: list[Json] = [{"name": 5}, {"description": ["a"]}, {"name": {}}, ["name"]]
    for wrong in refused:
        (await server.post("/service", wrong)).is_status(400)
    same(await server.read("/service"), after, "the service after refused changes")
    restored = {name: before[name] for name in wanted if name in before}
    (await server.post("/service", restored)).is_status(200)


@statement(13, "D", alone=True)
async def check_013_a_field_left_out_keeps_its_value(server: Server) -> None:
    """Changing the service is partial: a field that is not sent stays as it was."""
    first = {"name": f"name {new_id()}", "description": f"description {new_id()}"}
    (await server.post("/service", first)).is_status(200)
    (await server.post("/service", {"description": "changed"})).is_status(200)
    service = await server.read("/service")
    same(service["name"], first["name"], "name")
    same(service["description"], "changed", "description")
