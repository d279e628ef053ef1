"""No module imports itself, however indirectly."""

from __future__ import annotations

import sys
from graphlib import TopologicalSorter

from grimp import build_graph


def test_modules_have_no_circle():
    graph = build_graph("tams", exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    order = list(TopologicalSorter(imports).static_order())
    assert len(order) == len(graph.modules)
    assert order.index("tams.errors") < order.index("tams.domain.timerange")
    assert order.index("tams.app.running") > order.index("tams.api.segments")


def test_commands_that_speak_to_a_server_use_the_client_library_alone():
    graph = build_graph(
        "tams", include_external_packages=True, exclude_type_checking_imports=False, cache_dir=None
    )
    commands = ["tams.cli.ingest", "tams.cli.export", "tams.cli.ls", "tams.cli.remote"]
    commands.append("tams.cli.upload")
    used = {
        module.split(".")[1] if module.startswith("tams.") else module
        for command in commands
        for module in graph.find_modules_directly_imported_by(command)
    }
    ours = {"tams", "cli", "client", "domain", "errors", "rich", "typer"}
    assert used & ours == ours
    assert used - ours <= set(sys.stdlib_module_names) - {"http", "socket", "urllib"}
