"""What the present version has, put into a store; and every operation of any version's document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tams.conformance.server import Server, new_id
from tests.official import document

OLD_WEBHOOKS = ("6.0", "7.0")
"""Versions whose webhooks have no ids."""

NO_RATE = {"frame_width": 1920, "frame_height": 1080}
VFR = NO_RATE | {"vfr": True}
INIT = NO_RATE | {"frame_rate": {"numerator": 25}, "init_segments": True}


@dataclass
class Rich:
    """Resources with all that the present version knows; `flows` are by what is special in each."""

    flows: dict[str, dict[str, Any]]
    profile_id: str
    webhook_id: str
    object_id: str
    init_object_id: str
    request_id: str = ""
    gone: str = field(default_factory=new_id)

    def path(self, template: str) -> str:
        """A path of the template that leads to a resource."""
        flow = self.flows["video"]
        ids = {
            "{flowId}": flow["id"],
            "{sourceId}": flow["source_id"],
            "{objectId}": self.object_id,
            "{webhookId}": self.webhook_id,
            "{profileId}": self.profile_id,
            "{request-id}": self.request_id,
            "{name}": "many",
        }
        for name, value in ids.items():
            template = template.replace(name, value)
        return template

    def lost(self, template: str) -> str:
        """A path of the template that leads to no resource."""
        parts = template.split("/")
        return "/".join(self.gone if part.startswith("{") else part for part in parts)


async def enriched(server: Server) -> Rich:
    """Make such resources, at the root."""
    flows = {
        "video": await server.flow(
            label="told",
            description="at length",
            status="ingesting",
            max_bit_rate=5000,
            avg_bit_rate=4000,
            tags={"many": ["a", "b,c"], "one": "a"},
        ),
        "vfr": await server.flow(essence_parameters=VFR),
        "init": await server.flow(container="video/mp4", essence_parameters=INIT),
        "image": await server.flow("image", label="still"),
        "audio": await server.flow("audio"),
        "data": await server.flow("data"),
    }
    members = [{"id": flow["id"]} for flow in flows.values()]
    members[0]["role"] = "picture"
    flows["multi"] = await server.flow("multi", flow_collection=members)
    init = {"init_segments": True}
    flows["multi-init"] = await server.flow("multi", essence_parameters=init)
    profile_id = new_id()
    technical = {name: flows["audio"][name] for name in ("format", "codec", "essence_parameters")}
    body = {"id": profile_id, "flow_metadata": {**technical, "container": "audio/mp4"}}
    (await server.post(f"/service/profiles/{profile_id}", body)).is_status(201)
    of_profile = {"id": new_id(), "source_id": new_id(), "profile_id": profile_id}
    flows["profile"] = (await server.put(f"/flows/{of_profile['id']}", of_profile)).json
    hook = {
        "url": f"http://127.0.0.1:9/{new_id()}",
        "events": ["flows/created"],
        "tags": {"many": ["a", "b"]},
        "include_object_timerange": True,
        "presigned": True,
        "status": "disabled",
        "api_key_name": "X-Key",
        "api_key_value": "secret",
    }
    webhook_id = (await server.post("/service/webhooks", hook)).is_status(201).json["id"]
    flow_id = flows["video"]["id"]
    [first, second] = await server.allocate(flow_id, 2)
    await server.segment(
        flow_id, "[0:0_10:0)", object_id=first["object_id"], object_timerange="[0:0_12:0)"
    )
    await server.segment(
        flow_id, "[20:0_30:0)", object_id=second["object_id"], ts_offset="20:0", key_frame_count=3
    )
    elsewhere = {"url": "https://elsewhere.example.com/a", "label": f"elsewhere-{new_id()}"}
    await server.post(f"/objects/{first['object_id']}/instances", elsewhere)
    of_init = flows["init"]["id"]
    [media, head] = await server.allocate(of_init, 2)
    await server.segment(
        of_init,
        "[0:0_1:0)",
        object_id=media["object_id"],
        init_object_id=head["object_id"],
    )
    return Rich(flows, profile_id, webhook_id, first["object_id"], head["object_id"])


def operations(version: str) -> set[tuple[str, str]]:
    """Methods and templates of a version's document."""
    official = document(version)
    assert official is not None
    return {
        (method.upper(), path)
        for path, found in official.paths.items()
        for method in found
        if method in ("get", "head", "put", "post", "delete")
    }


