"""Which racks lose power or cooling if equipment fails, by the wiring alone, before anything is solved.

Power: what no source reaches any more. Coolant: a stream flows while it is on a circuit with a pump that works, which
is so where both are in one biconnected part of the pipes [Hopcroft & Tarjan, Comm. ACM 16 (1973) 372]; a loop is cooled
while heat can leave it through a stream that flows: into something that rejects it, or through an exchanger into a loop
that is itself cooled. Rooms are cooled while equipment in them works whose coolant is. What loses power stands still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.columns import Index
from twin.elements import Cooler, Exchange, Fan, Pipe, Pump
from twin.facility.build import load
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.structure import SUPPLY
from twin.kernels.later import later
from twin.plant.compile import Plant, compile
from twin.plant.symmetry import alone
from twin.study.transfers import Switching, elements

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = later("networkx")


class Dependents(NamedTuple):
    """What depends on equipment that fails, by name.

    without: what fails. closed: standby equipment that comes into service by itself. unpowered: racks without a feed.
    reduced: racks that lose some feeds, with those that are live and all. uncooled: racks whose coolant, or whose room,
    loses its flow or its way to reject heat. stopped: other consumers that stand still for want of power.
    """

    without: tuple[str, ...]
    closed: tuple[str, ...]
    unpowered: tuple[str, ...]
    reduced: Mapping[str, tuple[int, int]]
    uncooled: tuple[str, ...]
    stopped: tuple[str, ...]

    @property
    def lost(self) -> tuple[str, ...]:
        """Racks that lose power or cooling."""
        return tuple(sorted({*self.unpowered, *self.uncooled}))

    def __str__(self) -> str:
        parts = [("lose power", self.unpowered), ("lose cooling", self.uncooled), ("lose a feed", tuple(self.reduced))]
        told = [f"{len(names):,} racks {what}" for what, names in parts if names]
        told += [f"{len(self.stopped):,} others stand still"] if self.stopped else []
        after = f", {', '.join(self.closed)} closed" if self.closed else ""
        return f"without {', '.join(self.without)}{after}: {', '.join(told) or 'no rack loses anything'}"


def dependents(
    layout: Any, *names: str, case: str | None = None, overrides: Mapping[str, object] | None = None
) -> Dependents:
    """Which racks lose power or cooling if equipment fails, whole, by the wiring alone.

    layout, case, overrides: as `twin.load` takes them. names: of what fails together. Standby equipment that is
    automatic comes into service. Nothing is solved: what is overloaded or too warm then, `contingencies` tells. Raises
    LayoutError for unknown names.

    >>> print(twin.dependents("gb300_hall", "fws_pumps"))
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    return Dependence(facility).without(names)


