"""Generated requests in a row, each with what the answers before it gave.

The document names no links; ours lead from what is made to every operation on it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tams.conformance.profiles import profile_body
from tams.conformance.server import flow_body
from tests.api.generated import Furniture, exceptions, official
from tests.authority import guards
from tests.proof import count, fuzzing
from tests.serving import serving_apart

MADE = (
    ("/flows/{flowId}", "put", "201", {"flowId": "id", "sourceId": "source_id"}),
    ("/flows/{flowId}/storage", "post", "201", {"objectId": "media_objects/0/object_id"}),
    ("/objects/{objectId}", "get", "200", {"flowId": "referenced_by_flows/0"}),
    ("/service/profiles/{profileId}", "post", "201", {"profileId": "id"}),
    ("/service/webhooks", "post", "201", {"webhookId": "id"}),
)
"""Where ids come from: path, method, status, and the place of each id in the body."""

BEGINNINGS = {"PUT /flows/{flowId}": flow_body, "POST /service/profiles/{profileId}": profile_body}
"""What needs nothing that was there before: nothing leads to it, and it always makes a new one."""


def link(document: dict) -> None:
    """Write links into the document: from each of MADE to every operation with that id."""
    for source, method, status, ids in MADE:
        links = document["paths"][source][method]["responses"][status].setdefault("links", {})
        for name, place in ids.items():
            for path, target in _operations(document, name):
                operation = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{target}"
                links[f"{name} {target} {path}"] = {
                    "operationRef": operation,
                    "parameters": {f"path.{name}": f"$response.body#/{place}"},
                }


def _operations(document: dict, name: str) -> Iterator[tuple[str, str]]:
    for path, item in document["paths"].items():
        for method in ("get", "head", "put", "post", "delete"):
            named = f"{{{name}}}" in path and method in item
            if named and f"{method.upper()} {path}" not in BEGINNINGS:
                yield path, method


OFFICIAL = official("positive")
link(OFFICIAL.raw_schema)


@pytest.fixture
def furniture(tmp_path):
    with serving_apart(
        tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite", **guards(tmp_path)
    ) as at:
        yield Furniture(at)


def test_requests_in_a_row(furniture):
    class Visits(OFFICIAL.as_state_machine()):
        """Whoever goes on from what the last answer gave."""

        def before_call(self, case: schemathesis.Case) -> None:
            made = BEGINNINGS.get(case.operation.label)
            if made is not None:
                case.body = made()
                case.path_parameters = dict.fromkeys(case.path_parameters, case.body["id"])

        def get_call_kwargs(self, case: schemathesis.Case) -> dict:
            return {"base_url": furniture.base, "session": furniture.session}

        def validate_response(self, response, case, additional_checks=None, **kwargs) -> None:
            case.validate_response(response, excluded_checks=list(exceptions(case, response)))

    Visits.run(
        settings=settings(
            max_examples=fuzzing(count(8, proof=500)),
            stateful_step_count=12,
            derandomize=not fuzzing(0),
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
