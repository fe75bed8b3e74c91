"""compile(facility, scenarios) -> Plant: the elements of all components as one set of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.elements import (
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
    Fuel,
    Gain,
    Heat,
    Intake,
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
    Service,
    Serving,
    Source,
    Tally,
    Vent,
    Zone,
)
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.kernels import streams
from twin.plant.lowering import Key, Lowering, first
from twin.plant.train import layers, voltages


def compile(facility: Facility, scenarios: Mapping[str, Any] | None = None) -> Plant:
    """Lower a facility to arrays. `scenarios` maps addresses to SI values, one per scenario.

    Raises LayoutError for loops without pressure reference, buses without source, voltages that do not meet,
    rooms that are heated and not cooled.
    """
    c = Lowering(facility, scenarios or {})
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
    voltage, direct = voltages(merged[Level], buses, names["power"], faults)
    layered, live = layers(merged[Line], merged[Converter], merged[Source], buses, c.size, names["power"], faults)
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
        inlets=(),
        follow=follow,
        engine=merged[Engine],
        work=(),
        constant=constant,
        load=loads,
        line=merged[Line],
        converter=merged[Converter],
        source=merged[Source],
        layers=layered,
        live=live,
        voltage=voltage,
        direct=direct,
        bus_names=names["power"],
        node_names=names["thermal"],
        limits=tuple(x for x in fixed.get(Limit, []) if x.name not in facility.ignore),
        reports=tuple(fixed.get(Report, [])),
        tallies=tuple(fixed.get(Tally, [])),
        costs=tuple(fixed.get(Cost, [])),
        fuels=tuple(fixed.get(Fuel, [])),
        serving=tuple(fixed.get(Serving, [])),
        services=tuple(fixed.get(Service, [])),
        streams=program,
        coolant=coolant,
        start_temperature=_warm_start(thermal, coolant, c),
    )


def _merge(kind: type, parts: Sequence[Any]) -> Any:
    """One element with the rows of all; columns are widened to the same scenario length."""
    merged = {}
    rows = [len(first(p)) for p in parts]
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


def _warm_start(nodes: int, coolant: Array, c: Lowering) -> Array:
    """Temperatures to start from, K: warm coolant, so that every cooler begins at work."""
    T = np.full((nodes, c.size), 300.0)
    T[coolant] = 335.0
    T[c.site.outdoor] = c.site.dry_bulb
    return T


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
    known = {x.name for x in limits} | {"voltage", "power_feed", "coolant_freezing", "flow_reversed"}
    for name in facility.ignore:
        close = get_close_matches(name, known, 1, 0.8)
        if name not in known and close:
            faults.append(f"limits: ignore: no limit {name!r}; did you mean {close[0]!r}?")


def _cooled(facility: Facility, c: Lowering, faults: list[str]) -> None:
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
