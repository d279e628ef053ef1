"""What tests with generated requests share: the document, places to ask at, and exceptions.

Every check of schemathesis is on. Where one cannot hold, `exceptions` says which and why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from tams.app.extensions import NAMES, load
from tams.conformance.official import DECIDED, DOCUMENT, NULLABLE
from tams.conformance.profiles import profile_body
from tams.conformance.server import flow_body, new_id
from tams.conformance.subscriptions import idle_body
from tams.domain.patterns import UUID
from tests.authority import LATE, bearer, token
from tests.official import MISSING, folder

FOLDER = folder()
if FOLDER is None:
    pytest.skip(MISSING, allow_module_level=True)


def official(mode: str = "all") -> schemathesis.schemas.BaseSchema:
    """The document, for requests that are right (`positive`), wrong (`negative`), or `all`."""
    generation = {"database": "none", "mode": mode}
    return schemathesis.openapi.from_path(
        FOLDER / DOCUMENT, config=SchemathesisConfig.from_dict({"generation": generation})
    )


RULES = {
    "limit: it must be 1 or more": "decisions on 206 and 258",
    "limit: it must be a whole number": "no page has more than 18 digits of items",
    "limit: it must be left out": "statement 205",
    "page: ": "keys are opaque: statement 254",
    "presigned: this store gives presigned URLs only": "decision on 213",
    "storage_id: it must be listed": "statements 209 and 235",
    "storage_id: Object": "statement 235",
    "storage_id: a copy of Object": "statement 235",
    "storage_id: an Object keeps its last instance": "statement 240",
    "storage_id: one of storage_id and label": "statement 238",
    "label: Object": "statement 234",
    "label: an Object keeps its last instance": "statement 240",
    "url: ": "what lies elsewhere is asked for with HTTP; statement 233",
    "object_ids: ": "decisions on 206 and 208",
    "id: it must be the id in the path": "statement 53",
    "source_id: Flow": "the Source of a Flow stays: decision on 78",
    "codec: it must be a MIME type": "a control character is no part of one",
    "container: it must be a MIME type": "a control character is no part of one",
    "flow_metadata.codec: it must be a MIME type": "nor of that of a Profile",
    "flow_metadata.container: it must be a MIME type": "nor of that of a Profile",
    "frame_height: it must be a whole number": "no frame has more than 18 digits of lines",
    "frame_width: it must be a whole number": "nor of pixels",
    "profile_id: it must be the id of a Profile": "statement 29",
    "profile_id: it must come without": "statement 30",
    "id: it must be new": "statement 20",
    "format: ": "statements 51 and 76",
    "flow_collection": "statements 115 and 120",
    "object_id: ": "statements 171 and 174",
    "timerange": "statements 164 to 169",
    "object_timerange": "decision on times, statement 173",
    "ts_offset: times must lie": "decision on times",
    "last_duration: ": "decision on times, statement 183",
    "get_urls: ": "statements 177 and 178",
    "init_object_id: ": "statements 180 to 182",
    "container: ": "statements 161 and 215",
    "body: it must hold no filter": "statement 274",
    "events: it must hold at least one": "decision on 278",
    "flow_ids: it must hold at least one": "decision on 286",
    "source_ids: it must hold at least one": "decision on 286",
    "api_key_name: ": "a header that can be sent, and that is not the server's own",
    "api_key_value: ": "control characters would end the header",
    "id: it must be the id": "statement 267",
    "status: a webhook in error": "statement 272",
}
"""Refusals of requests that the schema allows, by how they begin: where each rule comes from."""

NAMED = {
    "PUT /flows/{flowId}": "flowId",
    "POST /service/profiles/{profileId}": "profileId",
    "PUT /service/webhooks/{webhookId}": "webhookId",
}
"""The parameter of a path that the body's id must repeat."""

NOT_STORED = (
    "NUL character",
    "it must be less than or equal to 9223372036854",
    "it must be greater than or equal to -9223372036854",
)
"""No engine keeps a NUL within text, nor an integer of more than 64 bits."""


