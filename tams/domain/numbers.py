"""The integers and strings that both engines can keep."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

MAX_INTEGER = 2**63 - 1

Integer = Annotated[int, Ge(-MAX_INTEGER), Le(MAX_INTEGER)]
Natural = Annotated[int, Ge(0), Le(MAX_INTEGER)]
Positive = Annotated[int, Ge(1), Le(MAX_INTEGER)]
