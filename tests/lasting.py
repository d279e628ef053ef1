"""Catalogues that the tests of one file share, on each engine."""

from __future__ import annotations

import asyncio
from itertools import count as numbers

from tams.catalogue.connect import migrate
from tests.proof import count

ENGINES = ("sqlite", "postgresql")

OVER_HTTP = ENGINES[: count(1, proof=2)]
"""Where extensions and dialects are asked over HTTP; the catalogue is tested on each engine."""

_numbers = numbers(1)


def make_lasting_catalogue(request, tmp_path_factory):
    """A new catalogue of the engine that a fixture has for its parameter; gives its URL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('catalogue')}/catalogue.sqlite"
    url = request.getfixturevalue("postgres_server").create(f"lasting_{next(_numbers)}")
    asyncio.run(migrate(url))
    return url
