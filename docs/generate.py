"""Write the pages of `docs/` that follow from the code: `make docs`."""

from __future__ import annotations

from pathlib import Path

from grimp import build_graph

from tams.conformance.left_out import LEFT_OUT
from tams.conformance.statements import LEVELS
from tams.conformance.suite import CHECKS
from tams.settings import PREFIX, Settings

HERE = Path(__file__).parent


def settings_page() -> str:
    """The settings, one row each."""
    rows = [
        "# Settings",
        "",
        (
            "Every setting is an environment variable, read once at start. An unknown `TAMS_` name "
            "stops the start. `tams serve --host --port --data-dir` win over their variables."
        ),
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else "empty"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    rows += [
        "",
        (
            "`TAMS_SPEC_DIR` (where tests find the official documents) and `TAMS_API_BASE_URL` "
            "(the server that client commands speak to) are known names that the server ignores."
        ),
        "",
    ]
    return "\n".join(rows)


def conformance_page() -> str:
    """The statements of the standard that have a check, and those that have none yet."""
    rows = [
        "# Conformance",
        "",
        "What `tams/conformance/` checks over HTTP, run by the test suite on both catalogues. The",
        "level is the standard's: must, should, may, implied by a schema or table; or decided by",
        "us where the text is silent.",
        "",
        "| statement | level | rule |",
        "|---|---|---|",
    ]
    for check in CHECKS:
        rule = " ".join(check.rule.split()).replace("|", "\\|")
        rows.append(f"| {check.number} | {LEVELS[check.level]} | {rule} |")
    left_out = ", ".join(map(str, sorted(LEFT_OUT)))
    rows += ["", f"Not checked yet, since what they speak of is not there yet: {left_out}.", ""]
    return "\n".join(rows)


def imports_page() -> str:
    """A drawing of which room imports which."""
    graph = build_graph("tams", exclude_type_checking_imports=False)
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
    "settings.md": settings_page,
    "conformance.md": conformance_page,
    "imports.md": imports_page,
}


def main() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


if __name__ == "__main__":
    main()