class Furniture:
    """Resources for the ids in paths; what a request took away is put back before the next."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers.update(bearer(token(exp=LATE)))
        flow = flow_body(label="label", description="text", tags={"name": "value"})
        self.flow = flow | {"avg_bit_rate": 1, "max_bit_rate": 2}
        self.flow_url = f"{base}/flows/{flow['id']}"
        self.known = {
            "flowId": flow["id"],
            "sourceId": flow["source_id"],
            "objectId": "an object",
            "profileId": new_id(),
            "name": "name",
        }
        self.placed: Counter[str] = Counter()
        self.restore()
        asked = {"object_ids": ["an object"]}
        self.session.post(f"{self.flow_url}/storage", json=asked).raise_for_status()
        other = flow_body()
        self.session.put(f"{base}/flows/{other['id']}", json=other).raise_for_status()
        segment = {"object_id": "an object", "timerange": "[0:0_1:0)"}
        profile = profile_body(id=self.known["profileId"])
        profile_url = f"{base}/service/profiles/{profile['id']}"
        self.session.post(profile_url, json=profile).raise_for_status()
        self.session.post(f"{self.flow_url}/segments", json=segment).raise_for_status()
        made = self.session.post(f"{base}/service/webhooks", json=idle_body())
        self.known["webhookId"] = made.json()["id"]
        segment |= {"timerange": "[1:0_2:0)", "ts_offset": "1:0"}
        self.session.post(f"{base}/flows/{other['id']}/segments", json=segment).raise_for_status()

    def restore(self) -> None:
        """Put back what is gone or changed."""
        self.session.put(f"{self.flow_url}/read_only", json=False)
        self.session.put(self.flow_url, json=self.flow).raise_for_status()

    def place(self, case: schemathesis.Case) -> None:
        """Lead three in four requests with good ids to resources that are there."""
        path = case.meta.components.get(ParameterLocation.PATH)
        if path is None or path.mode is GenerationMode.NEGATIVE:
            return
        self.placed[case.operation.label] += 1
        if self.placed[case.operation.label] % 4:
            for name in case.path_parameters.keys() & self.known.keys():
                case.path_parameters[name] = self.known[name]
        agree(case)
        is_flow = isinstance(case.body, dict) and case.operation.label == "PUT /flows/{flowId}"
        if is_flow and case.body.get("format") == self.flow["format"] and "source_id" in case.body:
            case.body["source_id"] = self.flow["source_id"]


def agree(case: schemathesis.Case) -> None:
    """Let a body name what its path names; an id that is spoilt on purpose stays so."""
    name = NAMED.get(case.operation.label)
    if name is None or not isinstance(case.body, dict):
        return
    given = case.body.get("id")
    if isinstance(given, str) and UUID.fullmatch(given):
        case.body["id"] = case.path_parameters[name]


def _nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


EXTENDED = {
    _nameless(getattr(route, "path", ""))
    for extension in load(NAMES)
    for route in extension.router.routes
}
"""Paths that have methods besides the standard's."""


def exceptions(case: schemathesis.Case, response: schemathesis.Response) -> Iterator[CheckFunction]:
    """The checks that cannot hold for this answer."""
    refusal = response.json()["summary"] if response.status_code == 400 and response.text else ""
    if refusal.startswith(tuple(RULES)) or any(rule in refusal for rule in NOT_STORED):
        yield checks.positive_data_acceptance
    # The decisions on 254 and 258 hold on every list, and HEAD says no more than the status.
    if case.method == "HEAD" and response.status_code == 400:
        yield checks.positive_data_acceptance
    if (case.method, case.operation.path, response.status_code) in DECIDED:
        yield checks.status_code_conformance
    # Decision on 94.
    if case.path.rpartition("/")[2] in NULLABLE and response.text == "null":
        yield checks.response_schema_conformance
    if _nameless(case.operation.path) in EXTENDED:
        yield from (checks.unsupported_method, checks.allow_header_conformance)
    if _is_let_through(case, response):
        yield checks.negative_data_rejection


def _is_let_through(case: schemathesis.Case, response: schemathesis.Response) -> bool:
    """Whether we accept more than the schemas of parameters and bodies say, by a decision."""
    query = case.query or {}
    # Decision on 159: what fails in an array is listed in a 200.
    listed = case.operation.label == "POST /flows/{flowId}/segments" and response.status_code == 200
    # Trap T4: an empty list of storage ids filters nothing.
    empty = query.get("accept_storage_ids") == ""
    # Statement 23: the server sets this date, whatever a body says.
    is_profile = case.operation.label == "POST /service/profiles/{profileId}"
    dated = is_profile and isinstance(case.body, dict) and "created" in case.body
    # Decision on 109: %2C is part of a value; the schema sees the decoded text.
    lists = (name for name in query if name.startswith("tag.") or name == "accept_get_urls")
    comma = any("," in str(query[name]) for name in lists)
    return listed or empty or dated or comma
