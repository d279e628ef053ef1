"""How a command says that it cannot do what was asked."""

from __future__ import annotations

from rich.console import Console

from tams.errors import TamsError
from tams.observability import masked


def tell(error: TamsError) -> None:
    """Say it in one line, without secrets."""
    line = " ".join(masked(f"tams: {error}").splitlines())
    Console(stderr=True).print(line, style="red", markup=False, soft_wrap=True)
