"""Generated requests in a row, each with what the answers before it gave.

The document names no links; ours lead from what is made to every operation on it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tests.api.generated import OFFICIAL, Furniture, exceptions
from tests.authority import guards
from tests.proof import count, fuzzing
from tests.serving import serving_apart

MADE = (
    ("/flows/{flowId}", "put", "201", {"flowId": "id", "sourceId": "source_id"}),
    ("/flows/{flowId}/storage", "post", "201", {"objectId": "media_objects/0/object_id"}),
    ("/objects/{objectId}", "get", "200", {"flowId": "referenced_by_flows/0"}),
    ("/service/profiles/{profileId}", "post", "201", {"profileId": "id"}),
    ("/service/webhooks", "post", "201", {"webhookId": "id"}),
    ("/flow-delete-requests", "get", "200", {"request-id": "0/id"}),
)
"""Where ids come from: path, method, status, and the place of each id in the body."""


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
        if f"{{{name}}}" in path:
            yield from ((path, method) for method in item if method != "parameters")


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

        def get_call_kwargs(self, case: schemathesis.Case) -> dict:
            return {"base_url": furniture.base, "session": furniture.session}

        def validate_response(self, response, case, additional_checks=None, **kwargs) -> None:
            case.validate_response(response, excluded_checks=list(exceptions(case, response)))

    Visits.run(
        settings=settings(
            max_examples=fuzzing(count(20, proof=500)),
            stateful_step_count=12,
            derandomize=not fuzzing(0),
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
