"""Components lower themselves: tables of columns in, elements out; names become indices here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from twin import fluids
from twin.components.base import REGISTRY, Component
from twin.components.hall import Room
from twin.elements import VENT, Array, Limit, Ref, Report, Vent
from twin.facility.graph import Facility
from twin.facility.scenarios import read

ROOM_AIR = 297.15
"""Dry bulb at which fans of racks and room coolers move their volume, K."""

Key = tuple[str, str]


class Table:
    """All instances of one type: each numeric field a column (instance, 1|S), each port an index array."""

    def __init__(self, lowering: Lowering, cls: type[Component], names: list[str], columns: dict[str, Array]) -> None:
        self._lowering, self._cls, self._columns = lowering, cls, columns
        self.names, self.n, self.kind, self.dimension, self.heading = (
            names,
            len(names),
            cls.kind,
            cls.dimension,
            cls.heading,
        )
        self.site = lowering.site
        self.__dict__.update(columns)

    def __getitem__(self, name: str) -> list[Any]:
        """Raw values of a field that is no number."""
        return [getattr(self._lowering.facility.components[n], name) for n in self.names]

    def node(self, port: str) -> Array:
        """Node (coolant, air) or bus (power) of a port for each instance."""
        return self._lowering.nodes([(n, port) for n in self.names], self._cls.ports[port].carrier)

    def inner(self, tag: str) -> Array:
        """A node inside each instance."""
        return self._lowering.nodes([(n, f":{tag}") for n in self.names], "air")

    def feeds(self, port: str) -> tuple[Array, Array, Array]:
        """Instance, bus and share of every feed, shares adding up to one in each instance."""
        row, bus, share = [], [], []
        for i, n in enumerate(self.names):
            ends = self._lowering.feeds[(n, port)]
            given = getattr(self._lowering.facility.components[n], "shares", None) or [1.0 / len(ends)] * len(ends)
            row += [i] * len(ends)
            bus += ends
            used = given[: len(ends)] if sum(given[: len(ends)]) > 0 else [1.0] * len(ends)
            share += [s / sum(used) for s in used]
        return np.array(row), self._lowering.nodes(bus, "power"), np.array(share)[:, None]

    def only(self, rows: Array) -> Table:
        """The same table with some of its instances."""
        kept = [n for n, keep in zip(self.names, rows, strict=True) if keep]
        return Table(self._lowering, self._cls, kept, {k: v[rows] for k, v in self._columns.items()})

    def times(self, names: str, factor: Array) -> Table:
        """The same table with some columns multiplied."""
        scaled = {k: self._columns[k] * factor for k in names.split()}
        return Table(self._lowering, self._cls, self.names, self._columns | scaled)

    @cached_property
    def own(self) -> SimpleNamespace:
        """Air nodes of the rooms of this table."""
        return self._lowering.air(self.names)

    @cached_property
    def room(self) -> SimpleNamespace:
        """Air nodes, zone and dew point limit of the room that each instance stands in; outdoors without one."""
        parts = self._lowering.facility.components
        return self._lowering.air([parts[n].room or "" for n in self.names])


class Lowering:
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
        dew, margin, ventilation = (
            np.atleast_1d(np.asarray(self.columns.get(f, {}).get(room, getattr(part, f)), float))
            for f in ("dew_point", "dew_point_margin", "ventilation")
        )
        return np.where(ventilation > 0, np.maximum(dew, self.site.dew_point[0]), dew) + margin

    def write(self, element: Any) -> Array:
        """Add rows of an element kind; returns their numbers."""
        kind = type(element)
        n = len(first(element))
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
            intake_density=row(fluids.air_density(dry + v["recirculation"], ratio, pressure)),
            room_density=row(fluids.air_density(ROOM_AIR, 0.008, pressure)),
            dew_point=row(fluids.dew_point(ratio, pressure)),
            design_pue=v.get("design_pue"),
        )
        site.outdoor = int(self.nodes([("", ":outdoor")], "air")[0])
        return site


def first(element: Any) -> Any:
    """The field of an element whose length is its number of rows."""
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
