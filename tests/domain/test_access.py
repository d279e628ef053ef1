"""Scopes: which one suffices where, beside what the table test over HTTP shows."""

from __future__ import annotations

import pytest

from tams.domain.access import ACTIONS, ANYONE, Principal, Scope, ScopeTable, webhook_changes_by

TABLE = ScopeTable()


def words(method: str, path: str, table: ScopeTable = TABLE) -> set[str]:
    return {scope.name.lower() for scope in table.sufficient(method, path)}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/flows/x/manifest.m3u8", {"admin", "read"}),
        ("HEAD", "/nothing", {"admin", "read"}),
        ("PUT", "/nothing", {"admin", "write"}),
        ("DELETE", "/flows", {"admin", "delete"}),
        ("PATCH", "/flows", {"admin"}),
        ("OPTIONS", "/nothing", {"admin"}),
        ("GET", "", {"admin", "read"}),
        ("GET", "/service/", {"admin", "read"}),
        ("DELETE", "/flows//tags/x", {"admin", "write"}),
    ],
)
def test_where_no_row_fits_the_method_decides(method, path, expected):
    assert words(method, path) == expected


def test_a_name_is_no_variable():
    assert words("GET", "/service/x") == {"admin", "read"}
    assert words("GET", "/service") == {"admin", "read", "write", "delete"}


def test_an_admin_may_do_everything_and_nobody_nothing():
    for action in ACTIONS:
        assert Scope.ADMIN in action.sufficient
        assert ANYONE.may(action.sufficient)
        assert not Principal("ada").may(action.sufficient)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_webhooks_may_be_kept_from_readers(method):
    stricter = ScopeTable(webhook_changes_by(Scope.WRITE))
    assert words(method, "/service/webhooks/x") == {"admin", "read"}
    assert words(method, "/service/webhooks/x", stricter) == {"admin", "write"}
    assert words("GET", "/service/webhooks/x", stricter) == {"admin", "read"}