async def read_all(api: Server, version: str, rich: Rich) -> None:
    """Every GET and HEAD, with the options that show the most."""
    everything = "?verbose_storage=true&include_object_timerange=true&include_timerange=true"
    paths = [rich.path(path) for method, path in operations(version) if method == "GET"]
    paths += [
        f"/flows/{flow['id']}{rest}"
        for flow in rich.flows.values()
        for rest in ("", "/flow_collection", "/segments", "/tags", "/read_only")
    ]
    paths += [f"/sources/{flow['source_id']}" for flow in rich.flows.values()]
    for path in paths:
        for query in ("", everything):
            (await api.get(path + query)).is_status(200)
            (await api.head(path + query)).is_status(200)


async def write_all(api: Server, version: str, rich: Rich) -> str:
    """Every PUT, POST and DELETE that succeeds; returns the Location of a delete request."""
    (await api.post("/service", {"name": "ours"})).is_status(200)
    body = {name: value for name, value in rich.flows["video"].items() if name in KNOWN}
    body |= {"id": new_id(), "source_id": new_id()}
    path = f"/flows/{body['id']}"
    (await api.put(path, body)).is_status(201)
    (await api.put(path, body | {"label": "changed"})).is_status(204)
    for resource in (path, f"/sources/{body['source_id']}"):
        for name in ("label", "description", "tags/new"):
            await api.set(f"{resource}/{name}", "set")
            await api.unset(f"{resource}/{name}")
    for name in ("max_bit_rate", "avg_bit_rate"):
        await api.set(f"{path}/{name}", 5)
        await api.unset(f"{path}/{name}")
    await api.set(f"{path}/read_only", False)
    member = {"id": rich.flows["audio"]["id"], "role": "sound"}
    await api.set(f"{path}/flow_collection", [member])
    await api.unset(f"{path}/flow_collection")
    await write_segments(api, version, body["id"])
    if ("POST", "/objects/{objectId}/instances") in operations(version):
        await write_instances(api, rich.object_id)
    if ("POST", "/service/profiles/{profileId}") in operations(version):
        profile = {"id": new_id(), "flow_metadata": TECHNICAL}
        (await api.post(f"/service/profiles/{profile['id']}", profile)).is_status(201)
    await write_webhooks(api, version)
    (await api.delete(f"{path}/segments?timerange=[0:0_1:0)")).is_status(204)
    later = (await api.delete(f"{path}/segments")).is_status(202)
    assert later.headers["Location"] == f"{api.base}/flow-delete-requests/{later.json['id']}"
    (await api.get(later.headers["Location"])).is_status(200)
    await api.wait(1)
    (await api.delete(path)).is_status(204)
    doomed = await api.flow()
    for second in range(2):
        await api.segment(doomed["id"], f"[{second}:0_{second + 1}:0)")
    (await api.delete(f"/flows/{doomed['id']}")).is_status(202)
    return str(later.json["id"])


TECHNICAL = {"format": "urn:x-nmos:format:data", "codec": "text/plain", "essence_parameters": {}}
KNOWN = ("format", "codec", "container", "essence_parameters", "label")


async def write_segments(api: Server, version: str, flow_id: str) -> None:
    """Register Segments in all the ways of a version."""
    for second in range(3):
        await api.segment(flow_id, f"[{second}:0_{second + 1}:0)")
    if version == "6.0":
        return
    [allocated] = await api.allocate(flow_id)
    segment = {"object_id": allocated["object_id"], "timerange": "[3:0_4:0)"}
    answer = await api.post(
        f"/flows/{flow_id}/segments", [segment, segment | {"timerange": "[0:0]"}]
    )
    assert len(answer.is_status(200).json["failed_segments"]) == 1


async def write_instances(api: Server, object_id: str) -> None:
    """Have an instance listed, and removed."""
    path = f"/objects/{object_id}/instances"
    place = {"url": "https://elsewhere.example.com/b", "label": f"place-{new_id()}"}
    (await api.post(path, place)).is_status(201)
    (await api.delete(f"{path}?label={place['label']}")).is_status(204)


async def write_webhooks(api: Server, version: str) -> None:
    """Register, change and remove a webhook."""
    path = "/service/webhooks"
    body = {"url": f"http://127.0.0.1:9/{new_id()}", "events": ["flows/deleted"]}
    answer = (await api.post(path, body)).is_status(201)
    if version in OLD_WEBHOOKS:
        assert answer.body == b""
        assert body in await api.read(path)
        (await api.post(path, body | {"events": []})).is_status(204)
        assert body not in await api.read(path)
        return
    hook = answer.json
    (await api.put(f"{path}/{hook['id']}", hook | {"status": "disabled"})).is_status(201)
    (await api.delete(f"{path}/{hook['id']}")).is_status(204)
