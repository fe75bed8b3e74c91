"""Components lower themselves: tables of columns in, elements out; ports become node and bus numbers here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twin import fluids
from twin.columns import Array, Index, Real, Ref
from twin.components.base import REGISTRY, Component, RoomNodes
from twin.components.hall import DEFAULT_HUMIDITY, Room, air_pressure
from twin.elements import VENT, Element, Limit, Report, Vent, Weather
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios

ROOM_AIR, ROOM_HUMIDITY = 297.15, 0.008
"""Dry bulb [K] and humidity ratio [kg/kg] of the air that fans of racks and room coolers move."""

Key = tuple[str, str]
"""A component and its port, or a place inside it that begins with a colon."""


class _Table:
    """See `components.base.Table`."""

    def __init__(self, lowering: Lowering, cls: type[Component], names: list[str], columns: dict[str, Array]) -> None:
        self._lowering, self._cls, self._columns = lowering, cls, columns
        self.names, self.n = names, len(names)
        self.kind, self.dimension, self.heading, self.tenant = cls.kind, cls.dimension, cls.heading, cls.tenant
        self.site, self.outdoor = lowering.site, lowering.outdoor

    def __getattr__(self, field: str) -> Array:
        if field.startswith("_") or field not in self._columns:
            raise AttributeError(f"{self.kind} has no numeric field {field!r}")
        return self._columns[field]

    def __getitem__(self, field: str) -> list[Any]:
        return [getattr(self._lowering.facility.components[n], field) for n in self.names]

    def __contains__(self, field: str) -> bool:
        return field in self._columns

    def node(self, port: str) -> Index:
        return self._lowering.nodes([(n, port) for n in self.names], self._cls.ports[port].carrier)

    def inner(self, tag: str) -> Index:
        return self._lowering.nodes([(n, f":{tag}") for n in self.names], "air")

    def feeds(self, port: str) -> tuple[Index, Index, Array]:
        row, bus, share = [], [], []
        for i, n in enumerate(self.names):
            ends = self._lowering.feeds[(n, port)]
            stated = self._lowering.facility.components[n].shares or [1.0 / len(ends)] * len(ends)
            row += [i] * len(ends)
            bus += ends
            used = stated[: len(ends)] if sum(stated[: len(ends)]) > 0 else [1.0] * len(ends)
            share += [s / sum(used) for s in used]
        return np.array(row), self._lowering.nodes(bus, "power"), np.array(share)[:, None]

    def only(self, rows: Array) -> _Table:
        kept = [n for n, keep in zip(self.names, rows, strict=True) if keep]
        return _Table(self._lowering, self._cls, kept, {k: v[rows] for k, v in self._columns.items()})

    def times(self, fields: str, factor: Array) -> _Table:
        scaled = {k: self._columns[k] * factor for k in fields.split()}
        return _Table(self._lowering, self._cls, self.names, self._columns | scaled)

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
        parts = self._lowering.facility.components
        return self._lowering.air([parts[n].room or "" for n in self.names])


class Lowering:
    """Collects elements while components lower themselves.

    parts: elements as written, by kind. counts: rows of each kind so far. index: numbers of joined ports by carrier.
    """

    def __init__(self, facility: Facility, scenarios: Scenarios) -> None:
        self.facility, self.scenarios = facility, scenarios
        self.columns, self.site_values, self.size = self.scenarios[:3]
        self.index: dict[str, dict[Key, int]] = {"thermal": {}, "power": {}}
        self.parts: dict[type[Element], list[Any]] = {}
        self.counts: dict[type[Element], int] = {}
        self.root, self.feeds = _join(facility)
        self.site = _weather(self.site_values)
        self.outdoor = int(self.nodes([("", ":outdoor")], "air")[0])
        self.rooms = {
            n: i for i, n in enumerate(sorted(n for n, p in facility.components.items() if isinstance(p, Room)))
        }

    def nodes(self, keys: Sequence[Key], carrier: str) -> Index:
        """Indices of joined ports, numbered when first seen."""
        index = self.index["power" if carrier == "power" else "thermal"]
        root = self.root
        return np.array([index.setdefault(root.get(k, k), len(index)) for k in keys], dtype=np.int64)

    def air(self, rooms: Sequence[str]) -> RoomNodes:
        """Nodes of rooms; an empty name is the outdoors."""
        ends = {
            port: self.nodes([(r, f":{port}") if r else ("", ":outdoor") for r in rooms], "air")
            for port in ("supply", "inlet", "exhaust")
        }
        zone = np.array([self.rooms.get(r, -1) for r in rooms])
        dew = [self._dry(r) if r in self.rooms else np.full(1, -np.inf) for r in rooms]
        width = max((len(d) for d in dew), default=1)
        wide = np.array([np.broadcast_to(d, (width,)) for d in dew]).reshape(len(rooms), width)
        return RoomNodes(**ends, zone=zone, dew_point=wide)

    def _dry(self, room: str) -> Array:
        """Coldest coolant that stays dry in a room, K, (1|S,)."""
        part = self.facility.components[room]
        dew, margin, ventilation = (
            np.atleast_1d(np.asarray(self.columns.get(f, {}).get(room, getattr(part, f)), float))
            for f in ("dew_point", "dew_point_margin", "ventilation")
        )
        return np.where(ventilation > 0, np.maximum(dew, self.site.dew_point[0]), dew) + margin

    def write(self, element: Element) -> Index:
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
            cls.lower(_Table(self, cls, names, self._columns(cls, names)), self.write)

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