def single_points(
    layout: Any, *, case: str | None = None, overrides: Mapping[str, object] | None = None
) -> tuple[Dependents, ...]:
    """What depends on each element on which a rack depends by itself, by the wiring alone: single points of failure.

    layout, case, overrides: as `twin.load` takes them. In the order of the layout; empty if there is none. Raises
    LayoutError for bad input.

    >>> [d.without for d in twin.single_points("gb300_hall")]
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    known = Dependence(facility)
    found = (known.without([n]) for n in elements(facility))
    return tuple(d for d in found if d.lost)


class Dependence:
    """A facility as graphs of power and pipes, to ask many times."""

    def __init__(self, facility: Facility) -> None:
        self.facility = facility
        self.plant: Plant = compile(facility, None, alone(facility))
        names = self.plant.classes.wiring.names
        self._owner = {kind: [names[i] for i in rows.tolist()] for kind, rows in self.plant.owners.items()}
        self.racks = list(self.plant.engine.names)
        self._off = {n for n, p in facility.components.items() if not getattr(p, "in_service", True)}
        self._switching = Switching(facility)

    def without(self, names: Iterable[str]) -> Dependents:
        """What depends on equipment that fails together. Raises LayoutError for unknown names."""
        lost = tuple(dict.fromkeys(names))
        if not lost:
            raise LayoutError(self.facility.name, ["dependents: name what fails"])
        unknown = [n for n in lost if n not in self.facility.components]
        if unknown:
            raise LayoutError(
                self.facility.name, [f"no component {n!r}{hint(n, self.facility.components)}" for n in unknown]
            )
        racks = set(self.racks)
        transfer = self._switching.after(lost, planned=False)
        stopped = set(transfer.dark)
        still = (self._off - set(transfer.closed)) | {*transfer.opened, *lost, *stopped}
        return Dependents(
            lost,
            transfer.closed,
            tuple(sorted(stopped & racks)),
            {n: x for n, x in self._switching.reduced(lost, transfer).items() if n in racks - set(lost)},
            tuple(sorted(self._uncooled(still) - self._always - set(lost))),
            tuple(sorted(stopped - racks)),
        )

    def cut(self, rack: str) -> tuple[str, ...]:
        """A smallest set of equipment without which a rack has no power: as many ways lead to it that share nothing.

        By maximum flow through the power train, each component passing one [Menger; Ford & Fulkerson (1956)]. Empty
        where it has none. Raises LayoutError for what takes no power.
        """
        power, flow = self.facility.structure.power, nx.DiGraph()
        feeds = self.facility.structure.feeds_of.get(rack)
        if feeds is None:
            raise LayoutError(self.facility.name, [f"{rack}: takes no power"])
        for u, v, component in power.edges(data="component"):
            if component:
                flow.add_edge(u, ("in", component))
                flow.add_edge(("in", component), ("out", component), capacity=1)
                flow.add_edge(("out", component), v)
            else:
                flow.add_edge(u, v)
        for start, _ in feeds:
            flow.add_edge(start, "rack")
        if SUPPLY not in flow or not nx.has_path(flow, SUPPLY, "rack"):
            return ()
        _, (before, after) = nx.minimum_cut(flow, SUPPLY, "rack")
        return tuple(sorted(str(u[1]) for u in before if u[0] == "in" and ("out", u[1]) in after))

    @cached_property
    def _always(self) -> set[str]:
        """Racks that have no way for their heat as laid out."""
        dark = set(self.facility.dark().dark)
        return self._uncooled(self._off | dark)

    def _uncooled(self, still: set[str]) -> set[str]:
        """Racks whose heat has no way out, with equipment that stands still."""
        plant, count, parts = self.plant, len(self.plant.pipe.start), self.facility.components
        flows, loop = self._flowing(still), self._loops(still)

        def place(stream: int, owner: str) -> object:
            """The loop or room that a stream of some equipment is of, None where it stands still."""
            if owner in still:
                return None
            if stream >= count:
                return "room", parts[owner].room
            return ("loop", loop[int(plant.pipe.start[stream])]) if flows[stream] else None

        streams = [stream for cooler in plant.cooler for stream in cooler.stream.tolist()]
        cooled = {place(s, n) for s, n in zip(streams, self._owner[Cooler], strict=True)} - {None}
        ends = zip(plant.exchange.hot.tolist(), plant.exchange.cold.tolist(), self._owner[Exchange], strict=True)
        ways = [(place(hot, n), place(cold, n)) for hot, cold, n in ends]
        while more := {hot for hot, cold in ways if hot is not None and cold in cooled} - cooled:
            cooled |= more
        coolers = (*self._owner[Fan], *self._owner[Exchange], *self._owner[Cooler])
        rooms = {("room", parts[n].room) for n in coolers if parts[n].room}
        lost = set[str]()
        for name, stream in zip(plant.engine.names, plant.engine.stream.tolist(), strict=True):
            room = "room", parts[name].room
            liquid = place(stream, name) if stream < count else room
            if (stream < count and liquid not in cooled) or (room in rooms and room not in cooled):
                lost.add(name)
        return lost

    def _flowing(self, still: set[str]) -> Index:
        """Whether each pipe is on a circuit with a pump that works (pipe,)."""
        pipe, owner = self.plant.pipe, self._owner[Pipe]
        pumps = {int(p) for p, n in zip(self.plant.pump.pipe, self._owner[Pump], strict=True) if n not in still}
        open_ = [i for i in range(len(pipe.start)) if owner[i] not in still]
        graph = nx.Graph()
        middle = {i: ("pipe", i) for i in open_}  # each pipe as a vertex, so that parallel ones are told apart
        for i in open_:
            graph.add_edge(int(pipe.start[i]), middle[i])
            graph.add_edge(middle[i], int(pipe.end[i]))
        flows = np.zeros(len(pipe.start), bool)
        for part in nx.biconnected_components(graph):
            inside = [v[1] for v in part if isinstance(v, tuple)]
            if len(part) > 2 and not pumps.isdisjoint(inside):
                flows[inside] = True
        return flows

    def _loops(self, still: set[str]) -> dict[int, int]:
        """The number of the coolant loop of each node."""
        pipe, owner = self.plant.pipe, self._owner[Pipe]
        graph = nx.Graph()
        graph.add_nodes_from({*pipe.start.tolist(), *pipe.end.tolist()})
        for i, (a, b) in enumerate(zip(pipe.start.tolist(), pipe.end.tolist(), strict=True)):
            if owner[i] not in still:
                graph.add_edge(a, b)
        return {node: k for k, part in enumerate(nx.connected_components(graph)) for node in part}
