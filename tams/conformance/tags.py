"""Statements 99-111: tags and the filters by them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tams.conformance.server import Json, Server, ensure, flow_body, new_id, query, same
from tams.conformance.statements import statement


async def _tagged(server: Server, **tags: Json) -> tuple[str, dict[str, str]]:
    """A new tag name, and one new Flow per keyword that has the tag with the keyword's value."""
    name = new_id()
    ids = {key: (await server.flow(tags={name: value}))["id"] for key, value in tags.items()}
    return name, ids


async def _found(server: Server, ids: dict[str, str], asked: str) -> set[str]:
    """Which of these Flows the list holds for a query as it is written."""
    listed = {flow["id"] for flow in await server.read(f"/flows?{asked}")}
    return {key for key, flow_id in ids.items() if flow_id in listed}


@statement(99, "M")
async def check_099_a_tag_is_a_string_or_strings(server: Server) -> None:
    """A tag's value is a string or an array of strings, in a Flow and by itself."""
    flow = await server.flow()
    fine: list[Json] = ["red", "", ["red", "blue"], ["red"], []]
    wrong: list[Json] = [5, True, {"red": "blue"}, ["red", 5], [None], [["red"]]]
    for path in (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"):
        for value in fine:
            await server.set(f"{path}/tags/colour", value)
            same(await server.read(f"{path}/tags"), {"colour": value}, "tags")
        for value in wrong:
            (await server.put(f"{path}/tags/colour", value)).is_status(400)
        same(await server.read(f"{path}/tags/colour"), fine[-1], "tag after refusals")
    for value in [*wrong, None]:
        body = flow_body(tags={"colour": value})
        (await server.put(f"/flows/{body['id']}", body)).is_status(400)


@statement(100, "I")
async def check_100_a_tag_is_set_replaced_and_read(server: Server) -> None:
    """One tag is set and replaced alone and read as its bare value; an unknown one is a 404."""
    flow = await server.flow(tags={"shape": "round"})
    paths = (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}")
    for path in paths:
        (await server.get(f"{path}/tags/colour")).is_status(404)
        values: list[Json] = ["red", ["blue", "green"], "blue"]
        for value in values:
            await server.set(f"{path}/tags/colour", value)
            same(await server.read(f"{path}/tags/colour"), value, "tag")
        same((await server.read(path))["tags"]["shape"], "round", "the other tag")
    for kind in ("flows", "sources"):
        (await server.put(f"/{kind}/{new_id()}/tags/colour", "red")).is_status(404)


@statement(101, "M")
async def check_101_tag_names_are_decoded(server: Server) -> None:
    """Any name can be a tag's, written percent-encoded in a path and in a filter."""
    flow = await server.flow()
    for text in ("a/b", "c d", "50%", "x.y", "Größe", "q?r&s=t", "1+1", "%2F"):
        name = f"{text} {new_id()}"
        path = f"/flows/{flow['id']}/tags"
        await server.set(f"{path}/{quote(name, safe='')}", "red")
        same((await server.read(path)).get(name), "red", f"tag {name!r}")
        same(await server.read(f"{path}/{quote(name, safe='')}"), "red", f"tag {name!r}")
        for asked in ({f"tag.{name}": "red"}, {f"tag_exists.{name}": "true"}):
            same(await server.ids("/flows", asked), [flow["id"]], f"Flows by {asked!r}")


@statement(102, "I")
async def check_102_no_tags_are_an_empty_object(server: Server) -> None:
    """A resource without tags answers with an object that has no members."""
    flow = await server.flow()
    for path in (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"):
        same(await server.read(f"{path}/tags"), {}, "tags")
        await server.set(f"{path}/tags/colour", "red")
        await server.unset(f"{path}/tags/colour")
        same(await server.read(f"{path}/tags"), {}, "tags after the last was removed")


@statement(103, "I")
async def check_103_a_missing_tag_cannot_be_removed(server: Server) -> None:
    """Removing a tag that is not there is a 404, for Flows and Sources alike."""
    flow = await server.flow(tags={"colour": "red"})
    for path in (f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"):
        (await server.delete(f"{path}/tags/shape")).is_status(404)
        await server.set(f"{path}/tags/colour", "red")
        await server.unset(f"{path}/tags/colour")
        (await server.delete(f"{path}/tags/colour")).is_status(404)


@statement(104, "M")
async def check_104_one_of_the_values_is_enough(server: Server) -> None:
    """A tag filter lists values; a tag fits if it, or one of its values, is among them."""
    name, ids = await _tagged(server, red="red", both=["red", "blue"], green=["green"], none=[])
    expected = {
        "red": {"red", "both"},
        "blue": {"both"},
        "blue,green": {"both", "green"},
        "red,green,black": {"red", "both", "green"},
        "black": set(),
    }
    for asked, keys in expected.items():
        same(await _found(server, ids, f"tag.{name}={asked}"), keys, f"Flows with {asked}")


@statement(105, "M")
async def check_105_values_match_whole(server: Server) -> None:
    """A part of a tag's value does not match, nor does another case or a wildcard."""
    name, ids = await _tagged(server, one="crimson", many=["crimson", "scarlet"])
    for asked in ("crim", "rimson", "crimsons", "Crimson", "crim%25", "*", "crimson%20", "_rimson"):
        same(await _found(server, ids, f"tag.{name}={asked}"), set(), f"Flows with {asked}")
    same(await _found(server, ids, f"tag.{name}=crimson"), {"one", "many"}, "Flows with all of it")


@statement(106, "M")
async def check_106_several_tags_must_all_match(server: Server) -> None:
    """Filters by different tags hold together."""
    colour, shape = new_id(), new_id()
    flow = await server.flow(tags={colour: "red", shape: "round"})
    await server.flow(tags={colour: "red", shape: "flat"})
    await server.flow(tags={colour: "red"})
    both = {f"tag.{colour}": "red", f"tag.{shape}": "round"}
    same(await server.ids("/flows", both), [flow["id"]], "Flows that are red and round")
    neither = {f"tag.{colour}": "blue", f"tag.{shape}": "round"}
    same(await server.ids("/flows", neither), [], "Flows that are blue and round")


@statement(107, "M")
async def check_107_the_presence_of_a_tag_is_filtered(server: Server) -> None:
    """Flows with a tag, or those without, can be listed, whatever its value."""
    name, label = new_id(), new_id()
    values: list[Json] = ["red", "", ["red", "blue"]]
    having = [(await server.flow(label=label, tags={name: v}))["id"] for v in values]
    lacking = [(await server.flow(label=label, tags={f"{name}x": "red"}))["id"]]
    for said, expected in (("true", having), ("false", lacking)):
        found = await server.ids("/flows", {f"tag_exists.{name}": said}, label=label)
        same(sorted(found), sorted(expected), f"Flows where the tag exists: {said}")
    for wrong in ("maybe", "", "2"):
        (await server.get("/flows" + query({f"tag_exists.{name}": wrong}))).is_status(400)


@statement(108, "I")
async def check_108_tags_filter_more_than_flows(server: Server) -> None:
    """Tags filter Sources and Storage Backends, the Flows of an Object, and URLs by backend."""
    tag = new_id()
    flow = await server.flow(tags={tag: "red"})
    segment = await server.segment(flow["id"], "[0:0_1:0)")
    await server.set(f"/sources/{flow['source_id']}/tags/{tag}", "red")
    found = await server.ids("/sources", {f"tag.{tag}": "red"})
    same(found, [flow["source_id"]], "Sources with the tag")
    backends = await server.ids("/service/storage-backends", {f"tag.{tag}": "red"})
    same(backends, [], "Storage Backends with the tag")
    segments, object_path = f"/flows/{flow['id']}/segments", _object_path(segment)
    for value, expected in (("red", [flow["id"]]), ("blue", [])):
        media = await server.read(object_path + query({f"flow_tag.{tag}": value}))
        same(media["referenced_by_flows"], expected, f"Flows of the Object that are {value}")
    for path in (segments, object_path):
        for said, some in (("false", True), ("true", False)):
            answer = await server.read(path + query({f"storage_backend_tag_exists.{tag}": said}))
            media = answer[0] if isinstance(answer, list) else answer
            same(bool(media.get("get_urls")), some, f"URLs where a backend's tag exists: {said}")
        answer = await server.read(path + query({f"storage_backend_tag.{tag}": "red"}))
        media = answer[0] if isinstance(answer, list) else answer
        ensure(not media.get("get_urls"), f"URLs of backends with an unknown tag: {media!r}")


def _object_path(segment: dict[str, Any]) -> str:
    return f"/objects/{quote(segment['object_id'], safe='')}"


@statement(109, "D")
async def check_109_an_encoded_comma_belongs_to_the_value(server: Server) -> None:
    """A filter's list is split at plain commas; an encoded one is part of a value."""
    name, ids = await _tagged(server, comma="a,b", a="a", b=["b", "x"])
    expected = {"a%2Cb": {"comma"}, "a,b": {"a", "b"}, "a%2Cb,b": {"comma", "b"}, "a%2C": set()}
    for asked, keys in expected.items():
        same(await _found(server, ids, f"tag.{name}={asked}"), keys, f"Flows with {asked}")


@statement(110, "D")
async def check_110_an_empty_value_matches_the_empty_string(server: Server) -> None:
    """A filter without a value finds tags that are the empty string, or hold it."""
    name, ids = await _tagged(server, empty="", holding=["", "x"], full="x", none=[])
    same(await _found(server, ids, f"tag.{name}="), {"empty", "holding"}, "Flows with nothing")
    same(await _found(server, ids, f"tag.{name}=,x"), {"empty", "holding", "full"}, "or x")


@statement(111, "D")
async def check_111_dots_belong_to_the_tag_name(server: Server) -> None:
    """After the first word and its point, the whole rest is the tag's name, points and all."""
    name = new_id()
    tags = {"dotted": f"{name}.y", "plain": name, "reserved": f"tag_exists.{name}"}
    ids = {key: (await server.flow(tags={tag: "true"}))["id"] for key, tag in tags.items()}
    expected = {
        f"tag.{name}.y=true": {"dotted"},
        f"tag_exists.{name}.y=true": {"dotted"},
        f"tag_exists.{name}=true": {"plain"},
        f"tag.tag_exists.{name}=true": {"reserved"},
        f"tag_exists.tag_exists.{name}=true": {"reserved"},
    }
    for asked, keys in expected.items():
        same(await _found(server, ids, asked), keys, f"Flows for {asked}")
