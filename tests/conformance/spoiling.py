"""What faults are made of: each function spoils one thing of the operations it is given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from tests.conformance.proxy import Fault, Reply, Request

Change = Callable[[Any], Any]
READS = r"(GET|HEAD) /.*"
FLOWS = r"/flows/[^/]+"
SOURCES = r"/sources/[^/]+"


def _answers(name: str, operation: str, spoil: Callable[[Reply], Reply]) -> Fault:
    pattern = re.compile(operation)

    def answer(request: Request, reply: Reply) -> Reply:
        return spoil(reply) if pattern.fullmatch(request.operation) else reply

    return Fault(name, answer=answer)


def _asks(name: str, operation: str, spoil: Callable[[Request], Request | Reply]) -> Fault:
    pattern = re.compile(operation)

    def ask(request: Request) -> Request | Reply:
        return spoil(request) if pattern.fullmatch(request.operation) else request

    return Fault(name, ask=ask)


def status(operation: str, true: int, false: int, body: object = None) -> Fault:
    """One status instead of another, with another body if that is given."""

    def spoil(reply: Reply) -> Reply:
        if reply.status != true:
            return reply
        wrong = replace(reply, status=false)
        return wrong if body is None else wrong.with_json(body)

    return _answers(f"{operation}: {false} for {true}", operation, spoil)


def changed(name: str, operation: str, change: Change) -> Fault:
    """Another JSON value in answers that succeed."""

    def spoil(reply: Reply) -> Reply:
        fits = reply.status in (200, 201) and ("content-type", "application/json") in reply.headers
        return reply.with_json(change(reply.json)) if fits and reply.body else reply

    return _answers(f"{operation}: {name}", operation, spoil)


def members(name: str, operation: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """Another JSON object, or another of each object of an array."""

    def each(value: Any) -> Any:
        if isinstance(value, list):
            return [each(item) for item in value]
        return change(value) if isinstance(value, dict) else value

    return changed(name, operation, each)


def says(operation: str, **told: Any) -> Fault:
    """Members with other values, where they are told at all."""
    return members(
        f"says {told}",
        operation,
        lambda value: value | {name: told[name] for name in told.keys() & value.keys()},
    )


def adds(operation: str, **told: Any) -> Fault:
    """Members that are not there in truth."""
    return members(f"adds {told}", operation, lambda value: told | value)


def drops(operation: str, *names: str) -> Fault:
    """Members that are missing."""
    return members(
        f"drops {', '.join(names)}",
        operation,
        lambda value: {name: told for name, told in value.items() if name not in names},
    )


def header(operation: str, name: str, false: str | None) -> Fault:
    """A header with another value, or none."""

    def spoil(reply: Reply) -> Reply:
        kept = tuple(pair for pair in reply.headers if pair[0] != name)
        if len(kept) == len(reply.headers):
            return reply
        return replace(reply, headers=kept if false is None else (*kept, (name, false)))

    return _answers(f"{operation}: {name} is {false}", operation, spoil)


def content(operation: str, false: bytes) -> Fault:
    """Other bytes in answers that succeed."""
    return _answers(
        f"{operation}: other bytes",
        operation,
        lambda reply: replace(reply, body=false) if reply.status in (200, 206) else reply,
    )


def ignores(operation: str, parameter: str) -> Fault:
    """A query parameter, or a family of them, that is taken for none."""
    pattern = re.compile(parameter)

    def spoil(request: Request) -> Request:
        pairs = request.query.split("&") if request.query else []
        kept = [p for p in pairs if not pattern.fullmatch(unquote_plus(p.partition("=")[0]))]
        return request if kept == pairs else replace(request, query="&".join(kept))

    return _asks(f"{operation}: ignores {parameter}", operation, spoil)


def misreads(operation: str, pattern: str, repl: str) -> Fault:
    """A query that is taken for another."""

    def spoil(request: Request) -> Request:
        return replace(request, query=re.sub(pattern, repl, request.query))

    return _asks(f"{operation}: takes {pattern} for {repl}", operation, spoil)


def forgets(operation: str, *names: str) -> Fault:
    """Members of the body sent that are passed over."""

    def spoil(request: Request) -> Request:
        value = request.json
        if not isinstance(value, dict) or not set(names) & value.keys():
            return request
        kept = {name: sent for name, sent in value.items() if name not in names}
        return replace(request, body=_dumped(kept))

    return _asks(f"{operation}: forgets {', '.join(names)}", operation, spoil)


def reads(name: str, operation: str, change: Change) -> Fault:
    """Another JSON value read from the body than the one sent."""

    def spoil(request: Request) -> Request:
        try:
            value = request.json
        except ValueError:
            return request
        wrong = change(value)
        return request if wrong == value else replace(request, body=_dumped(wrong))

    return _asks(f"{operation}: {name}", operation, spoil)


def asked(parameter: str, fault: Fault) -> Fault:
    """The same fault, but only in answers to requests that have this parameter."""
    pattern = re.compile(rf"(.*&)?{parameter}=.*")

    def answer(request: Request, reply: Reply) -> Reply:
        return fault.answer(request, reply) if pattern.fullmatch(request.query) else reply

    return Fault(f"{fault.name}, with {parameter}", answer=answer)


def pretends(operation: str, status: int, body: object = None) -> Fault:
    """A success told for what was never done."""
    told = Reply(status, body=b"" if body is None else _dumped(body))
    return _asks(f"{operation}: never done", operation, lambda _: told)


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()
