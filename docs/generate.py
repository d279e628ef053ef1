"""Write the pages of `docs/` that follow from the code: `make docs`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from grimp import build_graph

from docs import vast_rows
from tams.conformance import access
from tams.conformance.report import markdown, not_checked
from tams.conformance.run import Result, Runner
from tams.conformance.server import Server
from tams.conformance.suite import CHECKS
from tams.settings import PREFIX, Settings
from tams.settings.aliases import RENAMED, TRANSLATED
from tams.settings.idle import IDLE

HERE = Path(__file__).parent


def settings_page() -> str:
    """The settings, one row each; where they come from; and other names for them."""
    rows = [
        "# Settings",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = f"`{_default(field.default)}`" if _default(field.default) else "empty"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join([*rows, "", *_SOURCES, "", *_documents_names(), ""])


_SOURCES = """## Where values come from

Settings are read once at start, from what is there of these; an earlier one wins:

1. the options `--host`, `--port`, `--data-dir` and `--workers` of `tams serve`,
2. variables of the environment,
3. the lines `NAME=value` of `.env` in the working directory; `TAMS_ENV_FILE` names another file, or
   none if it is empty. [env.example](../env.example) lists them all with their defaults:
   `cp env.example .env`. Nothing is put in for `$NAME`, and no value goes over several lines.
   Whoever may write there decides what the server does,
4. a file of settings in JSON, or TOML if its name ends so: the one that `TAMS_CONFIG` names, none
   if that is empty, else `/etc/tams/config.json` if it is there. Its names are those of the
   variables, also small and without `TAMS_`:
   `{"port": 9000, "cors_origins": ["https://editor.example"]}`,
5. the defaults.

`tams serve`, `tams worker` and `tams admin` read the same. An unknown `TAMS_` name stops the start,
as does an unknown name in the file, and the message says where it stands; other names in `.env` are
left to others. `TAMS_SPEC_DIR` (where tests find the official documents) and the `TAMS_API_` names
(the server that client commands speak to, and what they show it) are known, and the server ignores
them. `TAMS_LOG_LEVEL=DEBUG` says where each value came from.""".splitlines()


def _documents_names() -> list[str]:
    rows = """## Names of the vendor's documents

are understood too, so that a file written for that system serves here. Each counts only where
nothing has our own name for it. From the environment are taken those that begin with `S3_`, `VAST_`
or `TAMS_`, and `PORT`; the others, which shells and programs set for themselves (`HOST`, `DEBUG`,
`SECRET_KEY`), from `.env` and the file alone. What a name asks for and does not get is said in the
log at the start; no check of the standard can be turned off.

| name | what it is here |
|---|---|""".splitlines()
    told = {
        **{name: f"`{PREFIX}{field.upper()}`" for name, field in RENAMED.items()},
        **TRANSLATED,
        **{name: f"nothing: {idle.done}" for name, idle in IDLE.items()},
    }
    return [*rows, *(f"| `{name}` | {what} |" for name, what in told.items())]


def env_example() -> str:
    """Every setting with its default, for `cp env.example .env`."""
    rows = [
        "# Every setting with its default, written by `make docs`. To change some:",
        "# cp env.example .env, and take the # away before them. See docs/settings.md.",
    ]
    for name, field in Settings.model_fields.items():
        rows += ["", *(f"# {line}" for line in wrap(field.description or "", 95))]
        rows.append(f"#{PREFIX}{name.upper()}={_default(field.default)}")
    return "\n".join([*rows, ""])


def _default(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def conformance_page() -> str:
    """What a run of the checks against this server finds, and the statements without a check."""
    with tempfile.TemporaryDirectory() as folder:
        return conformance_page_of(asyncio.run(_checked(Path(folder))))


def conformance_page_of(results: Sequence[Result]) -> str:
    """The same of a run that found this."""
    rows = [
        "# Conformance",
        "",
        "What `tams conformance` finds of this server: its catalogue is SQLite here, and the test",
        "suite runs the same checks on PostgreSQL too. The level is the standard's: must, should,",
        "may, implied by a schema or table; or decided by us where the text is silent. Every check",
        "of a must or of what is implied is shown to fail on a server that does one thing wrong.",
        "",
        *markdown(results),
        "",
        *(f"{line[0].upper()}{line[1:]}." for line in not_checked()),
        "",
        "[Why](decisions/0010-statements-that-do-not-hold.md), one by one.",
        "",
    ]
    return "\n".join(rows)


async def _checked(folder: Path) -> list[Result]:
    """Every check, each file of them on a new server, so that none works off what others left."""
    results: list[Result] = []
    for room, checks in groupby(CHECKS, lambda check: check.run.__module__):
        place = folder / f"{len(results)}"
        place.mkdir()
        async with _server(room, place) as server:
            # One at a time: the clock that a check puts forward is everyone's.
            runner = Runner(server, lambda _: None, at_once=1)
            results += (await runner.run(checks))[0]
    return results


def _server(room: str, place: Path) -> AbstractAsyncContextManager[Server]:
    """A server of ours; for the checks of access, one that asks who calls."""
    from tests.authority import visiting
    from tests.serving import serving

    if room == access.__name__:
        return visiting(place)
    return serving(place, f"sqlite:///{place}/catalogue.sqlite")


def imports_page() -> str:
    """A drawing of which room imports which."""
    graph = build_graph("tams", exclude_type_checking_imports=False, cache_dir=None)
    rooms = {module.split(".")[1] for module in graph.modules if "." in module} - {"__main__"}
    arrows = {
        (_room(importer), _room(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    rows = [
        "# Imports",
        "",
        "Which room imports which, drawn from the code. `make lint` holds the rules of",
        "[CONTRIBUTING](../CONTRIBUTING.md); a test holds the modules to have no circle.",
        "",
        "```mermaid",
        "graph TD",
    ]
    rows += [
        f"    {importer} --> {imported}"
        for importer, imported in sorted(arrows)
        if importer != imported and {importer, imported} <= rooms
    ]
    return "\n".join([*rows, "```", ""])


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


PAGES = {
    "vast-tams.md": vast_rows.page,
    "settings.md": settings_page,
    "../env.example": env_example,
    "conformance.md": conformance_page,
    "imports.md": imports_page,
}


def main() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


if __name__ == "__main__":
    main()
