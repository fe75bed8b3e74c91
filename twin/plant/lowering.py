"""Components lower themselves: tables of columns in, elements out; ports become node and bus numbers here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twin import columns, fluids
from twin.columns import Array, Index, Real, Ref
from twin.components.base import REGISTRY, Component, RoomNodes
from twin.components.hall import DEFAULT_HUMIDITY, air_pressure
from twin.elements import (
    VENT,
    Bypass,
    Coil,
    Constant,
    Converter,
    Cooler,
    Derived,
    Element,
    Engine,
    Exchange,
    Fan,
    Humidifier,
    Limit,
    Line,
    Pipe,
    Pump,
    Report,
    Source,
    Vent,
    Weather,
    Zone,
)
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios
from twin.plant.symmetry import Classes
from twin.plant.wiring import OUTDOOR, PLACES, WATER, Group, Key, Wiring

OWNED: dict[type[Element], type] = {
    Pipe: columns.pipe,
    Vent: Vent,
    Pump: columns.pump,
    Bypass: columns.bypass,
    Exchange: columns.exchange,
    Cooler: columns.cooler,
    Fan: columns.fan,
    Zone: columns.zone,
    Coil: columns.coil,
    Humidifier: columns.humidifier,
    Engine: columns.engine,
    Constant: columns.given,
    Line: columns.line,
    Converter: columns.converter,
    Source: columns.source,
    Derived: Derived,
}
"""Elements whose rows are solved, or have solved columns, each of one component, and what their number is known by."""

ROOM_AIR, ROOM_HUMIDITY = 297.15, 0.008
"""Dry bulb [K] and humidity ratio [kg/kg] of the air that fans of racks and room coolers move."""


class _Table:
    """See `components.base.Table`."""

    def __init__(self, lowering: Lowering, cls: type[Component], group: Group, columns: dict[str, Array]) -> None:
        self._lowering, self._cls, self._group, self._columns = lowering, cls, group, columns
        self.names, self.n, self._numbers = group.names, len(group.names), group.numbers
        self.kind, self.dimension, self.heading, self.tenant = cls.kind, cls.dimension, cls.heading, cls.tenant
        self.site, self.outdoor = lowering.site, lowering.outdoor

    def __getattr__(self, field: str) -> Array:
        if field.startswith("_") or field not in self._columns:
            raise AttributeError(f"{self.kind} has no numeric field {field!r}")
        return self._columns[field]

    def __getitem__(self, field: str) -> list[Any]:
        if field in PLACES:
            self._lowering.same(field, self.names)
        return [getattr(part, field) for part in self._group.parts]

    def __contains__(self, field: str) -> bool:
        return field in self._columns

    def node(self, port: str) -> Index:
        return self._lowering.nodes(self._group.ends(port), self._cls.ports[port].carrier)

    def fluids(self, port: str) -> list[str]:
        wiring = self._lowering.wiring
        return [wiring.fluids.get(wiring.loop_of.get(end, -1), WATER) for end in self._group.ends(port)]

    def inner(self, tag: str) -> Index:
        return self._lowering.nodes(self._group.ends(f":{tag}"), "air")

    def feeds(self, port: str) -> tuple[Index, Index, Array]:
        row, bus, share = self._group.cords(port)
        return row, self._lowering.nodes(bus, "power"), share

    def only(self, rows: Array) -> _Table:
        kept = [n for n, keep in zip(self.names, rows, strict=True) if keep]
        columns = {k: v[rows] for k, v in self._columns.items()}
        return _Table(self._lowering, self._cls, Group(self._lowering.wiring, kept), columns)

    def times(self, fields: str, factor: Array) -> _Table:
        scaled = {k: self._columns[k] * factor for k in fields.split()}
        return _Table(self._lowering, self._cls, self._group, self._columns | scaled)

    @property
    def own(self) -> RoomNodes:
        return self._own

    @property
    def room(self) -> RoomNodes:
        return self._room

    @cached_property
    def _own(self) -> RoomNodes:
        return self._lowering.air(self.names)

    @cached_property
    def _room(self) -> RoomNodes:
        return self._lowering.air([part.room or "" for part in self._group.parts])


class Lowering:
    """Collects elements while components lower themselves.

    classes: which components are alike; of those that are, the first alone is lowered. parts: elements as written, by
    kind. rows: how many there are of each kind so far. owners: numbers of the components that rows belong to, by kind.
    index: numbers of joined ports by carrier.
    """

    def __init__(self, facility: Facility, scenarios: Scenarios, classes: Classes) -> None:
        self.facility, self.scenarios, self.wiring, self.classes = facility, scenarios, Wiring.of(facility), classes
        self.columns, self.site_values, self.size = self.scenarios[:3]
        self.index: dict[str, dict[Key, int]] = {"thermal": {}, "power": {}}
        self.parts: dict[type[Element], list[Any]] = {}
        self.rows: dict[type[Element], int] = {}
        self.owners: dict[type[Element], list[Index]] = {}
        self.rooms = {n: i for i, n in enumerate(n for n in self.wiring.rooms if classes.first(n) == n)}
        self.site = _weather(self.site_values)
        self.outdoor = int(self.nodes([OUTDOOR], "air")[0])

    def nodes(self, keys: Sequence[Key], carrier: str) -> Index:
        """Numbers of representatives of joined ports, numbered when first seen."""
        index = self.index["power" if carrier == "power" else "thermal"]
        return np.array([index.setdefault(self.classes.place(k), len(index)) for k in keys], dtype=np.int64)

    def same(self, field: str, names: Sequence[str]) -> None:
        """LayoutError where a field that says where components are differs in what is like any of them."""
        parts = self.facility.components
        for name in names:
            first = getattr(parts[name], field)
            if any(getattr(parts[n], field) != first for n in self.classes.members(name)):
                what = f"{name}: `lower` of {parts[name].kind} reads its {field}, in which what is like it differs"
                raise LayoutError(self.facility.source, [f"{what}; solve with symmetry=False"])

    def air(self, rooms: Sequence[str]) -> RoomNodes:
        """Nodes of rooms; an empty name is the outdoors."""
        number: dict[str, int] = {}
        at = np.array([number.setdefault(self.classes.first(r), len(number)) for r in rooms], np.int64)
        inside, root = self.rooms, self.wiring.root
        ends = {}
        for port in ("supply", "inlet", "exhaust"):
            keys = [(r, f":{port}") if r else OUTDOOR for r in number]
            ends[port] = self.nodes([root.get(k, k) for k in keys], "air")[at]
        zone = np.array([inside.get(r, -1) for r in number], np.int64)[at]
        margins = [self._margin(r) if r in inside else np.zeros(1) for r in number]
        width = max((len(m) for m in margins), default=1)
        wide = np.array([np.broadcast_to(m, (width,)) for m in margins]).reshape(len(number), width)[at]
        return RoomNodes(**ends, zone=zone, dew_point_margin=wide)

    def _margin(self, room: str) -> Array:
        """By which coolant must stay above the dew point in a room, K, (1|S,)."""
        field, part = "dew_point_margin", self.facility.components[room]
        return np.atleast_1d(np.asarray(self.columns.get(field, {}).get(room, getattr(part, field)), float))

    def lower(self) -> None:
        """Lower all components, type by type in name order."""
        for kind, group in self.classes.groups.items():
            columns = {field: self._spread(field, group.names, column) for field, column in group.stated.items()}
            table = _Table(self, REGISTRY[kind], group, columns)
            REGISTRY[kind].lower(table, partial(self._write, table))

    def _write(self, table: _Table, element: Element, of: Index | None = None) -> Index:
        """Add rows of an element kind; returns their numbers."""
        kind = type(element)
        n = len(first(element))
        begin = self.rows.get(kind, 0)
        self.rows[kind] = begin + n
        self.parts.setdefault(kind, []).append(element)
        if kind in OWNED:
            self.owners.setdefault(kind, []).append(self._owners(table, element, n, of))
        return np.arange(begin, begin + n) + (VENT if kind is Vent else 0)

    def _owners(self, table: _Table, element: Element, n: int, of: Index | None) -> Index:
        """Numbers of the components that the rows of an element belong to."""
        names: list[str] = getattr(element, "names", [])
        if of is not None and len(of) == n:
            return table._numbers[of]
        number = self.wiring.number
        if len(names) == n and all(name in number for name in names):
            return np.array([number[name] for name in names], np.int64)
        if of is None and n == table.n:
            return table._numbers
        rows = f"{n} rows of {type(element).__name__} for {table.n} instances"
        raise ValueError(f"{table.kind}: {rows}; say which instance each belongs to: write(..., of=rows)")

    def reference(self, node: int) -> bool:
        """Whether the pressure of a loop is measured from a node."""
        return list(self.index["thermal"])[node] in self.references

    @cached_property
    def references(self) -> set[Key]:
        """Joints from which the pressures of loops are measured."""
        return {self.classes.place(key) for key in self.wiring.references}

    def owner(self, kind: type[Element]) -> Index:
        """Numbers of the components that all rows of a kind belong to."""
        return np.concatenate([np.zeros(0, np.int64), *self.owners.get(kind, [])])

    def counts(self) -> dict[type, Array]:
        """How many equal ones each row stands for, by the ledger of its columns; see `elements.System`."""
        k, classes = columns, self.classes
        of = {kind: classes.times[self.owner(kind)] for kind in OWNED}
        counts: dict[type, Array] = {ledger: of[kind] for kind, ledger in OWNED.items()}
        counts[k.pipe], counts[k.stream] = of[Pipe], np.concatenate([of[Pipe], of[Vent]])
        for ledger, carrier in ((k.node, "thermal"), (k.bus, "power")):
            counts[ledger] = np.array([classes.equal(key) for key in self.index[carrier]], float)
        counts[k.audit] = np.ones(1)
        return counts

    def _spread(self, name: str, names: list[str], column: Array) -> Array:
        rows = self.columns.get(name)
        if not rows or not any(n in rows for n in names):
            return column
        wide = np.repeat(column, self.size, 1)
        for i, n in enumerate(names):
            if n in rows:
                wide[i] = rows[n]
        return wide


def _weather(v: Mapping[str, Real]) -> Weather:
    """The weather of all scenarios from what the site states, every field (1, 1|S)."""
    pressure = air_pressure(v)
    dry = v["dry_bulb"]
    if "wet_bulb" in v:
        wet = v["wet_bulb"]
        ratio = fluids.humidity_ratio_from_wet_bulb(dry, wet, pressure)
    else:
        if "dew_point" in v:
            ratio = fluids.humidity_ratio_from_dew_point(v["dew_point"], pressure)
        else:
            humidity = v.get("relative_humidity", DEFAULT_HUMIDITY)
            ratio = fluids.humidity_ratio_from_relative_humidity(dry, humidity, pressure)
        wet = fluids.wet_bulb(dry, ratio, pressure)
    intake = dry + v["recirculation"]
    return Weather(
        dry_bulb=_row(dry),
        wet_bulb=_row(wet),
        dew_point=_row(fluids.dew_point(ratio, pressure)),
        humidity=_row(ratio),
        pressure=_row(pressure),
        elevation=_row(v["elevation"]),
        intake=_row(intake),
        wet_intake=_row(wet + v["recirculation"]),
        density=_row(fluids.air_density(dry, ratio, pressure)),
        intake_density=_row(fluids.air_density(intake, ratio, pressure)),
        room_density=_row(fluids.air_density(ROOM_AIR, ROOM_HUMIDITY, pressure)),
    )


def _row(x: ArrayLike) -> Array:
    return np.atleast_2d(np.asarray(x, float))


def first(element: Element) -> Sequence[Any] | Array:
    """The field of an element whose length is its number of rows."""
    for f in fields(element):  # type: ignore[arg-type]
        value = getattr(element, f.name)
        if isinstance(value, Ref):
            return value.rows
        if isinstance(value, np.ndarray) and not isinstance(element, (Limit, Report)):
            return value
    return getattr(element, "elements", [0])
