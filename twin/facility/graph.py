"""The facility: equipment as the nodes of a graph, joined ports as its edges, and questions that the graph answers."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from twin.components.base import Component
from twin.components.hall import Site
from twin.facility.files import LayoutError, hint
from twin.facility.output import target, whole
from twin.facility.sections import Economics, Serving
from twin.facility.structure import CARRIERS, Connection, Island, Loop, Outage, Structure
from twin.kernels.later import later

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = later("networkx")

MAX_KINDS = 5
"""Kinds that the short text of a facility counts."""

_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, repr=False)
class Facility:
    """A validated layout: components by name, joined ports, site, prices and cases.

    Its graphs and what they answer are worked out when first asked for; a component out of service by its `in_service`
    passes and supplies no power.
    """

    name: str
    source: str
    description: str
    site: Site
    components: Mapping[str, Component] = field(repr=False)
    connections: tuple[Connection, ...] = field(repr=False)
    models: Mapping[str, str] = field(repr=False)
    serving: Serving
    economics: Economics
    ignore: tuple[str, ...]
    cases: Mapping[str, Mapping[str, object]] = field(repr=False)
    spec: Mapping[str, object] = field(repr=False)

    @cached_property
    def structure(self) -> Structure:
        """The wiring as graphs; the methods below ask it."""
        return Structure(self.name, self.components, self.connections, self.models)

    @cached_property
    def out_of_service(self) -> frozenset[str]:
        """Names of components that are out of service as laid out."""
        return frozenset(n for n, p in self.components.items() if getattr(p, "in_service", True) is False)

    @cached_property
    def outdoors(self) -> tuple[str, ...]:
        """Names of components that belong in a room and name none, sorted."""
        return tuple(sorted(n for n, p in self.components.items() if p.sheltered and p.room is None))

    @cached_property
    def platforms(self) -> frozenset[str]:
        """Platforms of the racks."""
        serves = {cls for cls in set(map(type, self.components.values())) if "platform" in cls.model_fields}
        return frozenset(vars(p)["platform"] for p in self.components.values() if type(p) in serves) - {""}

    @property
    def graph(self) -> nx.MultiGraph:
        """Equipment and its joined ports, frozen; `to_networkx` gives a copy to change.

        Nodes are components: `kind`, `dimension`, `room` ("" outdoors), `model` (its catalogue entry or type),
        `in_service`. Edges are connections: `carrier` (power, coolant, air), `start`, `start_port`, `end`, `end_port`:
        which port of which component, whichever way the edge is walked.

        >>> hall.graph.nodes["cdu1"]["kind"]
        """
        return self.structure.equipment

    @property
    def ports(self) -> nx.DiGraph:
        """Ports, joined by connections and by the passages inside components, frozen.

        Nodes are (component, port): `carrier`, `cords`. Edges are ways that the carrier can take: `component` that is
        passed through, "" for a connection, and `one_way`. Whether equipment is in service is left out of account.
        """
        return self.structure.ports

    def feeds(self, name: str) -> tuple[str, ...]:
        """Names of all that power reaches through a component: equipment in service behind it, down to the consumers.

        Power can go from a source through it to each of them without passing anything twice; on a ring this is so both
        ways round. Raises LayoutError for an unknown name.

        >>> twin.load("gb300_hall").feeds("bus_a11")
        """
        return self.structure.feeds(name)

    def fed_by(self, name: str) -> tuple[str, ...]:
        """Names of sources and of all in between that can feed a component; the converse of `feeds`.

        >>> twin.load("gb300_hall").fed_by("ring_a")
        """
        return self.structure.fed_by(name)

    def path(self, a: str, b: str, carrier: str = "power") -> tuple[str, ...]:
        """Names of components on a shortest way of a carrier from one to another, both included; none if there is none.

        Power goes through converters one way, and nowhere through consumers and what is out of service. Raises
        LayoutError for an unknown name or carrier.

        >>> twin.load("gb300_hall").path("utility", "r101")
        """
        return self.structure.path(a, b, carrier)

    def dark(self, without: Iterable[str] = ()) -> Outage:
        """Which consumers lose all feeds, and which lose some, with these components out of service.

        without: names of any components, beside what the layout has out of service. Of a consumer that is itself taken
        out nothing is said. Raises LayoutError for an unknown name.

        >>> print(twin.load("gb300_hall").dark(without=["feeder_a"]))
        """
        return self.structure.dark(without)

    def loops(self) -> tuple[Loop, ...]:
        """Coolant loops: their components, fluid, and where their pressure is held. A CDU is in two of them.

        >>> for loop in twin.load("gb300_hall").loops(): print(loop)
        """
        return self.structure.loops()

    def islands(self) -> tuple[Island, ...]:
        """Electrical islands: parts of the power train that converters separate, with what feeds each of them.

        >>> for island in twin.load("gb300_hall").islands(): print(island)
        """
        return self.structure.islands()

    def to_networkx(self, carrier: str | None = None) -> nx.MultiGraph:
        """A copy of `graph` to work on, with the connections of one carrier and what they join if one is named.

        Raises LayoutError for an unknown carrier.

        >>> nx.degree_centrality(twin.load("gb300_hall").to_networkx("coolant"))
        """
        if carrier is None:
            return self.graph.copy()
        if carrier not in CARRIERS:
            raise LayoutError(self.name, [f"to_networkx: no carrier {carrier!r}{hint(carrier, CARRIERS)}"])
        graph = self.graph.copy()
        graph.remove_edges_from([(u, v, k) for u, v, k, c in graph.edges(keys=True, data="carrier") if c != carrier])
        graph.remove_nodes_from(list(nx.isolates(graph)))
        return graph

    def write_graphml(self, path: str | Path) -> Path:
        """Write `graph` as GraphML, for networkx.read_graphml, Gephi, yEd and others; the path comes back.

        Written whole or not at all. Raises LayoutError for an ending other than .graphml, a missing folder, a file
        that cannot be written, or a text that XML cannot hold.
        """
        path = target(path, (".graphml",))
        for name in (self.name, *self.components, *self.models.values()):
            if _NO_XML.search(name):
                raise LayoutError(f"output {path}", [f"{name!r} has a character that GraphML cannot hold; rename it"])
        with whole(path) as partial:
            nx.write_graphml_xml(self.graph, partial, named_key_ids=True)
        return path

    @cached_property
    def hash(self) -> str:
        """Content hash of the layout, independent of the order of components; quantities count as they are written."""
        return hashlib.sha256(json.dumps(self.spec, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def count(self) -> dict[str, int]:
        """How many components of each kind."""
        counts: dict[str, int] = {}
        for part in self.components.values():
            counts[part.kind] = counts.get(part.kind, 0) + 1
        return dict(sorted(counts.items()))

    def __repr__(self) -> str:
        racks = {part.kind for part in self.components.values() if part.shapes_air == "rack"}
        counts = sorted(self.count().items(), key=lambda item: (item[0] not in racks, -item[1]))
        shown = [f"{count} {kind}" for kind, count in counts[:MAX_KINDS]]
        return f"<Facility {self.name}: {', '.join([*shown, *['...'] * (len(counts) > MAX_KINDS)])}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(kind.replace('_', ' '))}</td><td>{n:,}</td></tr>" for kind, n in self.count().items()
        )
        return f"<b>{html.escape(self.name)}</b><br>{html.escape(self.description)}<table>{rows}</table>"
