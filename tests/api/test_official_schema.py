"""The tests of the API hold every answer against the official document, and that can fail."""

from __future__ import annotations

import json

import pytest

from tests.official import MISSING, OurDocument, document

FLOW_ID = "19c64732-70ba-4134-a429-d83cc53e5338"
SOURCE_ID = "43d7bde0-cfba-4060-85d3-005e2892875f"
SOURCE = {"id": SOURCE_ID, "format": "urn:x-nmos:format:video"}
ERROR = {"type": "Invalid", "summary": "why", "time": "2026-11-20T12:00:00Z"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def official() -> OurDocument:
    found = document()
    if found is None:
        pytest.skip(MISSING)
    return found


@pytest.mark.parametrize(
    ("method", "path", "status", "value", "headers"),
    [
        ("GET", f"/sources/{SOURCE_ID}", 200, SOURCE, JSON),
        ("GET", "/sources", 200, [SOURCE], JSON | {"X-Paging-Count": "1"}),
        ("GET", f"/sources/{SOURCE_ID}", 404, ERROR, JSON),
        ("GET", f"/flows/{FLOW_ID}/label", 200, None, JSON),
        ("GET", "/objects/a%2Fb", 200, {"id": "a/b", "referenced_by_flows": []}, JSON),
        ("GET", "/media/x/y", 500, None, {}),
    ],
)
def test_l22_a_right_answer_passes_the_official_schema(
    official, method, path, status, value, headers
) -> None:
    assert (
        list(official.complaints(method, path, status, headers, json.dumps(value).encode())) == []
    )


def test_only_callers_who_may_not_do_everything_are_forbidden_anything(official) -> None:
    forbidden = ("GET", "/sources", 403, JSON, json.dumps(ERROR).encode())
    assert list(official.complaints(*forbidden, limited=True)) == []
    assert list(official.complaints(*forbidden)) == ["status 403 is not declared"]


@pytest.mark.parametrize(
    ("method", "path", "status", "value", "headers", "complaint"),
    [
        ("GET", f"/sources/{SOURCE_ID}", 200, {"id": SOURCE_ID}, JSON, "format"),
        ("GET", f"/sources/{SOURCE_ID}", 200, SOURCE | {"label": None}, JSON, "label"),
        ("GET", f"/sources/{SOURCE_ID}", 200, SOURCE | {"created": "today"}, JSON, "date-time"),
        ("GET", f"/sources/{SOURCE_ID.upper()}", 200, SOURCE | {"id": "X"}, JSON, "id"),
        ("GET", f"/flows/{FLOW_ID}/read_only", 200, None, JSON, "boolean"),
        ("GET", "/sources", 200, [SOURCE], JSON | {"X-Paging-Count": "1.5"}, "X-Paging-Count"),
        ("GET", "/sources", 200, [], {"Content-Type": "text/plain"}, "Content-Type"),
        ("GET", "/sources", 404, ERROR, JSON, "not declared"),
        ("GET", "/sources", 403, ERROR, JSON, "not declared"),
        ("GET", "/sources", 400, {"summary": "why"}, JSON, "type"),
        ("HEAD", "/sources", 200, [], JSON, "a body came"),
        ("POST", "/sources", 201, SOURCE, JSON, "no such operation"),
        ("GET", "/sources", 200, [], JSON | {"X-Paging-Count": "many"}, "X-Paging-Count"),
    ],
)
def test_a_wrong_answer_is_named(official, method, path, status, value, headers, complaint) -> None:
    body = json.dumps(value).encode()
    found = "; ".join(official.complaints(method, path, status, headers, body))
    assert complaint in found
