"""Statements 93-98: single properties of Flows and Sources."""

from __future__ import annotations

import json

from tams.conformance.server import Json, Server, ensure, new_id, same
from tams.conformance.statements import statement

WORDS = ("label", "description")
BIT_RATES = ("max_bit_rate", "avg_bit_rate")


async def _paths(server: Server) -> tuple[str, str]:
    """The paths of a new Flow and of its Source."""
    flow = await server.flow()
    return f"/flows/{flow['id']}", f"/sources/{flow['source_id']}"


async def _refuses(server: Server, path: str, values: list[Json]) -> None:
    for value in values:
        content, headers = json.dumps(value).encode(), {"Content-Type": "application/json"}
        (await server.put(path, content=content, headers=headers)).is_status(400)


@statement(93, "I")
async def check_093_label_and_description_are_strings(server: Server) -> None:
    """Label and description are set to a JSON string, removed, and nothing but a string."""
    for path in await _paths(server):
        for name in WORDS:
            await server.set(f"{path}/{name}", 'Häuser, "rot"')
            same(await server.read(f"{path}/{name}"), 'Häuser, "rot"', name)
            same((await server.read(path))[name], 'Häuser, "rot"', f"{name} of the whole")
            await _refuses(server, f"{path}/{name}", [5, True, None, ["a"], {"a": "b"}])
            same(await server.read(f"{path}/{name}"), 'Häuser, "rot"', f"{name} after refusals")
            await server.unset(f"{path}/{name}")
            ensure(name not in await server.read(path), f"{name} is still there")


@statement(94, "D")
async def check_094_an_unset_property_is_null(server: Server) -> None:
    """A property without a value is found and empty; only the resource itself can be missing."""
    flow, source = await _paths(server)
    empty: dict[str, Json] = dict.fromkeys((*WORDS, *BIT_RATES))
    empty |= {"flow_collection": [], "read_only": False, "tags": {}}
    for name, value in empty.items():
        same(await server.read(f"{flow}/{name}"), value, f"unset {name}")
        (await server.get(f"/flows/{new_id()}/{name}")).is_status(404)
    for name in (*WORDS, "tags"):
        same(await server.read(f"{source}/{name}"), empty[name], f"unset {name}")
        (await server.get(f"/sources/{new_id()}/{name}")).is_status(404)


@statement(95, "I")
async def check_095_bit_rates_are_whole_numbers(server: Server) -> None:
    """Bit rates are integers from zero up, and nothing else."""
    flow, _ = await _paths(server)
    for name in BIT_RATES:
        for value in (0, 5000, 2**31):
            await server.set(f"{flow}/{name}", value)
            same(await server.read(f"{flow}/{name}"), value, name)
            same((await server.read(flow))[name], value, f"{name} of the Flow")
        await _refuses(server, f"{flow}/{name}", [-1, 1.5, "5000", True, None, [5000]])
        same(await server.read(f"{flow}/{name}"), 2**31, f"{name} after refusals")
        await server.unset(f"{flow}/{name}")
        ensure(name not in await server.read(flow), f"{name} is still there")


@statement(96, "I")
async def check_096_read_only_is_a_boolean(server: Server) -> None:
    """Whether a Flow is read-only is false until set, a boolean, and cannot be removed."""
    flow, _ = await _paths(server)
    found = await server.read(f"{flow}/read_only")
    ensure(found is False, f"unset read_only is {found!r}")
    await _refuses(server, f"{flow}/read_only", ["true", 1, 0, None, [], {}])
    for value in (True, False):
        await server.set(f"{flow}/read_only", value)
        ensure(await server.read(f"{flow}/read_only") is value, f"read_only is not {value}")
    (await server.delete(f"{flow}/read_only")).is_status(405)


@statement(97, "I")
async def check_097_removing_an_unset_property_succeeds(server: Server) -> None:
    """Removing what is not there is a success, as often as it is asked."""
    flow, source = await _paths(server)
    for name in (*WORDS, *BIT_RATES, "flow_collection"):
        for _ in range(2):
            await server.unset(f"{flow}/{name}")
    for name in WORDS:
        for _ in range(2):
            await server.unset(f"{source}/{name}")


@statement(98, "I")
async def check_098_some_properties_are_those_of_flows_alone(server: Server) -> None:
    """Bit rates, collection and read-only exist below a Flow, not below a Source."""
    flow, source = await _paths(server)
    for name in (*BIT_RATES, "flow_collection", "read_only"):
        (await server.get(f"{flow}/{name}")).is_status(200)
        (await server.get(f"{source}/{name}")).is_status(404)
        (await server.put(f"{source}/{name}", 5)).is_status(404, 405)
