"""The client library is async and typed, for whoever uses it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from importlib.resources import files
from types import FunctionType
from typing import get_origin, get_type_hints

import pytest

from tams.client import TAMSClient

OPERATIONS = [
    method
    for name, method in vars(TAMSClient).items()
    if isinstance(method, FunctionType) and not name.startswith("_")
]


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert (files("tams") / "py.typed").is_file()


@pytest.mark.parametrize("method", OPERATIONS, ids=lambda method: method.__name__)
def test_every_operation_is_async_and_typed(method: FunctionType) -> None:
    types = get_type_hints(method)
    assert set(types) == set(inspect.signature(method).parameters) - {"self"} | {"return"}
    assert inspect.iscoroutinefunction(method) or get_origin(types["return"]) is AsyncIterator
