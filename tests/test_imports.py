"""No module imports itself, however indirectly."""

from __future__ import annotations

from graphlib import TopologicalSorter

from grimp import build_graph


def test_modules_have_no_circle():
    graph = build_graph("tams", exclude_type_checking_imports=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    order = list(TopologicalSorter(imports).static_order())
    assert len(order) == len(graph.modules)
    assert order.index("tams.errors") < order.index("tams.domain.timerange")
    assert order.index("tams.app") > order.index("tams.api.segments")
