"""compile(facility, scenarios) -> Plant: names become indices, here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin import fluids
from twin.components.base import REGISTRY, Component
from twin.components.hall import Room
from twin.elements import (
    POWER_BASE,
    VENT,
    Anchor,
    Array,
    Bypass,
    Constant,
    Converter,
    Cooler,
    Cost,
    Engine,
    Exchange,
    Fan,
    Gain,
    Heat,
    Intake,
    Layer,
    Level,
    Limit,
    Line,
    Load,
    Loss,
    Medium,
    Pipe,
    Plant,
    Pump,
    Ref,
    Report,
    Serving,
    Source,
    Tally,
    Vent,
    Zone,
)
from twin.facility import Facility, LayoutError
from twin.kernels import elimination, power_flow, streams
from twin.scenarios import read

TIE = 1e-6
"""Per-unit reactance, on its own rating, between a regulated source and its bus."""

ROOM_AIR = 297.15
"""Dry bulb at which fans of racks and room coolers move their volume, K."""

Key = tuple[str, str]


class Table:
    """All instances of one type: each numeric field a column (instance, 1|S), each port an index array."""

    def __init__(self, compiler: _Compiler, cls: type[Component], names: list[str], columns: dict[str, Array]) -> None:
        self._compiler, self._cls, self._columns = compiler, cls, columns
        self.names, self.n, self.kind, self.dimension, self.heading = (
            names,
            len(names),
            cls.kind,
            cls.dimension,
            cls.heading,
        )
        self.site = compiler.site
        self.__dict__.update(columns)

    def __getitem__(self, name: str) -> list[Any]:
        """Raw values of a field that is no number."""
        return [getattr(self._compiler.facility.components[n], name) for n in self.names]

    def node(self, port: str) -> Array:
        """Node (coolant, air) or bus (power) of a port for each instance."""
        return self._compiler.nodes([(n, port) for n in self.names], self._cls.ports[port].carrier)

    def inner(self, tag: str) -> Array:
        """A node inside each instance."""
        return self._compiler.nodes([(n, f":{tag}") for n in self.names], "air")

    def feeds(self, port: str) -> tuple[Array, Array, Array]:
        """Instance, bus and share of every feed, shares adding up to one in each instance."""
        row, bus, share = [], [], []
        for i, n in enumerate(self.names):
            ends = self._compiler.feeds[(n, port)]
            given = getattr(self._compiler.facility.components[n], "shares", None) or [1.0 / len(ends)] * len(ends)
            row += [i] * len(ends)
            bus += ends
            share += [s / sum(given[: len(ends)]) for s in given[: len(ends)]]
        return np.array(row), self._compiler.nodes(bus, "power"), np.array(share)[:, None]

    def only(self, rows: Array) -> Table:
        """The same table with some of its instances."""
        kept = [n for n, keep in zip(self.names, rows, strict=True) if keep]
        return Table(self._compiler, self._cls, kept, {k: v[rows] for k, v in self._columns.items()})

    def times(self, names: str, factor: Array) -> Table:
        """The same table with some columns multiplied."""
        scaled = {k: self._columns[k] * factor for k in names.split()}
        return Table(self._compiler, self._cls, self.names, self._columns | scaled)

    @cached_property
    def own(self) -> SimpleNamespace:
        """Air nodes of the rooms of this table."""
        return self._compiler.air(self.names)

    @cached_property
    def room(self) -> SimpleNamespace:
        """Air nodes, zone and dew point limit of the room that each instance stands in; outdoors without one."""
        parts = self._compiler.facility.components
        return self._compiler.air([parts[n].room or "" for n in self.names])


class _Compiler:
    """Collects elements while components lower themselves."""

    def __init__(self, facility: Facility, scenarios: Mapping[str, Any]) -> None:
        self.facility = facility
        self.columns, self.site_values, self.size, self.coordinates = read(facility, scenarios)
        self.index: dict[str, dict[Key, int]] = {"thermal": {}, "power": {}}
        self.parts: dict[type, list[Any]] = {}
        self.counts: dict[type, int] = {}
        self.root, self.feeds = _join(facility)
        self.site = self._site()
        self.rooms = {
            n: i for i, n in enumerate(sorted(n for n, p in facility.components.items() if isinstance(p, Room)))
        }

    def nodes(self, keys: Sequence[Key], carrier: str) -> Array:
        """Indices of joined ports, numbered when first seen."""
        index = self.index["power" if carrier == "power" else "thermal"]
        root = self.root
        return np.array([index.setdefault(root.get(k, k), len(index)) for k in keys], dtype=np.int64)

    def air(self, rooms: Sequence[str]) -> SimpleNamespace:
        """Nodes of rooms; an empty name is the outdoors."""
        ends = {
            port: self.nodes([(r, f":{port}") if r else ("", ":outdoor") for r in rooms], "air")
            for port in ("supply", "inlet", "exhaust")
        }
        zone = np.array([self.rooms.get(r, -1) for r in rooms])
        dew = [self._dry(r) if r in self.rooms else np.full(1, -np.inf) for r in rooms]
        width = max((len(d) for d in dew), default=1)
        wide = np.array([np.broadcast_to(d, (width,)) for d in dew]).reshape(len(rooms), width)
        return SimpleNamespace(**ends, zone=zone, dew_point=wide)

    def _dry(self, room: str) -> Array:
        """Coldest coolant that stays dry in a room, K, (1|S,)."""
        part: Any = self.facility.components[room]
        dew, margin = (
            np.atleast_1d(np.asarray(self.columns.get(f, {}).get(room, getattr(part, f)), float))
            for f in ("dew_point", "dew_point_margin")
        )
        return dew + margin

    def write(self, element: Any) -> Array:
        """Add rows of an element kind; returns their numbers."""
        kind = type(element)
        n = len(_first(element))
        begin = self.counts.get(kind, 0)
        self.counts[kind] = begin + n
        self.parts.setdefault(kind, []).append(element)
        return np.arange(begin, begin + n) + (VENT if kind is Vent else 0)

    def lower(self) -> None:
        """Lower all components, type by type in name order."""
        by_kind: dict[str, list[str]] = {}
        for name in sorted(self.facility.components):
            by_kind.setdefault(self.facility.components[name].kind, []).append(name)
        for kind in sorted(by_kind):
            cls, names = REGISTRY[kind], by_kind[kind]
            cls.lower(Table(self, cls, names, self._columns(cls, names)), self.write)

    def _columns(self, cls: type[Component], names: list[str]) -> dict[str, Array]:
        parts = [self.facility.components[n] for n in names]
        columns = {}
        for name in set(cls.model_fields) - {"room", "at", "size"}:
            values = [getattr(p, name) for p in parts]
            if all(v is None or isinstance(v, (int, float)) for v in values):
                column = np.array([np.nan if v is None else float(v) for v in values])[:, None]
                columns[name] = self._spread(name, names, column)
        return columns

    def _spread(self, name: str, names: list[str], column: Array) -> Array:
        rows = self.columns.get(name)
        if not rows or not any(n in rows for n in names):
            return column
        wide = np.repeat(column, self.size, 1)
        for i, n in enumerate(names):
            if n in rows:
                wide[i] = rows[n]
        return wide

    def _site(self) -> SimpleNamespace:
        v = self.site_values
        pressure = fluids.pressure_at(v["elevation"])
        dry = v["dry_bulb"]
        if "wet_bulb" in v:
            wet = v["wet_bulb"]
            ratio = fluids.humidity_ratio_from_wet_bulb(dry, wet, pressure)
        else:
            if "relative_humidity" in v:
                ratio = fluids.humidity_ratio_from_relative_humidity(dry, v["relative_humidity"], pressure)
            elif "dew_point" in v:
                ratio = fluids.humidity_ratio_from_dew_point(v["dew_point"], pressure)
            else:
                ratio = fluids.humidity_ratio_from_relative_humidity(dry, 0.5, pressure)
            wet = fluids.wet_bulb(dry, ratio, pressure)
        row = lambda x: np.atleast_2d(np.asarray(x, float))  # noqa: E731
        site = SimpleNamespace(
            dry_bulb=row(dry),
            wet_bulb=row(wet),
            pressure=row(pressure),
            elevation=row(v["elevation"]),
            recirculation=row(v["recirculation"]),
            intake=row(dry + v["recirculation"]),
            wet_intake=row(wet + v["recirculation"]),
            density=row(fluids.air_density(dry, ratio, pressure)),
            room_density=row(fluids.air_density(ROOM_AIR, 0.008, pressure)),
        )
        site.outdoor = int(self.nodes([("", ":outdoor")], "air")[0])
        return site


def _first(element: Any) -> Any:
    for f in fields(element):
        value = getattr(element, f.name)
        if isinstance(value, Ref):
            return value.rows
        if isinstance(value, np.ndarray) and not isinstance(element, (Limit, Report)):
            return value
    return getattr(element, "elements", [0])


# ---- joining -----------------------------------------------------------------------------------------------------


def _join(facility: Facility) -> tuple[dict[Key, Key], dict[Key, list[Key]]]:
    """Representative of every joined port, and the far ends of every feed with cords."""
    parts = facility.components
    parent: dict[Key, Key] = {}

    def find(k: Key) -> Key:
        while parent.get(k, k) != k:
            parent[k] = parent.get(parent[k], parent[k])
            k = parent[k]
        return k

    feeds: dict[Key, list[Key]] = {}
    for _, a, b in facility.connections:
        for near, far in ((a, b), (b, a)):
            if parts[near[0]].ports[near[1]].cords:
                feeds.setdefault(near, []).append(far)
                break
        else:
            low, high = sorted((find(a), find(b)))
            parent[high] = low
    linked = {end for _, a, b in facility.connections for end in (a, b)}
    for name, part in parts.items():
        for port, spec in part.ports.items():
            if spec.carrier == "air" and (name, port) not in linked:
                parent[find((name, port))] = (part.room, ":exhaust") if part.room else ("", ":outdoor")
    return {k: find(k) for k in parent}, {k: sorted(v) for k, v in feeds.items()}


def _merge(kind: type, parts: Sequence[Any]) -> Any:
    """One element with the rows of all; columns are widened to the same scenario length."""
    merged = {}
    rows = [len(_first(p)) for p in parts]
    for f in fields(kind):
        values = [getattr(p, f.name) for p in parts]
        if f.type == "Index":
            merged[f.name] = np.concatenate([np.zeros(0, np.int64), *values]).astype(np.int64)
        elif f.type == "Array":
            wide = [np.broadcast_to(v, (n, np.shape(v)[1])) for v, n in zip(values, rows, strict=True)]
            size = max((v.shape[1] for v in wide), default=1)
            merged[f.name] = np.concatenate([np.zeros((0, size)), *(np.broadcast_to(v, (len(v), size)) for v in wide)])
        else:
            merged[f.name] = [x for v in values for x in v]
    return kind(**merged)


def compile(facility: Facility, scenarios: Mapping[str, Any] | None = None) -> Plant:
    """Lower a facility to arrays. `scenarios` maps addresses to SI values, one per scenario.

    Raises LayoutError for loops without pressure reference, buses without source, voltages that do not meet,
    rooms that are heated and not cooled.
    """
    c = _Compiler(facility, scenarios or {})
    c.lower()
    pipes = c.counts.get(Pipe, 0)
    fixed = {kind: [_resolve(p, pipes) for p in parts] for kind, parts in c.parts.items()}
    merged = {
        kind: _merge(kind, fixed.get(kind, []))
        for kind in (
            Pipe,
            Pump,
            Bypass,
            Exchange,
            Loss,
            Vent,
            Fan,
            Zone,
            Engine,
            Line,
            Converter,
            Source,
            Anchor,
            Level,
        )
    }
    pipe, vent = merged[Pipe], merged[Vent]
    start = np.concatenate([pipe.start, vent.start])
    end = np.concatenate([pipe.end, vent.end])
    thermal, buses = len(c.index["thermal"]), len(c.index["power"])
    names = {kind: _names(c.index[kind]) for kind in c.index}
    faults: list[str] = []
    coolant, anchor, pressure = _hydraulic(pipe, merged[Anchor], names["thermal"], faults)
    voltage, direct = _voltages(merged[Level], buses, names["power"], faults)
    layers, live = _layers(merged[Line], merged[Converter], merged[Source], buses, c.size, names["power"], faults)
    _cooled(facility, c, faults)
    _open(vent, [c.site.outdoor, *merged[Zone].inlet], names["thermal"], faults)
    _ignored(facility, fixed.get(Limit, []), faults)
    fluid_of = _media(fixed.get(Medium, []), pipe, coolant, names["thermal"], faults)
    if faults:
        raise LayoutError(facility.source, faults)
    exchange = merged[Exchange]
    loads = tuple(fixed.get(Load, []))
    constant = _merge(Constant, fixed.get(Constant, [])).value
    follow = _followers(len(vent.start), merged, fixed, pipes)
    program = streams.program(
        thermal,
        start,
        end,
        np.concatenate([exchange.cold, exchange.hot]),
        np.concatenate([exchange.hot, exchange.cold]),
    )
    return Plant(
        facility=facility,
        scenarios=c.size,
        coordinates=c.coordinates,
        site=c.site,
        nodes=thermal,
        outdoor=c.site.outdoor,
        start=start,
        end=end,
        pipe=pipe,
        pump=merged[Pump],
        relief=merged[Bypass],
        anchor=anchor,
        pressure=pressure,
        medium=fluid_of,
        exchange=exchange,
        cooler=tuple(fixed.get(Cooler, [])),
        loss=merged[Loss],
        heat=tuple(fixed.get(Heat, [])),
        gain=tuple(fixed.get(Gain, [])),
        intake=tuple(fixed.get(Intake, [])),
        fan=merged[Fan],
        zone=merged[Zone],
        follow=follow,
        engine=merged[Engine],
        constant=constant,
        load=loads,
        line=merged[Line],
        converter=merged[Converter],
        source=merged[Source],
        layers=layers,
        live=live,
        voltage=voltage,
        direct=direct,
        bus_names=names["power"],
        node_names=names["thermal"],
        limits=tuple(x for x in fixed.get(Limit, []) if x.name not in facility.ignore),
        reports=tuple(fixed.get(Report, [])),
        tallies=tuple(fixed.get(Tally, [])),
        costs=tuple(fixed.get(Cost, [])),
        serving=tuple(fixed.get(Serving, [])),
        streams=program,
        hydraulic=elimination.program(len(coolant), *_within(coolant, pipe, thermal)),
        coolant=coolant,
        start_temperature=_warm_start(thermal, coolant, c),
    )


def _warm_start(nodes: int, coolant: Array, c: _Compiler) -> Array:
    """Temperatures to start from, K: warm coolant, so that every cooler begins at work."""
    T = np.full((nodes, c.size), 300.0)
    T[coolant] = 335.0
    T[c.site.outdoor] = c.site.dry_bulb
    return T


def _within(coolant: Array, pipe: Pipe, nodes: int) -> tuple[Array, Array]:
    number = np.full(nodes, -1, np.int64)
    number[coolant] = np.arange(len(coolant))
    return number[pipe.start], number[pipe.end]


def _names(index: dict[Key, int]) -> list[str]:
    return [f"{k[0]}.{k[1].lstrip(':')}" for k in sorted(index, key=index.__getitem__)]


def _resolve(element: Any, pipes: int) -> Any:
    """Turn vent numbers into stream numbers."""

    def shift(x: Array) -> Array:
        return np.where(x >= VENT, x - VENT + pipes, x) if x.dtype.kind == "i" else x

    changes = {}
    for f in fields(element):
        value = getattr(element, f.name)
        if isinstance(value, Ref):
            changes[f.name] = Ref(value.quantity, shift(value.rows))
        elif isinstance(value, np.ndarray) and value.ndim == 1:
            changes[f.name] = shift(value)
    return replace(element, **changes)


def _hydraulic(pipe: Pipe, anchors: Anchor, names: list[str], faults: list[str]) -> tuple[Array, Array, Array]:
    """Coolant nodes, one pressure node in each separate loop and its pressure."""
    start, end = pipe.start, pipe.end
    coolant = np.unique(np.concatenate([start, end]))
    n = len(names)
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(n, n))
    _, loop = connected_components(graph, directed=False)
    chosen: dict[int, tuple[int, float]] = {}
    for row in sorted(range(len(anchors.node)), key=lambda i: names[anchors.node[i]]):
        node = int(anchors.node[row])
        chosen.setdefault(int(loop[node]), (node, float(anchors.pressure[row, 0])))
    for which in np.unique(loop[coolant]):
        if which not in chosen:
            inside = sorted(names[i] for i in coolant[loop[coolant] == which])
            faults.append(
                f"coolant loop through {inside[0]} ({len(inside)} nodes) has no pressure reference; "
                "connect an expansion_tank or give a CDU an expansion pressure"
            )
    loops = {int(loop[i]) for i in coolant}
    kept = [chosen[k] for k in sorted(chosen) if k in loops]
    return coolant, np.array([k[0] for k in kept], np.int64), np.array([[k[1]] for k in kept]).reshape(-1, 1)


def _media(media: list[Medium], pipe: Pipe, coolant: Array, names: list[str], faults: list[str]) -> tuple:
    """Pipes of each fluid; a loop that names none is water."""
    start, end = pipe.start, pipe.end
    n = len(names)
    _, loop = connected_components(coo_array((np.ones(len(start)), (start, end)), shape=(n, n)), directed=False)
    name = {}
    for m in media:
        for node, fluid in zip(m.node, m.fluid, strict=True):
            if name.setdefault(int(loop[node]), fluid) != fluid:
                faults.append(
                    f"coolant loop through {names[node]}: filled with {name[int(loop[node])]} and with {fluid}"
                )
    of = np.array([name.get(int(k), "water") for k in loop[start]], dtype=object)
    return tuple((fluid, np.flatnonzero(of == fluid), loop[start[of == fluid]]) for fluid in sorted(set(of)))


def _voltages(levels: Level, n: int, names: list[str], faults: list[str]) -> tuple[Array, Array]:
    voltage, direct, who = np.full(n, np.nan), np.full(n, -1), [""] * n
    for bus, value, dc, name in zip(levels.bus, levels.voltage[:, 0], levels.direct, levels.names, strict=True):
        if np.isnan(voltage[bus]):
            voltage[bus], who[bus] = value, name
        elif abs(value / voltage[bus] - 1) > 0.05:
            faults.append(
                f"bus {names[bus]}: {who[bus]} expects {voltage[bus]:g} V but {name} expects {value:g} V; "
                "set the voltages of both alike or put a transformer between"
            )
        if dc >= 0 and direct[bus] >= 0 and dc != direct[bus]:
            faults.append(f"bus {names[bus]}: {who[bus]} and {name} join AC and DC; put a rectifier between")
        direct[bus] = max(direct[bus], dc)
    return voltage, direct


def _layers(
    line: Line, converter: Converter, source: Source, n: int, size: int, names: list[str], faults: list[str]
) -> tuple[tuple[Layer, ...], Array]:
    """Networks in the order of solution, loads first, and which buses are live in each scenario."""
    ls, le = line.start, line.end
    ci, co = converter.input, converter.output
    _, island = connected_components(coo_array((np.ones(len(ls)), (ls, le)), shape=(n, n)), directed=False)
    depth = np.zeros(island.max(initial=-1) + 1, int)
    for turn in range(len(depth) + 1):
        deeper = depth.copy()
        np.maximum.at(deeper, island[ci], depth[island[co]] + 1)
        if np.array_equal(deeper, depth):
            break
        if turn == len(depth):
            ring = sorted({names[b] for b in co[depth[island[co]] > len(depth) - 2]})
            faults.append(f"converters feed each other in a circle: {', '.join(ring[:4])}")
            return (), np.ones((n, 1), bool)
        depth = deeper
    live = _live(line, converter, source, n, size)
    dark = np.flatnonzero(~_live(_closed(line), _closed(converter), _closed(source), n, 1)[:, 0])
    if len(dark):
        faults.append(f"bus {names[dark[0]]} has no path to a utility or generator ({len(dark)} such buses)")
        return (), live
    layers = [
        _layer(np.flatnonzero(depth[island] == d), line, converter, source, live)
        for d in range(depth.max(initial=-1) + 1)
    ]
    return tuple(layers), live


def _closed(element: Any) -> Any:
    return replace(element, in_service=np.ones_like(element.in_service[:, :1]))


def _live(line: Line, converter: Converter, source: Source, n: int, size: int) -> Array:
    """Buses with a path to a source, (bus, 1|S); one search for each distinct pattern of service."""
    status = [e.in_service for e in (line, converter, source)]
    width = max((s.shape[1] for s in status), default=1)
    stacked = np.concatenate([np.broadcast_to(s, (len(s), width)) for s in status]) > 0.5
    patterns, which = np.unique(stacked, axis=1, return_inverse=True)
    a, b = len(line.start), len(line.start) + len(converter.input)
    columns = []
    for pattern in patterns.T:
        on = np.flatnonzero(pattern[:a])
        s, e = line.start[on], line.end[on]
        _, group = connected_components(coo_array((np.ones(len(s)), (s, e)), shape=(n, n)), directed=False)
        lit = np.zeros(group.max(initial=-1) + 1, bool)
        lit[group[source.bus[pattern[b:]]]] = True
        on = pattern[a:b]
        ci, co = converter.input[on], converter.output[on]
        for _ in range(len(lit)):
            before = lit.sum()
            np.logical_or.at(lit, group[co], lit[group[ci]])
            if lit.sum() == before:
                break
        columns.append(lit[group])
    return np.stack(columns, 1)[:, np.ravel(which)] if columns else np.ones((n, 1), bool)


def _layer(bus: Array, line: Line, converter: Converter, source: Source, live: Array) -> Layer:
    """One network: its buses, and a slack bus behind a tie for every source and converter output in it."""
    number = {int(b): i for i, b in enumerate(bus)}
    inside = lambda ends: np.array([k for k, e in enumerate(ends.astype(int)) if int(e) in number], np.int64)  # noqa: E731
    lines, sources, outputs = inside(line.start), inside(source.bus), inside(converter.output)
    local = lambda ends: np.array([number[int(e)] for e in ends], np.int64)  # noqa: E731
    behind = np.concatenate([local(source.bus[sources]), local(converter.output[outputs])]).astype(np.int64)
    slack = len(bus) + np.arange(len(behind))
    columns = [getattr(e, f.name) for e in (line, converter, source) for f in fields(e) if f.type == "Array"]
    width = max(x.shape[1] for x in (*columns, live))
    wide = lambda x: np.broadcast_to(x, (len(x), width))  # noqa: E731
    awake = wide(converter.in_service[outputs]) * wide(live)[converter.input[outputs]]
    on = np.concatenate([wide(source.in_service[sources]), awake])
    rating = np.concatenate([wide(source.rating[sources]), wide(converter.rating[outputs])])
    tie = on / (1j * TIE * POWER_BASE / np.maximum(rating, POWER_BASE))
    series = np.concatenate([wide(line.in_service[lines]) / wide(line.impedance[lines]), tie])
    shunt = wide(line.in_service[lines]) * wide(line.shunt[lines]) / 2.0
    shunt = np.concatenate([shunt, np.zeros((len(behind), width))])
    ratio = np.concatenate([wide(line.ratio[lines]), np.ones((len(behind), width))])
    held = np.concatenate([wide(source.voltage[sources]), wide(converter.voltage[outputs])])
    network = power_flow.Network(
        n=len(bus) + len(behind),
        start=np.concatenate([local(line.start[lines]), slack]).astype(np.int64),
        end=np.concatenate([local(line.end[lines]), behind]).astype(np.int64),
        series=_narrow(series),
        shunt_start=_narrow(shunt),
        shunt_end=_narrow(shunt),
        ratio=_narrow(ratio),
        slack=slack,
    )
    return Layer(bus, network, lines, sources, outputs, _narrow(held + 0j))


def _narrow(x: Array) -> Array:
    """Length 1 along the scenario axis where all scenarios are equal."""
    return np.ascontiguousarray(x[:, :1]) if x.shape[1] > 1 and (x == x[:, :1]).all() else np.ascontiguousarray(x)


def _followers(vents: int, merged: dict, fixed: dict, pipes: int) -> Array:
    """Vents whose flow is whatever arrives at their start: coils behind fans, doors behind racks."""
    set_by = [merged[Fan].vent, *(i.vent for i in fixed.get(Intake, []))]
    zone = merged[Zone]
    set_by += [zone.forward, zone.backward, zone.bypassing, zone.outflow, zone.inflow]
    known = np.concatenate(set_by).astype(np.int64) if set_by else np.zeros(0, np.int64)
    return np.setdiff1d(np.arange(pipes, pipes + vents), known)


def _open(vent: Vent, ends: list[int], names: list[str], faults: list[str]) -> None:
    """Air that arrives at a node must leave it, but for the outdoors and rooms without racks."""
    for node in np.setdiff1d(vent.end, np.concatenate([vent.start, ends])):
        faults.append(f"air port {names[node]}: air has no way out; connect it to a rear_door or leave it open")


def _ignored(facility: Facility, limits: list[Limit], faults: list[str]) -> None:
    known = {x.name for x in limits} | {"voltage", "power_feed"}
    for name in facility.ignore:
        close = get_close_matches(name, known, 1, 0.8)
        if name not in known and close:
            faults.append(f"limits: ignore: no limit {name!r}; did you mean {close[0]!r}?")


def _cooled(facility: Facility, c: _Compiler, faults: list[str]) -> None:
    """A room that holds equipment needs something that takes the heat away."""
    cooled = {p.room for p in facility.components.values() if p.kind in ("crah", "fan_wall", "rear_door")}
    inside: dict[str, list[str]] = {}
    for n, p in sorted(facility.components.items()):
        if p.room is not None:
            inside.setdefault(p.room, []).append(n)
    for name in sorted(set(c.rooms) - cooled):
        if name in inside and getattr(facility.components[name], "ventilation", 0.0) <= 0.0:
            faults.append(
                f"room {name}: holds {inside[name][0]} and {len(inside[name]) - 1} more but nothing cools it; "
                "add a crah or fan_wall, or give it ventilation"
            )
