"""Requests for instances in JSON."""

from __future__ import annotations

import json

import pytest

from tams.domain.objects import Instance
from tams.errors import Invalid
from tams.wire.instances import parse_instance

BACKEND = "6a8f3f6c-1d51-4f0e-9c0d-0b8f6a1f2e11"
URL = "https://media.example/a%20b.ts?X-Signature=1"


def test_a_request_names_a_backend_or_a_url_with_its_label() -> None:
    assert parse_instance(json.dumps({"storage_id": BACKEND, "more": None}).encode()) == Instance(
        storage_id=BACKEND
    )
    for url in (URL, "http://[::1]:8080/a", "HTTP://media.example"):
        body = {"url": url, "label": "é"}
        assert parse_instance(json.dumps(body).encode()) == Instance(url=url, label="é")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "body: "),
        ({}, "url: url and label must be given, or storage_id"),
        ({"label": "a"}, "url: url and label must be given, or storage_id"),
        ({"url": URL}, "label: url and label must be given, or storage_id"),
        ({"url": URL, "label": "a", "storage_id": BACKEND}, "url: it must be left out where"),
        ({"url": URL, "storage_id": BACKEND}, "url: it must be left out where"),
        ({"storage_id": "hot"}, "storage_id: it must be the id of a Storage Backend"),
        ({"storage_id": None}, "storage_id: it must be a valid string"),
        ({"url": URL, "label": 7}, "label: it must be a valid string"),
        ({"url": URL, "label": "a\0"}, "label: it must not hold a NUL character"),
        ({"url": "/media/a.ts", "label": "a"}, "url: it must be a URL that begins with http"),
        ({"url": "ftp://media.example/a", "label": "a"}, "url: it must be a URL that begins"),
        ({"url": "file:///etc/passwd", "label": "a"}, "url: it must be a URL that begins"),
        ({"url": "http://", "label": "a"}, "url: it must be a URL that begins"),
        ({"url": "http://h:port/", "label": "a"}, "url: it must be a URL"),
        ({"url": "http://h/a b", "label": "a"}, "url: it must not hold a space"),
        ({"url": "http://h/a\r\nb", "label": "a"}, "url: it must not hold a space"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_by_name(body: object, message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_instance(json.dumps(body).encode())
    assert str(refusal.value).startswith(message)


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    body = {"url": "https://me:s3cr3t@media.example/a", "label": "a"}
    with pytest.raises(Invalid, match="url: ") as refusal:
        parse_instance(json.dumps(body).encode())
    assert "s3cr3t" not in str(refusal.value)
