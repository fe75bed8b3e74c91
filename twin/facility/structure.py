"""What the wiring alone says: what feeds what, what goes dark, coolant loops, electrical islands, faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from twin.components.base import REGISTRY, Component
from twin.facility.files import LayoutError, hint
from twin.kernels.later import later

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = later("networkx")

End = tuple[str, str]
"""A component and its port."""

Connection = tuple[str, End, End]
"""A carrier and the two ports that are joined."""

CARRIERS = ("power", "coolant", "air")
SUPPLY: End = ("", "supply")
"""Where all power comes from: the node before every source."""


# ---- answers -----------------------------------------------------------------------------------------------------


class Outage(NamedTuple):
    """What stands without power when components are out of service.

    without: the components taken out. dark: consumers with no live feed. reduced: consumers that have lost some of
    their feeds and not all, with the feeds that are live and those they have.
    """

    without: tuple[str, ...]
    dark: tuple[str, ...]
    reduced: dict[str, tuple[int, int]]

    def __str__(self) -> str:
        reduced = {name: f"{name} {live} of {feeds} feeds" for name, (live, feeds) in self.reduced.items()}
        return f"dark: {_some(self.dark)}; reduced: {_some(list(reduced.values()))}"


class Loop(NamedTuple):
    """A coolant loop: what is joined by coolant ports and passages.

    components: that it passes. fluid: that fills it. references: components that hold its pressure; none in a loop
    that cannot be solved.
    """

    components: tuple[str, ...]
    fluid: str
    references: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.fluid}, pressure at {_some(self.references)}: {_some(self.components)}"


class Island(NamedTuple):
    """A part of the power train that conductors in service hold together; converters stand between two.

    components: with a terminal in it. sources: utilities and generators in service in it. converters: in service, that
    feed it from another island. live: whether power reaches it.
    """

    components: tuple[str, ...]
    sources: tuple[str, ...]
    converters: tuple[str, ...]
    live: bool

    def __str__(self) -> str:
        fed = _some((*self.sources, *self.converters)) if self.live else "nothing live"
        return f"fed by {fed}: {_some(self.components)}"


def _some(names: Sequence[str], most: int = 4) -> str:
    """The first few names and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


# ---- structure ---------------------------------------------------------------------------------------------------


