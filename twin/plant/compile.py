"""A facility and its scenarios as one set of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from twin import columns
from twin.columns import FIGURES, Array, Index, Ref
from twin.components.base import REGISTRY
from twin.elements import (
    VENT,
    Anchor,
    Bypass,
    Caution,
    Coil,
    Constant,
    Converter,
    Cooler,
    Cost,
    Derived,
    Element,
    Engine,
    Exchange,
    Fan,
    Filling,
    Fuel,
    Gain,
    Guideline,
    Heat,
    Humidifier,
    Intake,
    Level,
    Limit,
    Line,
    Load,
    Loss,
    Medium,
    Mixing,
    Pipe,
    Pump,
    Report,
    Service,
    Serving,
    Source,
    System,
    Tally,
    Vent,
    Zone,
)
from twin.facility.collector import paused
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import Invalid, Scenarios, read
from twin.facility.sections import limit_names
from twin.facility.tables import Given
from twin.fluids import FLUIDS
from twin.kernels import streams
from twin.kernels.connected import connected
from twin.plant.lowering import OWNED, Lowering, first
from twin.plant.symmetry import Classes, alone
from twin.plant.train import Train, islands, voltages
from twin.plant.wiring import Key


@dataclass(frozen=True)
class Plant(System):
    """A compiled facility: what solvers read, and what is read before and after the solve, S scenarios.

    facility: what was compiled. classes: which of its components are alike: elements are those of the first of each.
    coordinates: values of the scenarios by address (S,). labels: what these are called (S,), None if by number.
    invalid: by number those whose values cannot be, in whose place a neighbour is solved. moisture: where that of the
    weather comes from. design_pue: that the site states [1], a number or (S,), None if it states none. node_keys,
    bus_keys: a port, or place inside a component, that each node and bus stands for. owners: numbers of the components
    that rows belong to, by the kind of element (row,), see `Wiring`. limits, reports, cautions, guidelines, tallies,
    costs, fuels, serving, services: elements as components wrote them, (rows, 1|S).
    """

    facility: Facility
    classes: Classes
    coordinates: Mapping[str, Array]
    labels: Array | None
    invalid: Mapping[int, Invalid]
    moisture: str
    design_pue: Array | float | None
    node_keys: list[Key]
    bus_keys: list[Key]
    owners: Mapping[type[Element], Index]
    limits: tuple[Limit, ...]
    reports: tuple[Report, ...]
    cautions: tuple[Caution, ...]
    guidelines: tuple[Guideline, ...]
    tallies: tuple[Tally, ...]
    costs: tuple[Cost, ...]
    fuels: tuple[Fuel, ...]
    serving: tuple[Serving, ...]
    services: tuple[Service, ...]

    @cached_property
    def node_names(self) -> list[str]:
        """Names of nodes."""
        return _names(self.node_keys)

    @cached_property
    def bus_names(self) -> list[str]:
        """Names of buses."""
        return _names(self.bus_keys)

    def checked(self) -> Plant:
        """The plant itself; LayoutError where values of any scenario cannot be."""
        if self.invalid:
            raise LayoutError(self.facility.source, [i.reason for i in self.invalid.values()])
        return self

    def alike(self, names: Sequence[str], value: Ref | None = None) -> Array:
        """How many elements are like each, itself included (element,): components by name, others by a solved column.

        What is no component and has no column is alone.
        """
        if self.classes.component is None:
            return np.ones(len(names))
        number, times = self.classes.wiring.number, self.classes.times
        own = np.array([times[number[n]] if n in number else np.nan for n in names], float)
        others = np.ones(len(names)) if value is None else self.times(value)
        return np.where(np.isnan(own), others, own)

    def platforms(self) -> Iterator[tuple[str, Index]]:
        """Platforms of the racks that serve, and the rows of these racks."""
        for group in self.serving:
            for platform in sorted(set(group.platform)):
                yield platform, group.engine[[p == platform for p in group.platform]]


T = TypeVar("T", bound=Element)


class _Parts:
    """The elements that components wrote, with streams numbered for good."""

    def __init__(self, c: Lowering) -> None:
        pipes = c.rows.get(Pipe, 0)
        self.parts = {kind: [_resolve(p, pipes) for p in parts] for kind, parts in c.parts.items()}

    def all(self, kind: type[T]) -> tuple[T, ...]:
        """Elements of a kind as they were written."""
        return tuple(self.parts.get(kind, ()))  # type: ignore[return-value]

    def merged(self, kind: type[T]) -> T:
        """One element of a kind with the rows of all; columns are widened to the same scenario length."""
        parts = self.all(kind)
        merged: dict[str, Any] = {}
        rows = [len(first(p)) for p in parts]
        for f in fields(kind):  # type: ignore[arg-type]
            values = [getattr(p, f.name) for p in parts]
            if f.type == "Index":
                merged[f.name] = np.concatenate([np.zeros(0, np.int64), *values]).astype(np.int64)
            elif f.type == "Array":
                own = [np.broadcast_to(v, (n, np.shape(v)[1])) for v, n in zip(values, rows, strict=True)]
                size = max((v.shape[1] for v in own), default=1)
                same = (np.broadcast_to(v, (len(v), size)) for v in own)
                merged[f.name] = np.concatenate([np.zeros((0, size)), *same])
            else:
                merged[f.name] = [x for v in values for x in v]
        return kind(**merged)


def compile(facility: Facility, scenarios: Given | Scenarios | None = None, classes: Classes | None = None) -> Plant:
    """Lower a facility to arrays. `scenarios` maps addresses to SI values, one per scenario; see `tables.tabulate`.

    They may have been read already (`scenarios.read`), so that many can be lowered part by part. classes: which
    components are alike in all of these scenarios, see `symmetry.partitions`; none are if not given.

    Raises LayoutError for what is no address and for values of which no scenario can be, for loops without pressure
    reference, buses without source, voltages that do not meet, rooms that are heated and not cooled. The plant of a
    facility as laid out is kept with it.
    """
    classes = alone(facility) if classes is None else classes
    if scenarios is not None:
        given = scenarios if isinstance(scenarios, Scenarios) else read(facility, scenarios)
        return _reduced(facility, given, classes)
    if "plant" not in classes.kept:
        classes.kept["plant"] = _reduced(facility, read(facility, {}), classes)
    return classes.kept["plant"]


def _reduced(facility: Facility, scenarios: Scenarios, classes: Classes) -> Plant:
    """The plant of these classes; what is wrong with it is told of all components."""
    try:
        return _compiled(facility, scenarios, classes)
    except LayoutError:
        _compiled(facility, scenarios, alone(facility))
        raise


@paused()
def _compiled(facility: Facility, scenarios: Scenarios, classes: Classes) -> Plant:
    c = Lowering(facility, scenarios, classes)
    c.lower()
    parts, faults = _Parts(c), []
    pipe, vent, exchange = parts.merged(Pipe), parts.merged(Vent), parts.merged(Exchange)
    zone, fan = parts.merged(Zone), parts.merged(Fan)
    start, end = np.concatenate([pipe.start, vent.start]), np.concatenate([pipe.end, vent.end])
    nodes, buses = _names(c.index["thermal"]), _names(c.index["power"])
    coolant, anchor, pressure = _hydraulic(pipe, parts.merged(Anchor), nodes, c.reference, faults)
    voltage, direct = voltages(parts.merged(Level), len(buses), buses, faults)
    train = Train(parts.merged(Line), parts.merged(Converter), parts.merged(Source))
    islanded, live = islands(train, len(buses), c.size, buses, faults)
    intake, coolers = parts.all(Intake), parts.all(Cooler)
    _cooled(facility, zone, _takers(exchange, coolers, fan, start, end), faults)
    _aired(facility, zone, faults)
    _open(vent, [c.outdoor, *zone.inlet], nodes, faults)
    _ignored(facility, parts.all(Limit), faults)
    _named(parts.all(Report), faults)
    medium = _media(parts.all(Medium), pipe, nodes, faults)
    if faults:
        raise LayoutError(facility.source, faults)
    sides = np.concatenate([exchange.cold, exchange.hot]), np.concatenate([exchange.hot, exchange.cold])
    counts = c.counts()
    of_streams, of_nodes = counts[columns.stream], counts[columns.node]
    return Plant(
        scenarios=c.size,
        counts=counts,
        site=c.site,
        nodes=len(nodes),
        outdoor=c.outdoor,
        start=start,
        end=end,
        pipe=pipe,
        pump=parts.merged(Pump),
        relief=parts.merged(Bypass),
        anchor=anchor,
        pressure=pressure,
        medium=medium,
        exchange=exchange,
        cooler=coolers,
        loss=parts.merged(Loss),
        heat=parts.all(Heat),
        gain=parts.all(Gain),
        intake=intake,
        fan=fan,
        zone=zone,
        coil=parts.merged(Coil),
        mixing=parts.all(Mixing),
        humidifier=parts.merged(Humidifier),
        inlets=(),
        follow=_followers(len(pipe.start), len(vent.start), fan, zone, intake),
        engine=parts.merged(Engine),
        work=(),
        constant=parts.merged(Constant).value,
        derived=parts.all(Derived),
        load=parts.all(Load),
        line=train.line,
        converter=train.converter,
        source=train.source,
        islands=islanded,
        live=live,
        voltage=voltage,
        direct=direct,
        streams=streams.program(
            len(nodes), start, end, *sides, of_streams / of_nodes[start], of_streams / of_nodes[end]
        ),
        coolant=coolant,
        start_temperature=_warm_start(len(nodes), coolant, c),
        facility=facility,
        classes=classes,
        coordinates=c.scenarios.coordinates,
        labels=c.scenarios.labels,
        invalid=c.scenarios.invalid,
        moisture=c.scenarios.moisture,
        design_pue=c.site_values.get("design_pue"),
        node_keys=list(c.index["thermal"]),
        bus_keys=list(c.index["power"]),
        owners={kind: c.owner(kind) for kind in OWNED},
        limits=tuple(x for x in parts.all(Limit) if x.name not in facility.ignore),
        reports=parts.all(Report),
        cautions=parts.all(Caution),
        guidelines=parts.all(Guideline),
        tallies=parts.all(Tally),
        costs=parts.all(Cost),
        fuels=parts.all(Fuel),
        serving=parts.all(Serving),
        services=parts.all(Service),
    )


def _warm_start(nodes: int, coolant: Array, c: Lowering) -> Array:
    """Temperatures to start from, K: warm coolant, so that every cooler begins at work."""
    T = np.full((nodes, c.size), 300.0)
    T[coolant] = 335.0
    T[c.outdoor] = c.site.dry_bulb
    return T


def _names(keys: Iterable[Key]) -> list[str]:
    return [f"{name}.{place.lstrip(':')}" for name, place in keys]


def _resolve(element: T, pipes: int) -> T:
    """The element with vent numbers turned into stream numbers."""

    def shift(x: Array) -> Array:
        vents = x.dtype.kind == "i" and x >= VENT
        return np.where(vents, x - VENT + pipes, x) if np.any(vents) else x

    changes = {}
    for f in fields(element):  # type: ignore[arg-type]
        value = getattr(element, f.name)
        if isinstance(value, Ref):
            changes[f.name] = Ref(value.column, shift(value.rows))
        elif isinstance(value, tuple) and value and isinstance(value[0], Ref):
            changes[f.name] = tuple(Ref(r.column, shift(r.rows)) for r in value)
        elif isinstance(value, np.ndarray) and value.ndim == 1:
            changes[f.name] = shift(value)
    return replace(element, **changes)  # type: ignore[type-var]


SAME = 1e-6
"""Share by which pressures that are held in one loop may differ."""


def _hydraulic(
    pipe: Pipe, anchors: Anchor, names: list[str], reference: Callable[[int], bool], faults: list[str]
) -> tuple[Array, Array, Array]:
    """Coolant nodes, one pressure node in each loop and its pressure: its `reference`, or the first by name."""
    start, end = pipe.start, pipe.end
    coolant = np.unique(np.concatenate([start, end]))
    n = len(names)
    loop = connected(n, start, end)
    chosen: dict[int, int] = {}
    held = anchors.pressure
    several = len(np.unique(loop[anchors.node])) < len(anchors.node)
    ranks = [several and not reference(int(node)) for node in anchors.node]
    for row in sorted(range(len(anchors.node)), key=lambda i: (ranks[i], names[anchors.node[i]])):
        first = chosen.setdefault(int(loop[anchors.node[row]]), row)
        if np.any(np.abs(held[row] - held[first]) > SAME * held[first]):
            both = " and ".join(f"{held[r, 0] / 1e3:,.1f} kPa at {names[anchors.node[r]]}" for r in (first, row))
            faults.append(f"coolant loop with {both}: keep one pressure reference, or give both the same pressure")
    for which in np.unique(loop[coolant]):
        if which not in chosen:
            inside = sorted(names[i] for i in coolant[loop[coolant] == which])
            holders = " or ".join(sorted(kind for kind, cls in REGISTRY.items() if cls.holds_pressure))
            faults.append(
                f"coolant loop through {inside[0]} ({len(inside)} nodes) has no pressure reference; "
                f"connect something that holds its pressure, a {holders}"
            )
    loops = {int(loop[i]) for i in coolant}
    kept = [chosen[k] for k in sorted(chosen) if k in loops]
    return coolant, anchors.node[kept].astype(np.int64), held[kept]


def _media(media: Sequence[Medium], pipe: Pipe, names: list[str], faults: list[str]) -> tuple[Filling, ...]:
    """Pipes of each fluid; a loop that names none is water."""
    start, end = pipe.start, pipe.end
    n = len(names)
    loop = connected(n, start, end)
    name: dict[int, str] = {}
    for m in media:
        for node, fluid in zip(m.node, m.fluid, strict=True):
            if fluid not in FLUIDS:
                faults.append(f"coolant loop through {names[node]}: no fluid {fluid!r}; there are {', '.join(FLUIDS)}")
            elif name.setdefault(int(loop[node]), fluid) != fluid:
                faults.append(
                    f"coolant loop through {names[node]}: filled with {name[int(loop[node])]} and with {fluid}"
                )
    of = np.array([name.get(int(k), "water") for k in loop[start]], dtype=object)
    return tuple(Filling(fluid, np.flatnonzero(of == fluid), loop[start[of == fluid]]) for fluid in sorted(set(of)))


def _followers(pipes: int, vents: int, fan: Fan, zone: Zone, intakes: Sequence[Intake]) -> Index:
    """Vents whose flow is whatever arrives at their start: coils behind fans, doors behind racks."""
    set_by = [fan.vent, *(i.vent for i in intakes)]
    set_by += [zone.forward, zone.backward, zone.bypassing, zone.outflow, zone.inflow]
    return np.setdiff1d(np.arange(pipes, pipes + vents), np.concatenate(set_by).astype(np.int64))


def _open(vent: Vent, ends: list[int], names: list[str], faults: list[str]) -> None:
    """Air that arrives at a node must leave it, but for the outdoors and rooms without racks."""
    for node in np.setdiff1d(vent.end, np.concatenate([vent.start, ends])):
        faults.append(f"air port {names[node]}: air has no way out; connect it to a rear door or leave it open")


def _ignored(facility: Facility, written: Sequence[Limit], faults: list[str]) -> None:
    """A limit whose name tells a type of the layout is one that this type has."""
    names, known, kinds = {x.name for x in written}, limit_names(), facility.count() if facility.ignore else {}
    for name in facility.ignore:
        of = [kind for kind in known.get(name, ()) if kind in kinds]
        if of and name not in names:
            own = [n for n in sorted(names) if of[0] in known.get(n, ())]
            faults.append(f"limits: ignore: {of[0]} has no limit {name!r}" + ("; it has " * bool(own)) + ", ".join(own))


def _named(reports: Sequence[Report], faults: list[str]) -> None:
    """A name that users see stands for one quantity of one dimension."""
    known: dict[str, Report] = {}
    for item in reports:
        other = known.setdefault(item.name, item)
        if item.name in FIGURES:
            faults.append(f"report {item.name}: is a headline figure already; call it another name")
        elif other.dimension != item.dimension:
            of = f"is one of dimension {other.dimension} and of {item.dimension}"
            faults.append(f"report {item.name}: {of}; begin its name with the dimension of its type")
        elif other.value.column.unit != item.value.column.unit:
            units = f"{other.value.column.unit} and in {item.value.column.unit}"
            faults.append(f"report {item.name}: is in {units}; call one of them another name")


def _takers(exchange: Exchange, coolers: Sequence[Cooler], fan: Fan, start: Index, end: Index) -> Index:
    """Nodes of the air streams that give heat away or are blown: whatever cools a room has some in it."""
    rows = np.concatenate([exchange.hot, *(c.stream for c in coolers), fan.vent, fan.coil]).astype(np.int64)
    return np.unique(np.concatenate([start[rows], end[rows]]))


def _aired(facility: Facility, zone: Zone, faults: list[str]) -> None:
    """What moves moisture needs a room whose humidity is a balance, and not stated."""
    still = {name for row, name in enumerate(zone.names) if not (zone.ventilation[row] > 0.0).all()}
    for name, part in facility.components.items():
        if type(part).airs_room and part.room in still:
            why = f"its room {part.room} is not ventilated and keeps its stated humidity"
            faults.append(f"{name}: room: {why}; give that room `ventilation`, leakage included")


def _cooled(facility: Facility, zone: Zone, takers: Index, faults: list[str]) -> None:
    """A room that holds equipment needs something that takes the heat away."""
    cooled = np.isin(zone.supply, takers) | np.isin(zone.exhaust, takers)
    warm = sorted(
        name for row, name in enumerate(zone.names) if not (cooled[row] or (zone.ventilation[row] > 0.0).all())
    )
    remedies = ", ".join(sorted(kind for kind, cls in REGISTRY.items() if cls.cools_room))
    for room in warm:
        inside = sorted(n for n, part in facility.components.items() if part.room == room)
        if inside:
            others = f" and {len(inside) - 1} more" if inside[1:] else ""
            remedy = f"add one of {remedies}, or give it ventilation"
            faults.append(f"room {room}: holds {inside[0]}{others} but nothing cools it; {remedy}")
