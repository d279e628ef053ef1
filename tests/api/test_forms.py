"""Forms, however their bytes are cut on their way."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from tams.api.forms import MAX_PARTS, form_parts
from tams.errors import Invalid
from tests.extensions.forms import BOUNDARY, HEADERS, Part, written

NEARLY = b"\r\n--" + BOUNDARY.encode()
contents = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"-", b"x", NEARLY[:-1], NEARLY[:4]]), max_size=12
).map(b"".join)


def request_of(body, sizes=()):
    """A request whose body comes in pieces of these sizes."""
    pieces = []
    for size in sizes:
        pieces.append(body[:size])
        body = body[size:]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": body, "more_body": False})

    async def receive():
        return messages.pop(0)

    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def read(request):
    return [(part.name, await part.read(10**6)) async for part in form_parts(request)]


@given(st.lists(contents, min_size=1, max_size=3), st.lists(st.integers(1, 40), max_size=60))
def test_parts_are_what_was_sent_wherever_they_are_cut(parts, sizes):
    sent = [Part(f"ü{number}", content) for number, content in enumerate(parts)]
    found = asyncio.run(read(request_of(written(*sent), sizes)))
    assert found == [(part.name, part.content) for part in sent]


@given(st.integers(0, 400), st.lists(st.integers(1, 40), max_size=20))
def test_a_form_that_ends_early_is_refused(kept, sizes):
    body = written(Part("segment", b"{}"), Part("file", b"x" * 200))
    with pytest.raises(Invalid):
        asyncio.run(read(request_of(body[: min(kept, len(body) - 3)], sizes)))


async def test_what_is_not_read_of_a_part_is_passed_over():
    body = written(Part("a", b"x" * 1000), Part("b", b"y"))
    names = [part.name async for part in form_parts(request_of(body, [50] * 10))]
    assert names == ["a", "b"]


async def test_a_form_has_only_so_many_parts():
    body = written(*[Part("a", b"")] * (MAX_PARTS + 1))
    with pytest.raises(Invalid, match="a form may have 4000 parts"):
        await read(request_of(body))


async def test_an_epilogue_is_passed_over():
    body = written(Part("a", b"x")) + b"whatever follows"
    assert await read(request_of(body, [100])) == [("a", b"x")]
