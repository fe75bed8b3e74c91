"""The facility as a graph: equipment as nodes, joined ports as edges."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx

from twin.components.base import Component
from twin.components.hall import Site
from twin.facility.sections import Economics, Serving


@dataclass(frozen=True)
class Facility:
    """A validated layout: components by name, joined ports, site, prices and cases."""

    name: str
    source: str
    description: str
    site: Site
    components: Mapping[str, Component] = field(repr=False)
    connections: tuple[tuple[str, tuple[str, str], tuple[str, str]], ...] = field(repr=False)
    models: Mapping[str, str] = field(repr=False)
    serving: Serving
    economics: Economics
    ignore: tuple[str, ...]
    cases: Mapping[str, Mapping[str, object]] = field(repr=False)
    spec: Mapping[str, object] = field(repr=False)

    @cached_property
    def graph(self) -> nx.MultiGraph:
        """The facility graph: nodes are components, edges join ports of one carrier."""
        graph = nx.MultiGraph(name=self.name)
        for name, part in self.components.items():
            graph.add_node(name, kind=part.kind)
        for carrier, (a, port_a), (b, port_b) in self.connections:
            graph.add_edge(a, b, carrier=carrier, ports=(port_a, port_b))
        return graph

    @cached_property
    def hash(self) -> str:
        """Content hash of the layout, independent of the order of components."""
        return hashlib.sha256(json.dumps(self.spec, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def count(self) -> dict[str, int]:
        """How many components of each kind."""
        counts: dict[str, int] = {}
        for part in self.components.values():
            counts[part.kind] = counts.get(part.kind, 0) + 1
        return dict(sorted(counts.items()))

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{kind.replace('_', ' ')}</td><td>{n}</td></tr>" for kind, n in self.count().items())
        return f"<b>{html.escape(self.name)}</b><br>{html.escape(self.description)}<table>{rows}</table>"
