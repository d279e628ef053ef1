"""Generated requests to every operation, one at a time: no 5xx, no answer beside the schema."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.api.generated import Furniture, exceptions, official
from tests.authority import guards
from tests.proof import count, fuzzing
from tests.serving import serving_apart


@pytest.fixture(scope="module")
def furniture(tmp_path_factory):
    at = tmp_path_factory.mktemp("schemathesis")
    with serving_apart(at, f"sqlite:///{at}/catalogue.sqlite", **guards(at)) as base:
        yield Furniture(base)


@official().parametrize()
@settings(
    max_examples=fuzzing(count(8, proof=1000)),
    derandomize=not fuzzing(0),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_operation(case, furniture):
    furniture.place(case)
    response = case.call(base_url=furniture.base, session=furniture.session)
    if response.status_code < 300 and case.method not in ("GET", "HEAD"):
        furniture.restore()
    case.validate_response(response, excluded_checks=list(exceptions(case, response)))