class Structure:
    """The wiring of a facility as graphs, each built when first needed, and the questions that they answer.

    Out of service, a component passes no power and supplies none; the cables on its terminals stay joined, as in the
    solve.
    """

    def __init__(
        self,
        name: str,
        components: Mapping[str, Component],
        connections: Iterable[Connection],
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.models = name, models or {}
        self.components = dict(sorted(components.items()))
        self.connections = sorted(connections)
        self._ways = {cls: cls.ways() for cls in {type(part) for part in components.values()}}

    @cached_property
    def equipment(self) -> nx.MultiGraph:
        """Components and their joined ports, frozen; see `Facility.graph`."""
        graph = nx.MultiGraph(name=self.name)
        for name, part in self.components.items():
            graph.add_node(
                name,
                kind=part.kind,
                dimension=part.dimension,
                room=part.room or "",
                model=self.models.get(name, part.kind),
                in_service=_on(part),
            )
        for carrier, (a, port_a), (b, port_b) in self.connections:
            graph.add_edge(a, b, carrier=carrier, start=a, start_port=port_a, end=b, end_port=port_b)
        return nx.freeze(graph)

    @cached_property
    def ports(self) -> nx.DiGraph:
        """Ports, joined by connections and by the passages inside components, frozen; see `Facility.ports`."""
        graph = nx.DiGraph(name=self.name)
        for name, part in self.components.items():
            for port, spec in part.ports.items():
                graph.add_node((name, port), carrier=spec.carrier, cords=spec.cords)
            for way in self._ways[type(part)]:
                _join(graph, (name, way.start), (name, way.end), name, way.one_way)
        cords = graph.nodes(data="cords")
        for _, *ends in sorted((c, *sorted(ends)) for c, *ends in self.connections):
            taking = [end for end in ends if cords[end]]
            if len(taking) == 2:
                continue
            start, end = reversed(ends) if cords[ends[0]] else ends
            _join(graph, start, end, "", bool(taking))
        return nx.freeze(graph)

    @cached_property
    def power(self) -> nx.DiGraph:
        """The ports of power, without what is out of service, and the sources behind SUPPLY."""
        ports, parts = self.ports, self.components
        graph = nx.DiGraph()
        graph.add_nodes_from((n, d) for n, d in ports.nodes.items() if d["carrier"] == "power")
        graph.add_edges_from(
            (u, v, d) for u, v, d in ports.edges.data() if u in graph and (u[0] != v[0] or _passes(d, parts))
        )
        graph.add_node(SUPPLY, carrier="power", cords=False)
        for name, part in parts.items():
            graph.add_edges_from((SUPPLY, (name, port), {"component": name}) for port in part.sources if _on(part))
        return graph

    @cached_property
    def feeds_of(self) -> dict[str, tuple[tuple[End, End], ...]]:
        """Consumers by name, with the edges that end in their ports with cords."""
        graph, feeds = self.power, {}
        for end, cords in graph.nodes(data="cords"):
            if cords and graph.in_degree(end):
                feeds[end[0]] = feeds.get(end[0], ()) + tuple(graph.in_edges(end))
        return feeds

    # ---- power ----

    def dark(self, without: Iterable[str] = ()) -> Outage:
        """See `Facility.dark`."""
        out = tuple(sorted({without} if isinstance(without, str) else set(without)))
        self._known(*out)
        graph, gone = self.power, set(out)
        cut = [(u, v) for u, v, name in graph.edges(_ends(self.components, out), "component") if name in gone]
        cut += [(SUPPLY, v) for v in graph[SUPPLY] if v[0] in gone]
        live = nx.descendants(nx.restricted_view(graph, (), cut) if cut else graph, SUPPLY)
        dark, reduced = [], {}
        for name, feeds in sorted(self.feeds_of.items()):
            count = sum(start in live for start, _ in feeds)
            if name in gone or count == len(feeds):
                continue
            if count:
                reduced[name] = count, len(feeds)
            else:
                dark.append(name)
        return Outage(out, tuple(dark), reduced)

    def islands(self) -> tuple[Island, ...]:
        """See `Facility.islands`."""
        power = self.power
        live = nx.descendants(power, SUPPLY)
        feeding = {v: name for _, v, name in _one_way(power)}
        islands = []
        for ends in nx.connected_components(_conductors(power)):
            consumers = {v[0] for u in ends for v in power[u] if power.nodes[v]["cords"]}
            names = {name for name, _ in ends} | consumers
            if not consumers and not any(self._connected(end) for end in ends):
                continue
            sources = {v[0] for v in power[SUPPLY] if v in ends}
            converters = {feeding[e] for e in ends if e in feeding}
            fields = (tuple(sorted(x)) for x in (names, sources, converters))
            islands.append(Island(*fields, live=not live.isdisjoint(ends)))
        return tuple(sorted(islands))

    def _connected(self, end: End) -> bool:
        return any(not edge["component"] for edge in self.ports.pred[end].values())

    def feeds(self, name: str) -> tuple[str, ...]:
        """See `Facility.feeds`."""
        self._known(name)
        blocks, reached = self.blocks, set()
        stack = list(blocks.of.get(name, ()))
        seen = set(stack)
        while stack:
            block = stack.pop()
            for v in blocks.beyond[block]:
                reached |= {w[0] for w in (v, *self.power[v]) if self._takes(w)}
                onward = [b for b in blocks.under.get(v, ()) if b not in seen]
                onward += [b for c in blocks.behind.get(v, ()) for b in blocks.of.get(c, ()) if b not in seen]
                seen.update(onward)
                stack += onward
        return tuple(sorted(reached - {name}))

    def fed_by(self, name: str) -> tuple[str, ...]:
        """See `Facility.fed_by`."""
        self._known(name)
        blocks, upstream = self.blocks, set()
        ends = [(name, port) for port in self.components[name].ports if self._takes((name, port))]
        stack = [u for end in ends for u in ((end,) if end in blocks.over else self.power.pred[end])]
        seen: set[int] = set()
        while stack:
            block = blocks.over.get(stack.pop())
            if block is None or block in seen:
                continue
            seen.add(block)
            upstream |= blocks.inside[block]
            stack.append(blocks.entry[block])
            stack += [v for c in blocks.inside[block] for v in blocks.before.get(c, ())]
        return tuple(sorted(upstream - {name}))

    @cached_property
    def blocks(self) -> _Blocks:
        """The power train as a tree of blocks, grown from SUPPLY."""
        return _blocks(self.power)

    def _takes(self, end: End) -> bool:
        """Whether a component in service takes power at one of its ports."""
        if end == SUPPLY or self.power.nodes.get(end) is None:
            return False
        part = self.components[end[0]]
        leaving = {way.end for way in self._ways[type(part)] if way.one_way}
        return _on(part) and end[1] not in leaving and end[1] not in part.sources

    # ---- all carriers ----

    def path(self, a: str, b: str, carrier: str = "power") -> tuple[str, ...]:
        """See `Facility.path`."""
        self._known(a, b)
        if carrier not in CARRIERS:
            raise LayoutError(self.name, [f"path: no carrier {carrier!r}{hint(carrier, CARRIERS)}"])
        graph = self.power if carrier == "power" else self.ports
        ends = [
            [(n, port) for port, spec in self.components[n].ports.items() if spec.carrier == carrier] for n in (a, b)
        ]
        paths = []
        for start in ends[0]:
            for end in ends[1]:
                if nx.has_path(graph, start, end):
                    names = [name for name, _ in nx.shortest_path(graph, start, end)]
                    paths.append([n for i, n in enumerate(names) if i == 0 or names[i - 1] != n])
        return tuple(min(paths, key=len)) if paths else ()

    def loops(self) -> tuple[Loop, ...]:
        """See `Facility.loops`."""
        ports = self.ports
        coolant = nx.Graph((u, v) for u, v in ports.edges if ports.nodes[u]["carrier"] == "coolant")
        loops = []
        for ends in nx.connected_components(coolant):
            parts = {name: self.components[name] for name, _ in ends}
            fluids = {f for n, part in parts.items() for port, f in part.fills().items() if (n, port) in ends}
            held = {n for n, part in parts.items() for port in part.holds() if (n, port) in ends}
            loops.append(Loop(tuple(sorted(parts)), " and ".join(sorted(fluids)) or "water", tuple(sorted(held))))
        return tuple(sorted(loops))

    def _known(self, *names: str) -> None:
        faults = [f"no component {n!r}{hint(n, self.components)}" for n in names if n not in self.components]
        if faults:
            raise LayoutError(self.name, faults)


def _on(part: Component) -> bool:
    """Whether a component is in service; one without such a field always is."""
    return bool(getattr(part, "in_service", True))


def _passes(edge: Mapping[str, str], parts: Mapping[str, Component]) -> bool:
    return not edge["component"] or _on(parts[edge["component"]])


def _join(graph: nx.DiGraph, start: End, end: End, component: str, one_way: bool) -> None:
    graph.add_edge(start, end, component=component, one_way=one_way)
    if not one_way:
        graph.add_edge(end, start, component=component, one_way=False)


def _ends(parts: Mapping[str, Component], names: Iterable[str]) -> list[End]:
    return [(n, port) for n in names for port in parts[n].ports]


def _one_way(power: nx.DiGraph) -> Iterator[tuple[End, End, str]]:
    """Passages that power takes in one direction only."""
    return ((u, v, d["component"]) for u, v, d in power.edges.data() if d.get("one_way") and d["component"])


def _conductors(power: nx.DiGraph) -> nx.Graph:
    """What joins ports of power both ways; consumers and SUPPLY are left out."""
    graph = nx.Graph()
    graph.add_nodes_from(n for n, cords in power.nodes(data="cords") if not cords and n != SUPPLY)
    graph.add_edges_from((u, v, d) for u, v, d in power.edges.data() if u != SUPPLY and not d["one_way"])
    return graph


class _Blocks(NamedTuple):
    """Blocks of the live power train (parts without a cut vertex) as a tree from SUPPLY.

    Within a block there is a way from any port to any other through any edge, so that power can pass through a
    component to whatever is in its block or beyond it, without passing anything twice.

    entry: port by which power enters a block. beyond: its other ports. inside: components that its edges pass through.
    over: block before a port. under: blocks behind a port. of: blocks of a component. before: where a converter takes
    power. behind: converters that take power at a port.
    """

    entry: list[End]
    beyond: list[set[End]]
    inside: list[set[str]]
    over: dict[End, int]
    under: dict[End, list[int]]
    of: dict[str, set[int]]
    before: dict[str, list[End]]
    behind: dict[End, list[str]]


def _blocks(power: nx.DiGraph) -> _Blocks:
    live = nx.descendants(power, SUPPLY)
    graph = _conductors(power)
    graph.add_edges_from((SUPPLY, v, d) for v, d in power[SUPPLY].items())
    converters = [(u, v, name) for u, v, name in _one_way(power) if u in live]
    graph.add_edges_from((SUPPLY, v, {"component": name}) for _, v, name in converters)
    graph.remove_nodes_from([n for n in graph if n != SUPPLY and n not in live])
    blocks = [list(edges) for edges in nx.biconnected_component_edges(graph)]
    ends = [set(chain.from_iterable(edges)) for edges in blocks]
    inside = [{graph.edges[e]["component"] for e in edges} - {""} for edges in blocks]
    at: dict[End, list[int]] = {}
    for block, members in enumerate(ends):
        for end in members:
            at.setdefault(end, []).append(block)
    entry, over = [SUPPLY] * len(blocks), {}
    stack = [SUPPLY]
    while stack:
        end = stack.pop()
        for block in at.get(end, ()):
            if block != over.get(end):
                entry[block] = end
                new = ends[block] - {end}
                over.update(dict.fromkeys(new, block))
                stack += new
    of: dict[str, set[int]] = {}
    for block, names in enumerate(inside):
        for name in names:
            of.setdefault(name, set()).add(block)
    before: dict[str, list[End]] = {}
    behind: dict[End, list[str]] = {}
    for u, _, name in converters:
        before.setdefault(name, []).append(u)
        behind.setdefault(u, []).append(name)
    under = {end: [b for b in blocks if b != over.get(end)] for end, blocks in at.items()}
    beyond = [members - {start} for members, start in zip(ends, entry, strict=True)]
    return _Blocks(entry, beyond, inside, over, under, of, before, behind)


# ---- faults ------------------------------------------------------------------------------------------------------


def faults(parts: Mapping[str, Component], joined: Sequence[Connection]) -> Iterator[str]:
    """What is wrong with the wiring, one sentence each: ports, feeds, power that comes from nowhere or goes round."""
    ends: dict[str, list[str]] = {}
    for _, (a, port_a), (b, port_b) in joined:
        ends.setdefault(port_a, []).append(a)
        ends.setdefault(port_b, []).append(b)
    used = {port: Counter(names) for port, names in ends.items()}
    types: dict[type[Component], list[str]] = {}
    for name, part in parts.items():
        types.setdefault(type(part), []).append(name)
    unjoined = sorted(_unjoined(types, used))
    yield from (text for _, text in sorted([*unjoined, *_crowded(parts, types, used)]))
    if not unjoined:
        yield from _unfed(parts, types, [(a, b) for carrier, a, b in joined if carrier == "power"])


Types = Mapping[type[Component], Sequence[str]]
"""Names of the components of every type."""

Used = Mapping[str, Mapping[str, int]]
"""How many connections end in a port, by port and component."""


def _unjoined(types: Types, used: Used) -> Iterator[tuple[str, str]]:
    """Components with ports that must be connected and are not, and a sentence on each."""
    for cls, names in types.items():
        missing: dict[str, list[str]] = {}
        for port in (port for port, spec in cls.ports.items() if spec.required):
            joined = used.get(port, {})
            for name in [n for n in names if n not in joined]:
                missing.setdefault(name, []).append(port)
        for name, ports in missing.items():
            if len(ports) > 1 and not any(name in used.get(port, {}) for port in cls.ports):
                yield name, f"{cls.kind} {name}: is not connected to anything; connect {', '.join(ports)}"
            else:
                for port in ports:
                    yield name, f"{cls.kind} {name}: port {port} is not connected ({cls.ports[port].carrier})"


def _crowded(parts: Mapping[str, Component], types: Types, used: Used) -> Iterator[tuple[str, str]]:
    """Components with ports that have more feeds than they take, and a sentence on each."""
    joint = next((kind for kind, cls in REGISTRY.items() if any(p.joins for p in cls.ports.values())), "board")
    for cls, names in types.items():
        for port, spec in cls.ports.items():
            single = port == "in" and spec.carrier == "power" and not spec.joins
            counts = used.get(port, {}) if spec.cords or single else {}
            for name in [n for n in names if counts.get(n, 0) > 1] if counts else ():
                count, cords = counts[name], parts[name].cords
                if not spec.cords:
                    yield name, f"{cls.kind} {name}: port in has {count} feeds; keep one, or join them at a {joint}"
                elif count > cords:
                    yield (
                        name,
                        f"{cls.kind} {name}: port {port} has {count} feeds but {cords} cord{'s' * (cords > 1)}; "
                        f"remove a connection or set `cords: {count}`",
                    )


def _unfed(parts: Mapping[str, Component], types: Types, cables: Sequence[tuple[End, End]]) -> Iterator[str]:
    """Power that comes from nowhere, or goes round through converters, were everything in service.

    A component all of whose ports of power are one passage is a single node here, by its name.
    """
    near: dict[End | str, list[End | str]] = {}
    one_way: list[tuple[End, End]] = []
    sources: list[End] = []
    parted: set[str] = set()
    for cls, names in types.items():
        sources += [(name, port) for name in names for port in cls.sources]
        ways = [way for way in cls.ways() if cls.ports[way.start].carrier == "power"]
        inside: dict[End | str, list[End | str]] = {}
        for start, end in ((a, b) for w in ways if not w.one_way for a, b in ((w.start, w.end), (w.end, w.start))):
            inside.setdefault(start, []).append(end)
        passing = [p for p, spec in cls.ports.items() if spec.carrier == "power" and not spec.cords]
        if len(set(_islands([*inside, *passing], inside).values())) > 1:
            parted.update(names)
            one_way += [((n, way.start), (n, way.end)) for way in ways if way.one_way for n in names]
            near.update(((n, str(p)), [(n, str(q)) for q in around]) for p, around in inside.items() for n in names)
    taking = {port for cls in types for port, spec in cls.ports.items() if spec.cords}
    mixed = {port for cls in types for port, spec in cls.ports.items() if not spec.cords} & taking
    fed: set[End | str] = set()
    for a, b in cables:
        takes_a = a[1] in taking and (a[1] not in mixed or parts[a[0]].ports[a[1]].cords)
        takes_b = b[1] in taking and (b[1] not in mixed or parts[b[0]].ports[b[1]].cords)
        node_a, node_b = a if a[0] in parted else a[0], b if b[0] in parted else b[0]
        if takes_b and not takes_a:
            fed.add(node_a)
        elif takes_a and not takes_b:
            fed.add(node_b)
        elif takes_a:
            yield f"{parts[a[0]].kind} {a[0]}: hangs on {'.'.join(b)}, which passes no power on; connect it to a board"
        else:
            near.setdefault(node_a, []).append(node_b)
            near.setdefault(node_b, []).append(node_a)
    supplied = [end if end[0] in parted else end[0] for end in sources]
    island = _islands([*near, *supplied, *chain.from_iterable(one_way), *fed], near)
    onward: dict[int, list[int]] = {}
    for start, end in one_way:
        onward.setdefault(island[start], []).append(island[end])
    yield from _circle(onward, island, one_way)
    lit, found = set[int](), [island[node] for node in supplied]
    while found:
        number = found.pop()
        if number not in lit:
            lit.add(number)
            found += onward.get(number, ())
    if not lit.issuperset(island.values()):
        dead = {node for node, number in island.items() if number not in lit}
        ends = {e for e in chain(*cables, *one_way) if not parts[e[0]].ports[e[1]].cords}
        yield from _hanging(parts, cables, {e for e in ends if e in dead or e[0] in dead}, one_way)


def _islands(nodes: Iterable[End | str], near: Mapping[End | str, list[End | str]]) -> dict[End | str, int]:
    """The number of the island that each node is in."""
    island: dict[End | str, int] = {}
    for number, first in enumerate(nodes):
        stack = [first] if first not in island else []
        while stack:
            node = stack.pop()
            if node not in island:
                island[node] = number
                stack += near.get(node, ())
    return island


def _circle(
    onward: Mapping[int, list[int]], island: Mapping[End | str, int], one_way: Sequence[tuple[End, End]]
) -> Iterator[str]:
    """Converters that feed each other."""
    try:
        TopologicalSorter(onward).prepare()
        return
    except CycleError:
        between = {(island[start], island[end]): start[0] for start, end in sorted(one_way, reverse=True)}
        cycle = nx.find_cycle(nx.DiGraph([(island[start], island[end]) for start, end in one_way]))
    names = [between[edge[:2]] for edge in cycle]
    first = names.index(min(names))
    names = names[first:] + names[: first + 1]
    yield f"converters feed each other in a circle: {' -> '.join(names)}; take one connection out"


def _hanging(
    parts: Mapping[str, Component],
    cables: Sequence[tuple[End, End]],
    dead: set[End],
    one_way: Sequence[tuple[End, End]],
) -> Iterator[str]:
    """Each part of the wiring that no source reaches, by the consumer that hangs on it, nearest equipment first."""
    graph = nx.Graph()
    graph.add_nodes_from(sorted({name for name, _ in dead}))
    graph.add_edges_from((a[0], b[0]) for a, b in sorted(cables) if {a, b} <= dead)
    feeds = [(b[0], a) for ends in cables for a, b in (ends, ends[::-1]) if a in dead and b not in dead]
    turned = {start[0] for start, end in one_way if start in dead and end not in dead}
    kinds = [kind.replace("_", " ") for kind, cls in REGISTRY.items() if cls.sources]
    remedy = " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    for names in sorted(map(sorted, nx.connected_components(graph))):
        hanging = sorted((n, end) for n, end in feeds if end[0] in names)
        consumers = sorted({n for n, _ in hanging})
        first = hanging[0][1][0] if hanging else names[0]
        around = [first, *(v for _, v in nx.bfs_edges(graph, first, sort_neighbors=sorted))]
        if consumers:
            more = f" (and {len(consumers) - 1:,} more)" if len(consumers) > 1 else ""
            text = f"{parts[consumers[0]].kind} {consumers[0]}{more}: its feed from {'.'.join(hanging[0][1])} has"
        else:
            text = f"{parts[first].kind} {first}: has"
            around = around[1:]
        text += f" no path to a {remedy}"
        text += f"; it hangs on {_some(around)}" if around else "; it hangs on nothing"
        back = sorted(turned.intersection(names))
        yield text + (f"; {back[0]} passes power one way only and is connected the wrong way round" if back else "")
